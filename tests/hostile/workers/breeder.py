# The first worker takes every process that its user may have, and keeps them while it lives; others do nothing.
import ctypes, os, signal

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)
if os.environ["BATON_INSTANCE"] != "1":
    print("here", flush=True)
    signal.pause()
while True:
    try:
        if os.fork() == 0:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.pause()
    except OSError:
        break
print("grown", flush=True)
signal.pause()
