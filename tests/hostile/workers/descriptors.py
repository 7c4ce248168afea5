# A worker of which /proc has much to tell: as many descriptors as it may have, in each of N children too. It says
# that it is ready when they are there. Argument: N.
import os, resource, signal, socket, sys, time

most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 20_000)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = os.environ["NOTIFY_SOCKET"]
notify.connect("\0" + name[1:] if name[0] == "@" else name)
kept = socket.socket()
try:
    while True:
        os.dup(kept.fileno())
except OSError:
    pass
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        signal.pause()
print("grown", flush=True)
notify.send(b"READY=1")
time.sleep(1000)
