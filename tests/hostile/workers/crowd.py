#!/usr/bin/env python3
"""Has COUNT processes, says that it is ready, and ends, in each of its lives; number 2 of its service only waits: crowd.py COUNT."""
import os, signal, socket, sys, time

if os.environ['BATON_INSTANCE'] == '1':
    for _ in range(int(sys.argv[1])):
        if os.fork() == 0:
            while True:
                signal.pause()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        name = os.environ['NOTIFY_SOCKET']
        out.sendto(b'READY=1', '\0' + name[1:] if name[0] == '@' else name)
    os.write(1, b'crowded\n')
    os._exit(0)
time.sleep(1000)
