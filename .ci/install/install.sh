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

fail() {
  echo "install.sh: $1" >&2
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
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=darwin ;;
    MINGW* | MSYS* | CYGWIN*) fail "use install.ps1 on Windows" ;;
    *) fail "there is no program for $(uname -s)" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) processor=x64 ;;
    aarch64 | arm64) processor=arm64 ;;
    *) fail "there is no program for $(uname -m)" ;;
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

# Downloads a URL to a file. A redirect must not lead from https to http.
download() {
  if has curl; then
    case $1 in
      https://*) curl -fsSL --proto '=https' --tlsv1.2 -o "$2" "$1" ;;
      *) curl -fsSL -o "$2" "$1" ;;
    esac
  elif has wget; then
    wget -q -O "$2" "$1"
  else
    fail "curl or wget is required"
  fi || fail "cannot download $1"
}

sha256() {
  if has sha256sum; then
    sha256sum "$1"
  elif has shasum; then
    shasum -a 256 "$1"
  elif has openssl; then
    openssl dgst -sha256 -r "$1"
  else
    fail "sha256sum, shasum or openssl is required to check the download"
  fi | cut -d ' ' -f 1
}

check_sum() {
  wanted=$(awk -v name="$2" '$2 == name { print $1 }' "$1/SHA256SUMS")
  [ -n "$wanted" ] || fail "SHA256SUMS does not list $2"
  found=$(sha256 "$1/$2")
  [ "$found" = "$wanted" ] || fail "$2 has the checksum $found instead of $wanted; nothing was installed"
}

check_attestation() {
  if [ -z "$repository" ] || ! has gh; then
    return
  fi
  if ! gh auth status >/dev/null 2>&1; then
    echo "The attestation is not checked, because gh is not logged in" >&2
    return
  fi
  gh attestation verify "$1" --repo "${repository#https://github.com/}" >/dev/null ||
    fail "$1 has no valid attestation; nothing was installed"
}

# Puts a file in place at once, also over a program that is running.
place() {
  mkdir -p "$(dirname "$3")"
  cp "$2" "$3.new"
  chmod "$1" "$3.new"
  mv "$3.new" "$3"
}

install_files() {
  for page in "$1"/man/man*/*; do
    section=$(basename "$(dirname "$page")")
    place 644 "$page" "$2/share/man/$section/$(basename "$page")"
  done
  place 644 "$1/completions/hydra.bash" "$2/share/bash-completion/completions/hydra"
  place 644 "$1/completions/_hydra" "$2/share/zsh/site-functions/_hydra"
  place 644 "$1/completions/hydra.fish" "$2/share/fish/vendor_completions.d/hydra.fish"
  place 755 "$1/hydra" "$2/bin/hydra"
}

base_url() {
  if [ -n "${HYDRA_INSTALL_BASE:-}" ]; then
    echo "${HYDRA_INSTALL_BASE%/}"
  elif [ -z "$repository" ]; then
    fail "this copy is not from a release: set HYDRA_INSTALL_BASE to the URL of a folder with the archives"
  elif [ -n "$version" ]; then
    echo "$repository/releases/download/v$version"
  else
    echo "$repository/releases/latest/download"
  fi
}

main() {
  if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=${HOME:-}/.local; fi
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix)
        [ $# -ge 2 ] || fail "--prefix needs a folder"
        prefix=$2
        shift 2
        ;;
      *) fail "usage: sh install.sh [--prefix FOLDER]" ;;
    esac
  done
  base=$(base_url)
  name=hydra-$(target)
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 1' HUP INT TERM
  download "$base/SHA256SUMS" "$scratch/SHA256SUMS"
  download "$base/$name.tar.gz" "$scratch/$name.tar.gz"
  check_sum "$scratch" "$name.tar.gz"
  check_attestation "$scratch/$name.tar.gz"
  tar -xzf "$scratch/$name.tar.gz" -C "$scratch"
  if ! "$scratch/$name/hydra" version >"$scratch/version"; then
    case $name in
      *-musl) fail "the program does not start; it needs libstdc++: apk add libstdc++" ;;
      *) fail "the program does not start on this system" ;;
    esac
  fi
  install_files "$scratch/$name" "$prefix"
  echo "Installed hydra $(sed -n 's/^Version: *//p' "$scratch/version") to $prefix/bin/hydra"
  case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) echo "Add it to your PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
  esac
}

# At the end, so that nothing runs if the download of this script was cut off.
main "$@"
