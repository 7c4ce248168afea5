#!/bin/sh
# A child on the channel: says who it is, answers each message, and ends when the parent leaves.
printf '{"pid":%d}\n' $$ >&"$NODE_CHANNEL_FD"
while IFS= read -r message <&"$NODE_CHANNEL_FD"; do
  case $message in '{"cmd":"NODE_'*) continue ;; esac # what the other runtime says to ours
  printf '{"you_said":%s}\n' "$message" >&"$NODE_CHANNEL_FD"
done
