#!/bin/sh
# Any program can join the channel: it is a descriptor with a line of JSON for each message, and an environment
# variable says which. The parent leaves, and the lines end.
printf '{"name":"worker"}\n' >&"$NODE_CHANNEL_FD"
while IFS= read -r message <&"$NODE_CHANNEL_FD"; do
  printf 'child process got msg: %s\n' "$message"
  printf '{"you_said":%s}\n' "$message" >&"$NODE_CHANNEL_FD"
done
