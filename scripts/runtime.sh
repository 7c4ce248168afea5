#!/bin/sh
# scripts/runtime.sh WHICH: prints the path of a JavaScript runtime, fetched from npm if there is none under build/nodes/
# yet. WHICH is a major version of Node, `bun` or `deno`. It never changes after that; remove the folder for a newer one.
set -eu
cd -- "$(dirname -- "$0")/.."
which=$1
home=$PWD/build/nodes/$which
case $(uname -m) in
  x86_64) node=x64 bun=x64-baseline deno=x64 ;;
  aarch64) node=arm64 bun=aarch64 deno=arm64 ;;
  *) echo "no packages for $(uname -m)" >&2; exit 1 ;;
esac
case $which in
  bun) package=@oven/bun-linux-$bun version=latest program=bin/bun ;;
  deno) package=@deno/linux-$deno-glibc version=latest program=deno ;;
  *) package=node-linux-$node version=$which program=bin/node ;;
esac
if [ ! -x "$home/$program" ]; then
  command -v npm >/dev/null || { echo "$which: there is no npm to fetch it with" >&2; exit 1; }
  mkdir -p build/nodes
  new=$(mktemp -d "build/nodes/.$which-XXXXXX")
  trap 'rm -rf "$new"' EXIT
  trap 'exit 1' INT TERM HUP
  timeout 300 npm install --no-audit --no-fund --no-save --loglevel=error --prefix "$new" "$package@$version" >&2 || exit 1
  "$new/node_modules/$package/$program" --version >/dev/null || exit 1
  # Two of us may have fetched it: the first one wins.
  mv -T "$new/node_modules/$package" "$home" 2>/dev/null || [ -x "$home/$program" ]
fi
echo "$home/$program"
