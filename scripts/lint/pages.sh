#!/bin/sh
# scripts/lint/pages.sh PAGE...: a page names only tests that there are, and links only to files that there are.
set -eu
tests=$(cat $(git ls-files --cached --others --exclude-standard -- tests 2>/dev/null | grep '\.cc$' || find tests -name '*.cc') |
  tr '\n' ' ' | grep -oE 'TEST(_F|_P)?\([A-Za-z0-9_]+, *[A-Za-z0-9_]+\)' | sed 's/.*(//; s/, */./; s/)//' | sort -u)
for page in "$@"; do
  grep -noE '`[A-Z][A-Za-z0-9_]*\.[A-Z][A-Za-z0-9_]*`' "$page" | tr -d '`' | while IFS=: read -r line name; do
    echo "$tests" | grep -qxF "$name" || echo "$page:$line: there is no test $name"
  done
  grep -noE '\]\([^)#: ]+[)#]' "$page" | sed 's/\](//; s/[)#]$//' | while IFS=: read -r line target; do
    [ -e "$(dirname "$page")/$target" ] || echo "$page:$line: links to $target, which is not there"
  done
done
