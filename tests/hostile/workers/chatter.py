#!/usr/bin/env python3
"""chatter.py MODE SERVER [ARG...]: the first worker talks without an end, each other one is SERVER."""
import os
import signal
import socket
import struct
import sys

mode, server = sys.argv[1], sys.argv[2]
if os.environ["NODE_UNIQUE_ID"] != "1":
    os.execv(server, sys.argv[2:])

if name := os.environ.get("NOTIFY_SOCKET"):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", "\0" + name[1:] if name[0] == "@" else name)
if mode == "yes":
    os.execvp("yes", ["yes"])
if mode == "zeros":
    os.execvp("cat", ["cat", "/dev/zero"])


def leave_behind(what):
    """A grandchild in a session of its own whose parent ends at once."""
    if (child := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            what()
        os._exit(0)
    os.waitpid(child, 0)


if mode == "orphans":
    for _ in range(1500 if os.environ.get("BATON_HOSTILE") == "whole" else 200):
        leave_behind(signal.pause)
    print("they are there", file=sys.stderr, flush=True)
    while True:
        leave_behind(lambda: os._exit(0))


def advanced(body):
    return struct.pack(">I", len(body) + 2) + b"\xff\x0f" + body


def dense(tag, count):
    varint, left = b"", count
    while left >= 0x80:
        varint, left = varint + bytes([left & 0x7F | 0x80]), left >> 7
    varint += bytes([left])
    return advanced(b"A" + varint + tag * count + b"$\0" + varint)


MIB = 1 << 20
# A good message between bad ones, so that the channel lives on.
payload = {
    "acts": b'{"cmd":"NODE_CLUSTER","act":"nonsense"}\n' * 1000,
    "acks": b'{"cmd":"NODE_HANDLE_ACK"}\n' * 1000,
    "arrays": b"[" + b"[]," * ((MIB - 4) // 3) + b"1]\n1\n",
    "numbers": b"[" + b"1," * 100_000 + b"1]\n",
    "objects": b"{" + b",".join(b'"%x":1' % i for i in range(MIB // 12)) + b"}\n1\n",
    "nulls": dense(b"0", 4 * MIB) + advanced(b"I\2"),
    "boxes": dense(b"y", 4 * MIB) + advanced(b"I\2"),
}[mode]
with socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"])) as channel:
    channel.setblocking(True)
    while True:
        channel.sendall(payload)
