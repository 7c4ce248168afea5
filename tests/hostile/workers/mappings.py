# A worker of which the kernel has much to tell: as many mappings as it lets one process have.
import mmap, signal

kept = []
try:
    for _ in range(60_000):
        kept.append(mmap.mmap(-1, 4096))
        kept[-1][0] = 1
except OSError:
    pass
print("grown", flush=True)
signal.pause()
