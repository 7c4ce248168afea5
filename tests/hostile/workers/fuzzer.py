#!/usr/bin/env python3
"""Number 2 of its service serves HTTP on descriptor 3. Each other life sends its primary COUNT frames, right, nearly right and wrong
ones, in pieces, with descriptors of every kind beside them: fuzzer.py SEED COUNT."""
import array, ctypes, json, os, random, select, socket, sys, tempfile

LIFE = int(os.environ['NODE_UNIQUE_ID'])
SEED, COUNT = int(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)


def serve():
    listener = socket.socket(fileno=3)
    while True:
        connection, _ = listener.accept()
        try:
            connection.recv(4096)
            connection.send(b'HTTP/1.0 200 OK\r\n\r\nhealthy\n')
        except OSError:
            pass
        connection.close()


if LIFE == 2:
    serve()
chance = random.Random(SEED + LIFE)
channel = socket.socket(fileno=int(os.environ['NODE_CHANNEL_FD']))
channel.settimeout(5)


def listening(family):
    one = socket.socket(family)
    one.bind(('127.0.0.1', 0) if family == socket.AF_INET else '')
    one.listen()
    return one.detach()


def connected():
    listener = socket.create_server(('127.0.0.1', 0))
    one = socket.create_connection(listener.getsockname())
    return one.detach()


def polled():
    one = select.epoll()
    return os.dup(one.fileno())


KINDS = [
    connected,
    lambda: listening(socket.AF_INET),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).detach(),
    lambda: socket.socketpair()[0].detach(),
    lambda: listening(socket.AF_UNIX),
    lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].detach(),
    lambda: chance.choice(os.pipe()),
    lambda: os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR),
    lambda: os.open(chance.choice(['/', '/dev/null', '/dev/zero']), os.O_RDONLY),
    lambda: os.eventfd(chance.choice([0, 1])),
    lambda: os.memfd_create('x'),
    lambda: os.pidfd_open(os.getpid()),
    lambda: libc.timerfd_create(1, 0),
    lambda: chance.choice(os.openpty()),
    polled,
    lambda: os.dup(channel.fileno()),
]

TYPES = ['net.Server', 'net.Socket', 'net.Native', 'dgram.Socket', 'dgram.Native', 'net.BoundSocket', '', 'x', 7, None]
ACTS = ['online', 'queryServer', 'listening', 'close', 'exitedAfterDisconnect', 'load', 'accepted', 'pong', 'x', '', 3]
COMMANDS = ['NODE_HANDLE', 'NODE_HANDLE_ACK', 'NODE_HANDLE_NACK', 'NODE_CLUSTER', 'NODE_BATON', 'NODE_SOCKET_GET_COUNT',
            'NODE_SOCKET_COUNT', 'NODE_SOCKET_NOTIFY_CLOSE', 'NODE_SOCKET_ALL_CLOSED', 'NODE_', 'x']


def scalar():
    return chance.choice([0, 1, -1, LIFE, 2**53, -2**63, 1e308, 0.5, '', 'x' * chance.choice([1, 70, 5000]), None, True, [], {},
                          '127.0.0.1', '::', '/nowhere/socket', chance.randrange(100)])


def frame():
    message = {'cmd': chance.choice(COMMANDS)}
    if message['cmd'] == 'NODE_CLUSTER':
        message.update(act=chance.choice(ACTS), seq=scalar(), index=scalar(), address=scalar(), port=chance.choice([0, scalar()]),
                       addressType=chance.choice([4, 6, -1, 'udp4', 'udp6', scalar()]), backlog=scalar(), fd=chance.choice([None, -1, scalar()]),
                       ack=scalar(), accepted=scalar(), key=scalar(), data=scalar(), v=scalar())
    elif message['cmd'] == 'NODE_HANDLE':
        message.update(type=chance.choice(TYPES), msg=scalar(), key=scalar(), dgramType=scalar())
    else:
        message.update(v=scalar(), key=scalar(), slaves=scalar())
    for name in list(message)[1:]:
        if chance.random() < 0.3:
            del message[name]
    text = bytearray(json.dumps(message).encode())
    if chance.random() < 0.15:  # nearly right
        for _ in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] = chance.randrange(256)
    return bytes(text) + chance.choice([b'\n'] * 20 + [b'', b'\r\n', b'\n\n'])


def send(data, descriptors):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', descriptors))] if descriptors else []
    done = channel.sendmsg([data], rights)
    while done < len(data):
        done += channel.send(data[done:done + chance.choice([1, 100, 100_000])])


try:
    for number in range(COUNT):
        descriptors = []
        if chance.random() < 0.3:
            descriptors = [chance.choice(KINDS)() for _ in range(chance.choice([1, 1, 1, 2, 9]))]
        send(frame(), descriptors)
        for one in descriptors:
            os.close(one)
        if chance.random() < 0.1:
            channel.setblocking(False)
            try:
                channel.recvmsg(100_000, socket.CMSG_SPACE(4 * 253))
            except BlockingIOError:
                pass
            channel.settimeout(5)
except (BrokenPipeError, ConnectionResetError, TimeoutError):
    pass  # it had enough of us
print('done', flush=True)
