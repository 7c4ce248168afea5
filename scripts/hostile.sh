#!/bin/sh
# scripts/hostile.sh [TEST...]: the whole of tests/hostile, or the tests whose names contain one of the words, and a table
# of what each enemy did, the bound that is promised, and what it cost.
set -eu
cd -- "$(dirname -- "$0")/.."
table=$(mktemp)
trap 'rm -f "$table"' EXIT
filter=
for word in "$@"; do filter="$filter${filter:+:}*$word*"; done
status=0
BATON_HOSTILE=whole BATON_HOSTILE_TABLE=$table build/release/bin/hostile "--gtest_filter=${filter:-*}" --gtest_brief=1 >&2 || status=$?
awk -F '\t' '
  { row[NR] = $0; if (length($1) > width) width = length($1) }
  END {
    printf "%-*s  %12s  %12s  %s\n", width, "what was done", "bound", "figure", ""
    for (i = 1; i <= NR; i++) { split(row[i], cell, "\t"); printf "%-*s  %12s  %12s  %-5s  %s\n", width, cell[1], cell[2], cell[3], cell[4], cell[5] }
  }' "$table"
exit "$status"
