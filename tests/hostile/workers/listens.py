#!/usr/bin/env python3
"""A program under --listen. It answers each connection with its pid, and does what its arguments say:
ready: says READY=1 as the simplest of clients do; child: a child of it has the listener, too; talk: a line of
output again and again."""
import os
import signal
import socket
import sys
import threading
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN if 'deaf' in sys.argv else signal.SIG_DFL)
listener = socket.socket(fileno=3)
if 'child' in sys.argv and os.fork() == 0:
    while True:
        time.sleep(1000)


def talk():
    while True:
        print('still here', flush=True)
        time.sleep(0.001)


if 'talk' in sys.argv:
    threading.Thread(target=talk, daemon=True).start()
if 'ready' in sys.argv:
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.connect(os.environ['NOTIFY_SOCKET'])
    notify.send(b'READY=1')
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    connection.send(b'HTTP/1.0 200 OK\r\n\r\n%d\n' % os.getpid())
    connection.close()
