#!/bin/sh
# Of sources on standard input, one a line, those that are not the same again: several programs may compile the same
# files of a folder as one.
set -eu
seen=
while read -r file; do
  case $file in
    */Unity/*)
      key=$(grep '^#include' "$file" | cksum | tr ' ' -)
      case " $seen " in *" $key "*) continue ;; esac
      seen="$seen $key"
      ;;
  esac
  echo "$file"
done
