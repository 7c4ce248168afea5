#!/bin/sh
# scripts/interop.sh [WHICH...]: the tests of tests/interop with each of these versions of Node, and what Bun and Deno can
# (18 20 22 24 26 bun deno), one table of all of it, and why what was skipped was. A runtime that cannot be had, and a test
# that could not be run, count as skipped, not as passed.
set -eu
cd -- "$(dirname -- "$0")/.."
[ $# -gt 0 ] || set -- 18 20 22 24 26 bun deno
results=build/interop
rm -rf "$results"
mkdir -p "$results"

# A program that dies early leaves its test "begun"; the table shows that as failed.
read_results='
  /^\[ RUN      \]/ { begun = $4 }
  /^\[       OK \]/ { print begun, "ok"; begun = "" }
  /^\[  SKIPPED \]/ && begun != "" { print begun, "skipped"; begun = "" }
  /^\[  FAILED  \]/ && begun != "" { print begun, "FAILED"; begun = "" }
  END { if (begun != "") print begun, "FAILED" }'

for major in "$@"; do
  if node=$(scripts/runtime.sh "$major"); then
    version=$("$node" --version | sed 's/^deno \([^ ]*\).*/\1/; q')
    programs=interop_*
    case $major in bun | deno) programs=interop_runtimes ;; esac
    echo "interop: $major ${version#v}" >&2
    for program in build/release/bin/$programs; do
      name=${program##*/interop_}
      log=$results/$major-$name.log
      BATON_NODE=$node "$program" >"$log" 2>&1 || :
      awk "$read_results" "$log" | sed "s|^|$major $name |" >>"$results/all"
      sed -n '/: Skipped$/ { n; p }' "$log" | sort -u | sed "s|^|$major |" >>"$results/reasons"
      grep -q '^\[==========\].* ran\.' "$log" || echo "$major $name (to_its_end) FAILED" >>"$results/all"
    done
    case $major in bun | deno) version=$major-$version ;; esac
    echo "$major ${version#v}" >>"$results/versions"
  else
    echo "interop: $major cannot be had" >&2
    echo "$major -" >>"$results/versions"
  fi
done
touch "$results/all" "$results/reasons"

awk -f scripts/interop_table.awk "$results/versions" "$results/all"

awk '
  { major = $1; sub(/^[^ ]* /, ""); if (!($0 in majors)) order[++count] = $0; if (!seen[$0, major]++) majors[$0] = majors[$0] " " major }
  END { if (count) print "\nskipped because"; for (i = 1; i <= count; i++) print "  " order[i] " (" substr(majors[order[i]], 2) ")" }
' "$results/reasons"

if grep -q FAILED "$results/all"; then
  echo "interop: what the tests said is in $results/" >&2
  exit 1
fi
