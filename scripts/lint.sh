#!/bin/sh
# Every rule of the house about how the sources look; `./dev lint` prepares what it needs (the tools, and
# build/release/compile_commands.json). A finding is one line, `file:line: what`.
#
# Each check of each file is an edge of a ninja graph under build/lint, which runs them side by side and only again when
# the file, a header that it includes or the tool has changed. A check writes its findings to its output and succeeds;
# only a check that could not run fails.
set -eu
cd -P -- "$(dirname -- "$0")/.."
out=build/lint
db=build/release/compile_commands.json
mkdir -p "$out"

# Those of git, so that what lies about is left alone; without git, all of them.
sources() {
  { git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null || find "$@" -type f 2>/dev/null; } |
    sort -u | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}
all=$(sources include src examples tests bench fuzz docs scripts | grep -E '\.(cc|h)$')
folders=$(echo "$all" | sed 's|/[^/]*$||' | sort -u)
public=$(sources include | grep '\.h$')
compiled=$(sed -n "s|^ *\"file\": \"$PWD/\(.*\)\",*$|\1|p" "$db" | sort -u | scripts/lint/once.sh)
pages=$(sources . | grep '\.md$')
shell=$(echo dev; sources scripts tests bench examples | grep '\.sh$')
# A unity file includes sources. One check takes longer than all others together, nearly all of it for the library's headers.
not_asked_of() {
  case $1 in */Unity/*) printf %s -bugprone-suspicious-include, ;; esac
  case $1 in src/* | build/release/src/*) ;; *) printf %s -performance-unnecessary-value-param ;; esac
}
# The files of a folder are compiled as one, below build/: what holds for the tests holds for theirs there.
cmp -s tests/.clang-tidy build/release/tests/.clang-tidy || cp tests/.clang-tidy build/release/tests/.clang-tidy
[ -n "$compiled" ] || { echo "$db:1: names no source of this folder; run ./dev lint"; exit 1; }

{
  cat <<'END'
ninja_required_version = 1.10
builddir = build/lint

# --- our own checks: the layers, the coroutines, which types are safe to destroy
rule tool
  command = g++ -std=c++23 -O1 -Wall -Wextra -Werror -o $out scripts/lint/*.cc
rule self_test
  command = build/lint/house_lint --self-test && touch $out
rule house
  command = build/lint/house_lint $$(cat $out.rsp) >$out
  rspfile = $out.rsp
  rspfile_content = $in

# The first line of each file.
rule format
  command = clang-format-19 --dry-run -Werror $in 2>&1 | sed -n 's/^\([^:]*:[0-9]*\):.*\[-Wclang-format-violations\]$$/\1: not formatted; .\/dev fmt does it/p' | awk -F: '!seen[$$1]++' >$out

# The compiler only tells which headers the file includes.
rule tidy
  command = clang++-19 -std=c++23 -Iinclude -Isrc -Itests -MM -MG -MT $out -MF $out.d $in && { clang-tidy-19 --quiet $checks -p build/release --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error $in 2>&1; echo $$?; } | scripts/lint/one_line.sh >$out
  depfile = $out.d
  deps = gcc

rule types
  command = build/lint/house_lint --types $in >$out
rule alone
  command = { $compiler -std=c++23 -Iinclude -fsyntax-only -Wall -Wextra -Wpedantic -Werror -MMD -MT $out -MF $out.d -x c++ $unit 2>&1; echo $$?; } | scripts/lint/one_line.sh >$out
  depfile = $out.d
  deps = gcc

rule shell
  command = { case $$(head -n 1 $in) in *bash) bash -n $in ;; *) sh -n $in ;; esac 2>&1; echo $$?; } | scripts/lint/one_line.sh >$out

rule pages
  command = scripts/lint/pages.sh $in >$out

build build/lint/house_lint: tool scripts/lint/coroutines.cc scripts/lint/layers.cc scripts/lint/main.cc scripts/lint/self_test.cc scripts/lint/snippets.cc scripts/lint/tokens.cc scripts/lint/types.cc | scripts/lint/tokens.h
build build/lint/self_test.ok: self_test build/lint/house_lint
END
  echo "build $out/house.txt: house $(echo $all $pages) | $out/house_lint || $out/self_test.ok"
  echo "build $out/pages.txt: pages $(echo $pages) | scripts/lint/pages.sh $(sources tests | grep '\.cc$' | tr '\n' ' ')"
  for folder in $folders; do
    echo "build $out/$folder.format: format $(echo "$all" | grep "^$folder/[^/]*\$" | tr '\n' ' ') | .clang-format"
  done
  for file in $compiled; do
    echo "build $out/$file.tidy: tidy $file | .clang-tidy tests/.clang-tidy scripts/lint/one_line.sh || $db"
    echo "  checks = --checks=$(not_asked_of "$file")"
  done
  for file in $public; do
    echo "build $out/$file.types.cc: types $file | $out/house_lint"
    for compiler in g++ clang++-19; do
      echo "build $out/$file.$compiler: alone $file | $out/$file.types.cc scripts/lint/one_line.sh"
      echo "  compiler = $compiler"
      echo "  unit = $out/$file.types.cc"
    done
  done
  for file in $shell; do echo "build $out/$file.shell: shell $file | scripts/lint/one_line.sh"; done
} >"$out/build.ninja"

ninja --quiet -k 0 -f "$out/build.ninja" -j "${BATON_JOBS:-$(nproc)}" </dev/null >&2

findings=$(
  {
    cat "$out/house.txt" "$out/pages.txt"
    for folder in $folders; do cat "$out/$folder.format"; done
    for file in $compiled; do cat "$out/$file.tidy"; done
    for file in $public; do cat "$out/$file.g++" "$out/$file.clang++-19"; done
    for file in $shell; do cat "$out/$file.shell"; done
  } | sort -u -t: -k1,1 -k2,2n -k3
)
count() { echo $#; }
# shellcheck disable=SC2086  # lists of words
files=$(count $all)
if [ -n "$findings" ]; then
  printf '%s\n' "$findings"
  echo "lint: $(printf '%s\n' "$findings" | wc -l) findings in $files files"
  exit 1
fi
echo "lint: nothing to say about $files files"
