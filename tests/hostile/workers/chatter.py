#!/usr/bin/env python3
"""chatter.py MODE SERVER [ARG...]: the first worker talks without an end, each other one is SERVER."""
import json
import os
import signal
import socket
import struct
import sys
import threading

mode, server = sys.argv[1], sys.argv[2]
slot = os.environ.get("BATON_INSTANCE", "1")
first_life = os.environ["NODE_UNIQUE_ID"] == slot
reads = mode == "topics" and slot not in ("1", "8")
if slot != "1" and not reads or mode not in ("places", "topics") and not first_life:
    os.execv(server, sys.argv[2:])

if mode == "places" and not first_life:
    print("it says where", file=sys.stderr, flush=True)
elif name := os.environ.get("NOTIFY_SOCKET"):
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


def cluster(**members):
    return json.dumps({"cmd": "NODE_CLUSTER", "data": None, "seq": 1, **members}).encode() + b"\n"


def place(act, address, **members):
    return cluster(act=act, index=0, address=address, port=-1, addressType=-1, fd=None, backlog=0, **members)


def take_answers():
    while channel.recv(1 << 20):
        pass
    os._exit(0)


if mode in ("places", "vain", "topics"):
    channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    channel.sendall(cluster(act="online"))
    if reads:
        take_answers()
    threading.Thread(target=take_answers, daemon=True).start()
    if mode == "places" and first_life:
        for i in range(200):
            channel.sendall(place("queryServer", "\0%d.%d" % (os.getpid(), i)))
        for i in range(255):
            channel.sendall(place("listening", "/%d/" % i + "a" * 3900))
        channel.sendall(place("listening", "\0%d.0" % os.getpid()))
        os._exit(0)
    channel = channel.detach()


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
    "wide": b'{"cmd":"NODE_CLUSTER","act":"online",' + b",".join(b'"m%x":1' % i for i in range(80_000)) + b"}\n",
    "nulls": dense(b"0", 4 * MIB) + advanced(b"I\2"),
    "places": place("listening", "/other") * 100,
    "answers": cluster(accepted=list(range(10**6, 10**6 + 4000))) * 10,
    "vain": b"".join(place("queryServer", "/there/is/no/%d" % i) for i in range(1000)),
    "topics": b'{"topic":"x","data":[' + b"1.2345678901234567e-250," * 40_000 + b"1]}\n",
    "boxes": dense(b"y", 4 * MIB) + advanced(b"I\2"),
}[mode]
with socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"])) as channel:
    channel.setblocking(True)
    while True:
        channel.sendall(payload)
