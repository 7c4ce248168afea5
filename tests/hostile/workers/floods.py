# A worker that says what it should not, by hand. The argument is what:
#   messages   bad messages of the cluster's protocol, as fast as they are read
#   kinds      the same, of ever new kinds
#   nested     the same within Unix-domain sockets that are sent, some of them to NOTIFY_SOCKET
#   linger     connections whose last close(2) is to wait for a peer that does not read, with a message that wants
#              none, and as what they are not: each is closed here before the message is whole
#   died       that an exception ends it whose text has 5 MB, and ends
import array, os, socket, struct, sys, threading, time

channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
what = sys.argv[1]
channel.sendall(b'{"cmd":"NODE_CLUSTER","act":"online","seq":0}\n')
if what == "messages":
    bad = b'{"cmd":"NODE_CLUSTER","act":"queryServer","key":"' + b"x" * 100 + b'","port":[]}\n'
    while True:
        channel.sendall(bad * 500)
if what == "kinds":
    number = 0
    while True:
        number += 1
        query = '{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":"203.0.113.1","port":%d,' \
                '"addressType":4,"fd":null,"backlog":0,"seq":%d}\n' % (1024 + number % 60000, number)
        channel.sendall(query.encode())


def rights(*descriptors):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


def lingering():
    """A connection whose last close(2) waits: much is unsent, and its peer does not read."""
    peers.append(socket.create_connection(server.getsockname()))
    ours, _ = server.accept()
    ours.setblocking(False)
    try:
        while True:
            ours.send(b"x" * 1000000)
    except BlockingIOError:
        pass
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 30))
    return ours


def send_away(descriptor, message):
    """We have it no more when the message is whole."""
    channel.sendmsg([message.encode()], rights(descriptor.fileno()))
    descriptor.close()
    channel.sendall(b"\n")


peers = []
server = socket.create_server(("127.0.0.1", 0))
envelope = '{"cmd":"NODE_HANDLE","type":"%s","msg":1}'
if what == "linger":
    messages = ['{"cmd":"NODE_SENT"}'] + [envelope % kind for kind in (
        "net.Server", "net.BoundSocket", "net.Native", "net.Teapot", "dgram.Socket")]
    for i in range(24):
        send_away(lingering(), messages[i % len(messages)])
    print("sent", flush=True)
    time.sleep(1000)
def send_nested(i, sent):
    """A datagram is whole at once: whoever lets go of it last waits, and that may be we."""
    inner = lingering()
    outer, other = socket.socketpair()
    other.sendmsg([b"x"], rights(inner.fileno()))
    inner.close()
    other.close()
    if i % 3 == 0:
        notify.sendmsg([b"X=1"], rights(outer.fileno()))
        sent.release()
        outer.close()
    else:
        send_away(outer, envelope % ("net.Native", "net.Teapot")[i % 2])
        sent.release()


if what == "nested":
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name = os.environ["NOTIFY_SOCKET"]
    notify.connect("\0" + name[1:] if name[0] == "@" else name)
    sent = threading.Semaphore(0)
    for i in range(12):
        threading.Thread(target=send_nested, args=(i, sent), daemon=True).start()
        sent.acquire()
    print("sent", flush=True)
    time.sleep(1000)
if what == "died":
    channel.sendall(b'{"cmd":"NODE_BATON","v":1,"died":"' + b"y" * 5_000_000 + b'"}\n')
    sys.exit(1)
