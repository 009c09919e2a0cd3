#!/bin/sh
# Unpacks an archive of a release and registers a client on the program's own sandbox with what was in it. For any sh, as
# Alpine has no bash.
set -eu
archive=$1
mkdir -p unpacked
case $archive in
  *.zip) unzip -q "$archive" -d unpacked ;;
  *) tar -xzf "$archive" -C unpacked ;;
esac
program=$(echo unpacked/*/hydra*)
"$program" version
"$program" sandbox --listen 127.0.0.1:0 >endpoint &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q . endpoint && break
  sleep 0.1
done
HYDRA_ADMIN_URL=$(sed -n 's/^HYDRA_ADMIN_URL=//p' endpoint | tr -d '\r')
export HYDRA_ADMIN_URL
"$program" clients create -n smoke -c http://localhost/cb -g authorization_code -r code -a core,foobar
"$program" clients list
