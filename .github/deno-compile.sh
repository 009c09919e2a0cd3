#!/usr/bin/env bash
# Compiles the program with Deno and registers a client on its sandbox. It compiles a copy of the source that has only the
# production dependencies, because Deno embeds the whole node_modules folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
deno=$PWD/node_modules/.bin/deno
out=$PWD/dist/deno
rm -rf "$out"
mkdir -p "$out/source"
cp -R cli.ts lib package.json package-lock.json .npmrc "$out/source"
cd "$out/source"
npm ci --omit=dev --ignore-scripts
"$deno" compile --no-check --allow-env --allow-net --allow-read --allow-write --allow-sys --output ../hydra cli.ts
cd "$out"
rm -rf source
# Deno is about 100 MB; the development dependencies would add 600.
size=$(wc -c <hydra)
if ((size > 200 * 1024 * 1024)); then
  echo "The compiled program has $size bytes: it contains more than the production dependencies" >&2
  exit 1
fi
./hydra sandbox --listen 127.0.0.1:0 >endpoint &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q . endpoint && break
  sleep 0.1
done
HYDRA_ADMIN_URL=$(sed -n 's/^HYDRA_ADMIN_URL=//p' endpoint)
export HYDRA_ADMIN_URL
./hydra clients create -n smoke -c http://localhost/cb -g authorization_code -r code -a core,foobar
./hydra clients list
