# A file system (FUSE) that does not answer, and what is stuck in it. Arguments: what, and a folder to mount it on.
#   can      nothing: exits with 0 where it can be mounted
#   serve    serves it, in this process, to everybody who looks into the folder, prints "served", and "somebody
#            waits" when somebody does
#   send     a worker that sends descriptors of its file, and others after them, as long as they are taken
#   hold     a worker that has a path, removes its file, holds that folder (the third argument) and asks for another
#            path in it; then it gives up what it had. It prints the errno of the answer, and "held"
#   hide     a worker that holds its own folder in /proc, and that of a daemon which it leaves, and asks for a port;
#            it prints "the daemon is PID" and the same
import array, ctypes, json, mmap, os, socket, struct, sys, threading, time

LOOKUP, FORGET, GETATTR, OPEN, FLUSH, INIT = 1, 2, 3, 14, 25, 26
READ, INTERRUPT, BATCH_FORGET = 15, 36, 42
NEVER = (READ, FLUSH, FORGET, INTERRUPT, BATCH_FORGET)  # the last three have no answer


def mount(folder):
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % device
    if libc.mount(b"fuse", folder.encode(), b"fuse", 6, options) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return device, libc


def attributes(node):
    mode = 0o40755 if node == 1 else 0o100666
    return struct.pack("<6Q10I", node, 1, 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 512, 0)


def answer(opcode, node):
    if opcode == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 16, 12, 4096, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if opcode == LOOKUP:  # the attributes are old at once
        return struct.pack("<4Q2I", 2, 1, 1000, 0, 0, 0) + attributes(2)
    if opcode == GETATTR and node == 1:
        return struct.pack("<Q2I", 1000, 0, 0) + attributes(1)
    if opcode == OPEN:
        return struct.pack("<Q2I", 1, 0, 0)
    return None


def serve(device):
    while True:
        request = os.read(device, 1 << 17)
        _, opcode, unique, node = struct.unpack_from("<2I2Q", request)
        if opcode in NEVER or (opcode == GETATTR and node != 1):
            if what == "serve" and opcode in (READ, GETATTR):
                print("somebody waits", flush=True)
            continue
        body = answer(opcode, node)
        error = 0 if body is not None else -38  # ENOSYS
        os.write(device, struct.pack("<IiQ", 16 + len(body or b""), error, unique) + (body or b""))


what, folder = sys.argv[1], sys.argv[2]
try:
    fuse, libc = mount(folder)
except OSError as error:
    sys.exit("no FUSE here: %s" % error)
if what == "can":
    libc.umount2(folder.encode(), 2)
if what == "serve":
    print("served", flush=True)
    serve(fuse)
if what == "send":
    if os.fork() == 0:
        serve(fuse)
    os.close(fuse)
    stuck = os.open(folder + "/file", os.O_RDONLY)
    libc.umount2(folder.encode(), 2)
    plain = os.open("/proc/self/exe", os.O_RDONLY)
    channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    channel.settimeout(1)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = os.environ["NOTIFY_SOCKET"]
    notify.connect("\0" + name[1:] if name[0] == "@" else name)
    notify.settimeout(1)

    def flood(target, message, called):
        one = stuck
        try:
            while True:
                target.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [one] * 100))])
                one = plain
        except OSError:
            print("no more is taken by " + called, flush=True)

    flood(channel, b'{"cmd":"NODE_SENT"}\n', "the channel")
    flood(notify, b"X=1", "the notify socket")
    time.sleep(1000)


# Whoever reads a folder has its lock; the pages that he reads it into come from a file that nobody answers for. Who
# wants to write into it then keeps all others out.
def hold(folder, file):
    tasks = os.open("/proc/self/task", os.O_RDONLY)
    libc.getdents64.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    pages = libc.mmap(None, 4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE, file, 0)
    held = os.open(folder, os.O_RDONLY)

    def waits(name):
        with open(os.open(name + "/stat", os.O_RDONLY, dir_fd=tasks)) as stat:
            return stat.read().rsplit(")")[-1].split()[0] in "DS"

    def wait_in(call):
        numbers = []

        def run():
            numbers.append(threading.get_native_id())
            call()

        threading.Thread(target=run, daemon=True).start()
        while not numbers:
            time.sleep(0.001)
        # Python's own waits are over when the call begins.
        time.sleep(0.2)
        while not waits(str(numbers[0])):
            time.sleep(0.001)

    wait_in(lambda: libc.getdents64(held, pages, 4096))
    wait_in(lambda: os.open(folder + "/x", os.O_CREAT | os.O_WRONLY))


def query(where, seq, kind, port):
    return {"cmd": "NODE_CLUSTER", "act": "queryServer", "index": 0, "data": None, "address": where, "port": port,
            "addressType": kind, "fd": -1, "flags": 0, "readableAll": True, "writableAll": True, "seq": seq}


if what in ("hold", "hide"):
    if os.fork() == 0:
        serve(fuse)
    os.close(fuse)
    file = os.open(folder + "/file", os.O_RDONLY)
    libc.umount2(folder.encode(), 2)
    channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    lines = channel.makefile("rw")

    def say(message):
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    def answer_to(seq):
        for line in lines:
            message = json.loads(line)
            if message.get("ack") == seq:
                return message

    if what == "hold":
        path = sys.argv[3] + "/first"
        say(query(path, 1, -1, -1))
        key = answer_to(1)["key"]
        os.unlink(path)
    if what == "hide":
        daemon = os.fork()
        if daemon == 0:
            os.setsid()
            os.closerange(0, 200)
            time.sleep(1000)
        hold("/proc/%d" % daemon, file)
        print("the daemon is", daemon, flush=True)
    hold(sys.argv[3], file)
    say(query(sys.argv[3] + "/second", 2, -1, -1) if what == "hold" else query("127.0.0.1", 2, 4, 0))
    print("the errno is", answer_to(2).get("errno", 0), flush=True)
    if what == "hold":
        time.sleep(3)
        say({"cmd": "NODE_CLUSTER", "act": "close", "key": key, "seq": 3})
    print("held", flush=True)
    time.sleep(1000)
