# A worker that ends 200 ms after it was ready, and leaves a child behind that goes on with what is of the worker. The
# first argument is what that does, for so many seconds (the second):
#   speaks   sends messages over the channel, as fast as they are read
#   frames   the same, of 1 MiB
#   prints   writes empty lines to the worker's output, whose pipes it has made as large as it may
# Or it leaves nothing and stays itself:
#   stays    closes its channel after so many seconds, the second time (which the file of the third argument counts)
#            after five times as many, so that one of them is always leaving; it ends by SIGKILL alone
# Only the first of several workers does so.
import fcntl, os, signal, socket, sys, time

channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
channel.sendall(b'"ready"\n')
if os.environ["BATON_INSTANCE"] != "1":
    time.sleep(1000)
what, seconds = sys.argv[1], float(sys.argv[2])
messages = b"1\n" * 32768 if what == "speaks" else b"[" + b"1," * 500000 + b"1]\n"


def leave(go_on):
    ready, began = os.pipe()
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(began, b"x")
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                go_on()
        except OSError:
            pass
        os._exit(0)
    os.read(ready, 1)


if what == "stays":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    channel.sendall(b'{"cmd":"NODE_CLUSTER","act":"online"}\n')
    with open(sys.argv[3], "ab") as lives:
        before = lives.tell()
        lives.write(b"x")
    time.sleep(seconds * (5 if before == 1 else 1))
    channel.close()
    time.sleep(1000)
if what == "prints":
    for stream in 1, 2:
        try:
            fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass
        leave(lambda: os.write(stream, b"\n" * 65536))
else:
    leave(lambda: channel.sendall(messages))
time.sleep(0.2)
os._exit(0)
