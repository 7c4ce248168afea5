#!/bin/sh
# scripts/pools.sh: fetches from npm, once, the pools of Node that ours is measured beside into build/pools.
set -eu
cd -- "$(dirname -- "$0")/.."
[ ! -d build/pools/node_modules ] || exit 0
command -v npm >/dev/null || { echo "workerpool and piscina: there is no npm to fetch them with" >&2; exit 1; }
mkdir -p build
rm -rf build/pools
new=$(mktemp -d build/.pools-XXXXXX)
trap 'rm -rf "$new"' EXIT
trap 'exit 1' INT TERM HUP
timeout 300 npm install --no-audit --no-fund --no-save --loglevel=error --prefix "$new" workerpool@9 piscina@4 >&2
# Two of us may have fetched them: the first one wins.
mv -T "$new" build/pools 2>/dev/null || [ -d build/pools/node_modules ]
