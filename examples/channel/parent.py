#!/usr/bin/env python3
"""A parent: parent.py COMMAND [ARG...] starts the command with a channel, and prints what it says."""
import json
import os
import socket
import subprocess
import sys

ours, theirs = socket.socketpair()
number = str(theirs.fileno())
child = subprocess.Popen(sys.argv[1:], pass_fds=[theirs.fileno()], env={
    **os.environ, 'NODE_CHANNEL_FD': number, 'NODE_CHANNEL_SERIALIZATION_MODE': 'json'})
theirs.close()  # as long as it is open here, the end of the child would not be seen

for message in ({'id': 1, 'path': 'ä.png'}, 'two', [3, None]):
    ours.sendall(json.dumps(message, separators=(',', ':'), ensure_ascii=False).encode() + b'\n')

answers = 0
for line in ours.makefile(encoding='utf-8', newline='\n'):
    if line.startswith('{"cmd":"NODE_'):
        continue  # what the other runtime says to ours
    print('child said', line, end='', flush=True)
    answers += 'you_said' in line
    if answers == 3:
        ours.shutdown(socket.SHUT_WR)  # the child sees the end, and what it still says is read
print('the channel has ended', flush=True)
sys.exit(child.wait())
