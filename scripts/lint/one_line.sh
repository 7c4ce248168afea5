#!/bin/sh
# Reads the output of a compiler or of clang-tidy, and as its last line the exit status; prints each diagnostic as
# `file:line: what`, with the path relative to this folder. A failure without a diagnostic is not swallowed.
exec awk -v here="$PWD/" '
  { line[NR] = $0 }
  END {
    for (i = 1; i < NR; i++) {
      text = line[i]
      if (index(text, here) == 1) text = substr(text, length(here) + 1)
      if (match(text, /^[^:]+:[0-9]+:([0-9]+:)? (fatal error|error|warning): /)) {
        split(text, part, ":")
        rest = substr(text, RLENGTH + 1)
        print part[1] ":" part[2] ": " rest
        found++
      } else if (match(text, /^[^:]+: ([0-9]+|line [0-9]+): /)) {
        print text
        found++
      }
    }
    if (line[NR] != 0 && !found) {
      print "lint:0: a tool failed with status " line[NR]
      for (i = 1; i < NR && i < 20; i++) print "lint:0: " line[i]
    }
  }'
