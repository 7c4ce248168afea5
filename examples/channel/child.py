#!/usr/bin/env python3
"""A child on the channel: says who it is, answers each message, and ends when the parent leaves."""
import json
import os
import socket

channel = socket.socket(fileno=int(os.environ.pop('NODE_CHANNEL_FD')))


def send(message):
    channel.sendall(json.dumps(message, separators=(',', ':'), ensure_ascii=False).encode() + b'\n')


send({'pid': os.getpid()})
for line in channel.makefile(encoding='utf-8', newline='\n'):
    message = json.loads(line)
    if isinstance(message, dict) and str(message.get('cmd')).startswith('NODE_'):
        continue  # what the other runtime says to ours, not to us
    send({'you_said': message})
