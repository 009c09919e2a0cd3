#!/bin/sh
# Installs hydra with its manual and shell completions, without root:
#
#   sh install.sh [--prefix FOLDER]
#
# The default prefix is ~/.local, for root /usr/local: the program goes into bin, the rest into share. The archive must have the
# checksum of the release's SHA256SUMS. If GitHub's CLI is installed and logged in, it must also have an attestation.
#
# HYDRA_INSTALL_BASE replaces the URL of the folder that has the archives and SHA256SUMS, for a mirror.
set -eu

# A release fills these in.
repository=''
version=''

# Prints what failed and what to do next.
fail() {
  echo "install.sh: $1" >&2
  echo "Hint: $2" >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# The C library: some systems with glibc have musl too, so glibc is looked for first.
libc() {
  if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
    echo glibc
  elif ldd --version 2>&1 | grep -qi musl; then
    echo musl
  elif ls /lib/ld-musl-* >/dev/null 2>&1; then
    echo musl
  else
    echo glibc
  fi
}

target() {
  from_source="run it with Node instead: npx hydra-clients"
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    MINGW* | MSYS* | CYGWIN*) fail "this script is not for Windows" "use install.ps1 in PowerShell" ;;
    *) fail "there is no program for $(uname -s)" "$from_source" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) processor=x64 ;;
    aarch64 | arm64) processor=arm64 ;;
    *) fail "there is no program for $(uname -m)" "$from_source" ;;
  esac
  # A shell under Rosetta sees an Intel processor.
  if [ "$system" = darwin ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then
    processor=arm64
  fi
  if [ "$system" = linux ] && [ "$(libc)" = musl ]; then
    echo "$system-$processor-musl"
  else
    echo "$system-$processor"
  fi
}

# A URL as messages show it: without the password and the query, which may be a signature.
shown() {
  echo "$1" | sed 's|//[^/]*@|//|; s|[?#].*||'
}

# Downloads a URL to a file. A redirect must not lead from https to http.
download() {
  has curl || has wget || fail "neither curl nor wget is installed" "$install_curl"
  case $1 in
    [Hh][Tt][Tt][Pp][Ss]://*)
      if has curl; then
        curl -fsSL --proto '=https' --tlsv1.2 -o "$2" "$1"
      else
        wget_over_https "$1" "$2"
      fi
      ;;
    *) if has curl; then curl -fsSL -o "$2" "$1"; else wget -q -O "$2" "$1"; fi ;;
  esac || fail "cannot download $(shown "$1")" "check the network; for a mirror, check HYDRA_INSTALL_BASE"
}

# GNU Wget 1 follows redirects from https to http, even with --https-only, so this follows them itself. Wget2 follows one more
# redirect than --max-redirect says, but heeds --https-only: it skips the URL, without an error. BusyBox has neither.
wget_over_https() {
  case $(wget --version 2>&1) in
    'GNU Wget2 '*)
      wget -q --https-only -O "$2" "$1" && [ -s "$2" ]
      return
      ;;
    'GNU Wget 1.'*) ;;
    *) fail "this wget follows redirects from https to http" "$install_curl" ;;
  esac
  url=$1
  left=10
  while [ "$left" -gt 0 ]; do
    if wget -nv -S --max-redirect=0 -O "$2" "$url" >"$scratch/wget.log" 2>&1; then
      return 0
    fi
    asked=${url%%[?#]*}
    location=$(awk 'tolower($1) == "location:" { sub(/\r$/, ""); url = $2 } END { print url }' "$scratch/wget.log")
    case ${location%%[?#]*} in
      '')
        # Without the headers of the response.
        sed -n 's/?[^ ]*//; /^[^ ]/p' "$scratch/wget.log" >&2
        return 1
        ;;
      [Hh][Tt][Tt][Pp][Ss]://*) url=$location ;;
      //*) url=https:$location ;;
      /*)
        host=${asked#*://}
        url=https://${host%%/*}$location
        ;;
      *://*)
        fail "$(shown "$url") redirects to $(shown "$location"), which is not https" \
          "download from another URL: set HYDRA_INSTALL_BASE"
        ;;
      *) url=${asked%/*}/$location ;;
    esac
    left=$((left - 1))
  done
  echo "too many redirects" >&2
  return 1
}

sha256() {
  if has sha256sum; then
    sha256sum "$1"
  elif has shasum; then
    shasum -a 256 "$1"
  else
    openssl dgst -sha256 -r "$1"
  fi | cut -d ' ' -f 1
}

check_sum() {
  wanted=$(awk -v name="$2" '$2 == name { print $1 }' "$1/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS does not list $2" "$check_base"
  found=$(sha256 "$1/$2")
  [ "$found" = "$wanted" ] ||
    fail "$2 has the checksum $found instead of $wanted; nothing was installed" "download again; $check_base"
}

check_attestation() {
  if [ -z "$repository" ] || ! has gh; then
    return
  fi
  if ! gh attestation verify --help >/dev/null 2>&1; then
    echo "The attestation is not checked, because gh is older than 2.49; update gh, then run this script again" >&2
    return
  fi
  if ! gh auth status >/dev/null 2>&1; then
    echo "The attestation is not checked, because gh is not logged in; run gh auth login, then this script again" >&2
    return
  fi
  gh attestation verify "$1/$2" --repo "${repository#https://github.com/}" >/dev/null ||
    fail "gh found no valid attestation of $2; nothing was installed" \
      "if its message is about the network or the login, fix that and run this script again; otherwise, report it at $repository"
}

# mv would put a file into a folder with its name.
require_no_folder() {
  [ ! -d "$1" ] || fail "cannot write $1: it is a folder" "remove it, or choose another folder with --prefix"
}

# Copies a file next to its place, with a name that no other file has: $staged.
stage() {
  require_no_folder "$3"
  { mkdir -p "$(dirname "$3")" && staged=$(mktemp "$3.XXXXXX") && cp "$2" "$staged" && chmod "$1" "$staged"; } ||
    fail "cannot write $3" "choose a folder that you can write to with --prefix"
}

# Puts a file in place at once, also over a program that is running.
place() {
  stage "$@"
  mv -f "$staged" "$3"
}

# Starts the program next to its place: in the temporary folder, programs may not be allowed to run. Without the user's config
# file and the runtime's variables, because a mistake in them doesn't mean that the program can't run here.
try_program() {
  HOME='' XDG_CONFIG_HOME='' BUN_INSPECT='' BUN_OPTIONS='' "$1" version >"$scratch/version" && return
  status=$?
  case $name in *-x64*) sse=", and a processor with SSE4.2" ;; *) sse= ;; esac
  case $status/$name in
    2/*) fail "the program does not start here" "its own message above says why" ;;
    126/*) fail "$1 cannot be started" "if its folder is mounted noexec, choose another folder with --prefix" ;;
    */*-musl) fail "the program does not start" "it needs musl 1.2.4 or newer, libstdc++ (apk add libstdc++)$sse" ;;
    */hydra-linux-*) fail "the program does not start" "it needs glibc 2.17 or newer, /proc$sse" ;;
    *) fail "the program does not start" "it needs macOS 13 or newer$sse" ;;
  esac
}

install_files() {
  stage 755 "$1/hydra" "$2/bin/hydra"
  program=$staged
  try_program "$program"
  for page in "$1"/man/man*/*; do
    section=$(basename "$(dirname "$page")")
    place 644 "$page" "$2/share/man/$section/$(basename "$page")"
  done
  place 644 "$1/completions/hydra.bash" "$2/share/bash-completion/completions/hydra"
  place 644 "$1/completions/_hydra" "$2/share/zsh/site-functions/_hydra"
  place 644 "$1/completions/hydra.fish" "$2/share/fish/vendor_completions.d/hydra.fish"
  mv -f "$program" "$2/bin/hydra"
}

base_url() {
  if [ -n "${HYDRA_INSTALL_BASE:-}" ]; then
    echo "${HYDRA_INSTALL_BASE%/}"
  elif [ -z "$repository" ]; then
    fail "this copy is not from a release" "set HYDRA_INSTALL_BASE to the URL of a folder with the archives"
  elif [ -n "$version" ]; then
    echo "$repository/releases/download/v$version"
  else
    echo "$repository/releases/latest/download"
  fi
}

default_prefix() {
  if [ "$(id -u)" = 0 ]; then
    echo /usr/local
  elif [ -n "${HOME:-}" ]; then
    echo "$HOME/.local"
  else
    fail "HOME is not set" "choose a folder: --prefix /opt/hydra"
  fi
}

# The folder of --prefix, as an absolute path: a relative one would not work on the PATH.
chosen_prefix() {
  case $1 in
    --prefix) [ $# -le 2 ] || fail "unknown argument: $3" "$usage" ;;
    --prefix=*)
      [ $# = 1 ] || fail "unknown argument: $2" "$usage"
      set -- --prefix "${1#--prefix=}"
      ;;
    *) fail "unknown argument: $1" "$usage" ;;
  esac
  case ${2:-} in
    '') fail "--prefix needs a folder" "use for example --prefix /opt/hydra, or leave out --prefix" ;;
    /*) echo "${2%/}" ;;
    *) echo "$PWD/${2%/}" ;;
  esac
}

main() {
  # What root installs is for all users, whatever root's own umask is.
  umask 022
  usage="usage: sh install.sh [--prefix FOLDER]"
  install_curl="install curl, then run this script again"
  check_base="for a mirror, check that all files in HYDRA_INSTALL_BASE are from one release"
  has sha256sum || has shasum || has openssl ||
    fail "the checksum cannot be checked" "install sha256sum, shasum or openssl, then run this script again"
  for tool in tar gzip awk; do
    has "$tool" || fail "$tool is not installed" "install $tool, then run this script again"
  done
  if [ $# = 0 ]; then prefix=$(default_prefix); else prefix=$(chosen_prefix "$@"); fi
  require_no_folder "$prefix/bin/hydra"
  base=$(base_url)
  name=hydra-$(target)
  scratch=$(mktemp -d) || fail "cannot create a temporary folder" "set TMPDIR to a folder that you can write to"
  staged=
  program=
  trap 'rm -rf "$scratch"; rm -f ${staged:+"$staged"} ${program:+"$program"}' EXIT
  trap 'exit 1' HUP INT TERM
  download "$base/SHA256SUMS" "$scratch/SHA256SUMS"
  download "$base/$name.tar.gz" "$scratch/$name.tar.gz"
  check_sum "$scratch" "$name.tar.gz"
  check_attestation "$scratch" "$name.tar.gz"
  tar -xzf "$scratch/$name.tar.gz" -C "$scratch" ||
    fail "cannot unpack $name.tar.gz" "free space in ${TMPDIR:-/tmp}, or set TMPDIR to a folder on another disk"
  install_files "$scratch/$name" "$prefix"
  echo "Installed hydra $(sed -n 's/^Version: *//p' "$scratch/version") to $prefix/bin/hydra"
  case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) echo "Add it to your PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
  esac
}

# At the end, so that nothing runs if the download of this script was cut off.
main "$@"
