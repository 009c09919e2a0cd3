#!/bin/sh
# Unpacks an archive of a release and registers a client on the program's own sandbox with its program; then connects by
# name, with http and https. For any sh, as Alpine has no bash. Needs node and openssl.
#
#   SMOKE_NAME=NAME sh smoke.sh ARCHIVE
#
# NAME must have the addresses ::1 and 127.0.0.1; the servers listen only on the second.
set -eu
archive=$1
name=${SMOKE_NAME:?}
here=$(dirname "$0")
mkdir -p unpacked
case $archive in
  *.zip) unzip -q "$archive" -d unpacked ;;
  *) tar -xzf "$archive" -C unpacked ;;
esac
program=$(echo unpacked/*/hydra*)
"$program" version

sandbox=
front=
trap 'kill $sandbox $front 2>/dev/null || true' EXIT

# Waits for a line in a file, and prints what follows its prefix.
value_in() {
  for _ in $(seq 100); do
    found=$(sed -n "s/^$2//p" "$1" | tr -d '\r')
    [ -n "$found" ] && break
    sleep 0.1
  done
  echo "$found"
}

"$program" sandbox --listen 127.0.0.1:0 >endpoint &
sandbox=$!
HYDRA_ADMIN_URL=$(value_in endpoint HYDRA_ADMIN_URL=)
export HYDRA_ADMIN_URL
"$program" clients create -n smoke -c http://localhost/cb -g authorization_code -r code -a core,foobar
"$program" clients list

cat >smoke.cnf <<END
[req]
prompt = no
distinguished_name = subject
x509_extensions = server
[subject]
CN = smoke
[server]
basicConstraints = critical, CA:TRUE
subjectAltName = DNS:localhost, DNS:$name, IP:127.0.0.1
END
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -config smoke.cnf -keyout smoke.key -out smoke.crt 2>openssl.log ||
  { cat openssl.log; exit 1; }
node "$here/smoke-server.mjs" "$HYDRA_ADMIN_URL" smoke.key smoke.crt >ports &
front=$!
plain=$(value_in ports http=)
secure=$(value_in ports https=)
failed=
for url in "http://localhost:${HYDRA_ADMIN_URL##*:}" "https://127.0.0.1:$secure" "https://localhost:$secure" \
  "http://$name:$plain" "https://$name:$secure"; do
  echo "$url"
  "$program" clients list --endpoint "$url" --ca-file smoke.crt --fail-after 20s --format raw=length || failed="$failed $url"
done
[ -z "$failed" ] || { echo "Failed:$failed"; exit 1; }
