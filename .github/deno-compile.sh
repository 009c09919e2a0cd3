#!/usr/bin/env bash
# Compiles the program with Deno and registers a client on its sandbox.
set -euo pipefail
mkdir -p dist/deno
npx deno compile --no-check --allow-env --allow-net --allow-read --allow-write --allow-sys --output dist/deno/hydra cli.ts
dist/deno/hydra sandbox --listen 127.0.0.1:0 >dist/deno/endpoint &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  grep -q . dist/deno/endpoint && break
  sleep 0.1
done
HYDRA_ADMIN_URL=$(sed -n 's/^HYDRA_ADMIN_URL=//p' dist/deno/endpoint)
export HYDRA_ADMIN_URL
dist/deno/hydra clients create -n smoke -c http://localhost/cb -g authorization_code -r code -a core,foobar
dist/deno/hydra clients list
