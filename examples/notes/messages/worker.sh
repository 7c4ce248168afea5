#!/bin/sh
# Any program can join the channel: it is a descriptor with a line of JSON for each message, and an environment
# variable says which. The parent leaves, and the lines end.
# 任何程序都能加入通道：它是一个描述符，每条消息是一行 JSON，环境变量说明是哪个描述符。
[ "$1" != --help ] || exec echo "Usage: $0: prints each message and sends it back.  打印每条消息，并把它发回去。"
printf '{"name":"worker"}\n' >&"$NODE_CHANNEL_FD"
while IFS= read -r message <&"$NODE_CHANNEL_FD"; do
  printf 'child process got msg: %s\n' "$message"
  printf '{"you_said":%s}\n' "$message" >&"$NODE_CHANNEL_FD"
done
