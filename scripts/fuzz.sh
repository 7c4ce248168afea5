#!/bin/sh
# scripts/fuzz.sh NAME [FUZZER ARG...]: runs build/fuzz/bin/fuzz_NAME from the seeds in fuzz/corpus/NAME for
# BATON_FUZZ_SECONDS (20). What it discovers stays in build/fuzz/found/NAME, and is where the next run starts from;
# an input that breaks it is left there as crash-..., and `./dev fuzz NAME FILE` runs that one again.
set -eu
cd -- "$(dirname -- "$0")/.."
name=$1
shift
found=build/fuzz/found/$name
mkdir -p "$found/queue"
if [ $# -eq 0 ]; then
  set -- "-max_total_time=${BATON_FUZZ_SECONDS:-20}" "$found/queue"
  [ ! -d "fuzz/corpus/$name" ] || set -- "$@" "fuzz/corpus/$name"
fi
exec "build/fuzz/bin/fuzz_$name" "-artifact_prefix=$found/" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 "$@"
