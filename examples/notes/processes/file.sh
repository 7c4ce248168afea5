#!/bin/sh
# What is started by each call: says how, on its standard output, or over the channel if it has one.
if [ -n "$NODE_CHANNEL_FD" ]; then
  printf '"started %s"\n' "$*" >&"$NODE_CHANNEL_FD"
else
  echo "started $*"
fi
