#!/bin/sh
# What is started by each call: says how, on its standard output, or over the channel if it has one.
# 被四种方式启动的程序：说出自己是怎样启动的；有通道就发消息，没有就写标准输出。
if [ "$*" = --help ]; then
  echo "Usage: $0 [ARGUMENT...]"
  echo 'Says what it was started with: as a message if it has a channel, else on standard output.'
  echo '说出启动时得到的参数：有通道就发消息，没有就写标准输出。'
  exit
fi
if [ -n "$NODE_CHANNEL_FD" ]; then
  printf '"started %s"\n' "$*" >&"$NODE_CHANNEL_FD"
else
  echo "started $*"
fi
