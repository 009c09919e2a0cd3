#!/usr/bin/env bash
# Creates a root folder with a program for Linux and the libraries that it needs, as in the images:
#
#   program-root.sh TARGET PROGRAM FOLDER
#
# TARGET is linux-x64-musl, linux-arm64 or linux-arm64-musl. A root for arm64 also contains QEMU's user mode emulator as
# /usr/bin/qemu-aarch64-static, which runs the program on other processors.
#
# glibc for arm64 comes from the package for cross compilers. musl comes from the system's packages. If they have another
# processor's, or a version that is too old, as on Debian 12, it comes from Debian 13, and on Ubuntu from the Alpine image.
# libstdc++ comes from a wheel for musl, whose copies of it have hashes in their names. apt keeps its configuration.
set -euo pipefail
target=$1
program=$2
folder=$3
here=$(dirname "${BASH_SOURCE[0]}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
  echo "program-root.sh: $1" >&2
  exit 1
}

case $target in
linux-x64-musl) processor=amd64 machine=x86_64 ;;
linux-arm64 | linux-arm64-musl)
  processor=arm64 machine=aarch64
  emulator=$(command -v qemu-aarch64-static) || fail "qemu-aarch64-static is missing; install qemu-user-static"
  ;;
*) fail "unknown target '$target'" ;;
esac

options=(-o APT::Sandbox::User=root)

# Makes apt read the packages of Debian 13 for the target's processor, from the site of the system's own packages.
use_debian_13() {
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$scratch/lists/partial"
  printf 'deb [signed-by=%s] %s trixie main\n' "$keys" "$1" >"$scratch/trixie.list"
  options+=(-o "Dir::Etc::SourceList=$scratch/trixie.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$scratch/lists"
    -o "Dir::Cache=$scratch/cache" -o "APT::Architecture=$processor" -o "APT::Architectures=$processor")
  apt-get "${options[@]}" update -qq
}

# Unpacks a Debian package into a folder of its name.
unpack_package() {
  (cd "$scratch" && apt-get "${options[@]}" download -qq "$1")
  dpkg-deb --extract "$scratch/$1"_*.deb "$scratch/$1"
}

add_glibc() {
  unpack_package "libc6-$processor-cross"
  local libraries=$scratch/libc6-$processor-cross/usr/$machine-linux-gnu/lib
  mkdir -p "$folder/lib/$machine-linux-gnu"
  cp "$libraries"/{libc.so.6,libm.so.6,libdl.so.2,libpthread.so.0} "$folder/lib/$machine-linux-gnu/"
  cp "$libraries/ld-linux-$machine.so.1" "$folder/lib/"
}

# Adds musl, whose C library is also the loader.
add_musl() {
  local loader=ld-musl-$machine.so.1 version site image
  version=$(apt-cache policy musl | sed -n 's/^ *Candidate: //p')
  # shellcheck disable=SC2016 # A placeholder of apt-get.
  site=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Component: main' | head -n 1)
  if [[ $processor == "$(dpkg --print-architecture)" ]] && dpkg --compare-versions "$version" ge 1.2.4; then
    unpack_package musl
  elif [[ -n $site ]]; then
    use_debian_13 "$site"
    unpack_package musl
  else
    image=$(sed -n 's/^ARG BASE=//p' "$here/../../Dockerfile.alpine")
    mkdir "$scratch/musl"
    crane export --platform "linux/$processor" "$image" - |
      tar --extract --directory "$scratch/musl" --wildcards "*lib/$loader"
  fi
  cp "$(find "$scratch/musl" -type f '(' -name libc.so -o -name "$loader" ')')" "$folder/lib/$loader"
}

# Adds the libraries of GCC's C++ runtime for musl.
add_libstdcxx() {
  local pip library
  pip=$(command -v pip3 || command -v pip)
  "$pip" download --quiet --no-deps --require-hashes --only-binary :all: --platform "musllinux_1_2_$machine" \
    --python-version 3.13 --dest "$scratch" --requirement "$here/musl-libraries.txt"
  unzip -q "$scratch"/numpy-*.whl 'numpy.libs/*' -d "$scratch"
  mkdir -p "$folder/usr/lib"
  cp "$scratch"/numpy.libs/libstdc++-*.so.6.* "$folder/usr/lib/libstdc++.so.6"
  for library in "$scratch"/numpy.libs/libgcc_s-*.so.1; do
    cp "$library" "$folder/usr/lib/"
    cp "$library" "$folder/usr/lib/libgcc_s.so.1"
  done
}

# Packages whose versions are out of date can't be downloaded.
[[ $(id -u) != 0 ]] || apt-get update -qq || echo "program-root.sh: could not update the lists of packages" >&2
mkdir -p "$folder"/{lib,usr/local/bin}
case $target in
*-musl)
  add_musl
  add_libstdcxx
  ;;
*) add_glibc ;;
esac
[[ $processor != arm64 ]] || install -D -m 755 "$emulator" "$folder/usr/bin/qemu-aarch64-static"
install -m 755 "$program" "$folder/usr/local/bin/hydra"
