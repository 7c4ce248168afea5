#!/bin/sh
# scripts/skipped.sh FOLDER: which cases of GoogleTest the last ctest run in that folder skipped, and how often each.
set -eu
sed -n 's/^\[  SKIPPED \] \([^ ]*\) (.*/  \1/p' "$1"/Testing/Temporary/LastTest.log* | sort | uniq -c |
  sed '1i\
skipped cases, how often each:'
