#!/usr/bin/env bash
# Makes a root folder with the program for musl and the libraries that it needs, as in the Alpine image:
#
#   musl-root.sh PROGRAM FOLDER
#
# musl comes from Debian or Ubuntu; on Debian 12, whose version is too old, from Debian 13. libstdc++ comes from a wheel for
# musl, whose copies of it have hashes in their names.
set -euo pipefail
program=$1
folder=$2
here=$(dirname "${BASH_SOURCE[0]}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$folder"/{lib,usr/lib,usr/local/bin}

options=()
version=$(apt-cache policy musl | sed -n 's/^ *Candidate: //p')
if dpkg --compare-versions "$version" lt 1.2.4; then
  mkdir -p "$scratch/lists/partial"
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  # shellcheck disable=SC2016 # A placeholder of apt-get.
  site=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Component: main' | head -n 1)
  printf 'deb [signed-by=%s] %s trixie main\n' "$keys" "$site" >"$scratch/trixie.list"
  options=(-o "Dir::Etc::SourceList=$scratch/trixie.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$scratch/lists"
    -o "Dir::Cache=$scratch/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
fi
(cd "$scratch" && apt-get "${options[@]}" download -qq musl)
dpkg-deb --extract "$scratch"/musl_*.deb "$scratch/musl"
loader=$(basename "$(find "$scratch/musl" -name 'ld-musl-*.so.1')")
cp "$(find "$scratch/musl" -name libc.so -type f)" "$folder/lib/$loader"

pip=$(command -v pip3 || command -v pip)
"$pip" download --quiet --no-deps --require-hashes --only-binary :all: --platform musllinux_1_2_x86_64 --python-version 3.13 \
  --dest "$scratch" --requirement "$here/musl-libraries.txt"
unzip -q "$scratch"/numpy-*.whl 'numpy.libs/*' -d "$scratch"
cp "$scratch"/numpy.libs/libstdc++-*.so.6.* "$folder/usr/lib/libstdc++.so.6"
for library in "$scratch"/numpy.libs/libgcc_s-*.so.1; do
  cp "$library" "$folder/usr/lib/"
  cp "$library" "$folder/usr/lib/libgcc_s.so.1"
done
install -m 755 "$program" "$folder/usr/local/bin/hydra"
