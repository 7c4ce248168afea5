#!/usr/bin/env python3
"""Number 2 of its service serves HTTP on descriptor 3. Every other takes what it can get of its primary: grower.py HOW TIMES."""
import array, json, os, resource, socket, sys, threading, time

HOW, TIMES = sys.argv[1], int(sys.argv[2])
NODE_HANDLE = {'cmd': 'NODE_HANDLE', 'type': 'net.Native'}


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


channel = socket.socket(fileno=int(os.environ['NODE_CHANNEL_FD']))


def line(message):
    return json.dumps(message).encode() + b'\n'


def say(**members):
    channel.sendall(line({'cmd': 'NODE_CLUSTER', **members}))


def send_with(data, descriptors):
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', descriptors))
    done = channel.sendmsg([data], [rights])
    channel.sendall(data[done:])


def query(act, port, seq, address='127.0.0.1'):
    say(act=act, index=seq, data=None, address=address, port=port, addressType=4, backlog=0, seq=seq)


def listening():
    for i in range(TIMES):
        query('listening', 1 + i % 65535, i, 'a' * 4000 + str(i))


def keys():
    for i in range(TIMES):
        one = socket.socket()
        message = {**NODE_HANDLE, 'type': 'net.Socket', 'msg': 1, 'key': str(i) + 'k' * 900_000}
        send_with(line(message), [one.fileno()])
        one.close()
        # Who does not read what his handles are answered with is read no more himself.
        try:
            channel.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass


def data():
    """Listeners whose data takes many times its bytes as values."""
    for i in range(TIMES):
        say(act='queryServer', index=i, data=[[]] * 1_000, address='127.0.0.1', port=0, addressType=4, backlog=0,
            seq=i + 1)


def answers():
    """Asks for what it has, with data that the answer repeats, and reads none."""
    for i in range(TIMES):
        say(act='queryServer', index=0, data='d' * 8_000, address='127.0.0.1', port=0, addressType=4, backlog=0,
            seq=i + 1)


def topics():
    """Messages of a kind that goes to all workers, and so to itself, who reads none."""
    say(act='online', seq=0)
    for i in range(TIMES):
        channel.sendall(line({'topic': 'x', 'data': 'd' * 100_000}))


def slow():
    """The same, and reads what comes to itself, but never all of it."""
    def read():
        while channel.recv(1 << 20):
            time.sleep(0.002)
    threading.Thread(target=read, daemon=True).start()
    say(act='online', seq=0)
    for i in range(TIMES):
        channel.sendall(line({'topic': 'x', 'data': 'd' * 900_000}))


def shares():
    """Has a listener's socket sent again and again, and takes none."""
    for i in range(TIMES):
        query('queryServer', 0, 0)
        say(act='close', key='127.0.0.1:0:4:undefined:0', seq=i)


def listeners():
    for i in range(300):
        query('queryServer', 0, int(os.environ['NODE_UNIQUE_ID']) * 1000 + i)


def lingers():
    """Ever new listeners, each given up at once."""
    for i in range(TIMES):
        path = '\0%d.%d' % (os.getpid(), i)
        say(act='queryServer', index=i, data=None, address=path, port=-1, addressType=-1, backlog=0, seq=i + 1)
        say(act='close', key=path + ':-1:-1:undefined', seq=0)


def unread():
    one = socket.socket()
    for _ in range(TIMES):
        send_with(line({**NODE_HANDLE, 'msg': {'cmd': 'NODE_X'}}), [one.fileno()])


def frame():
    null = [os.open('/dev/null', os.O_RDONLY) for _ in range(253)]
    send_with(b'{"never', null)
    for _ in range(TIMES):
        send_with(b'.', null)


def own_end():
    channel_fd = channel.fileno()
    send_with(b'{"never', [channel_fd] * 253)


def limit():
    os.write(1, b'limit %d\n' % resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def daemon(environment):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve('/bin/sleep', ['sleep', '1000'], environment)
        os._exit(0)
    os.wait()


def environments():
    """Leaves so many daemons, whose environments are large and one memory."""
    daemons = """
import os, sys, time
for i in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
        os._exit(0)
"""
    large = {'LARGE%d' % i: 'x' * 125_000 for i in range(2)}
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, '-S', '-c', daemons, str(TIMES)], {**os.environ, **large})
    os.wait()


PRIMARY, WORKER = os.environ['BATON_WORKER'].split('.')
DAEMONS = ('daemon', 'stranger', 'beside', 'later', 'environments')
if os.environ['NODE_UNIQUE_ID'] == '2':
    if HOW in DAEMONS:
        channel.sendall(line('ready'))
    serve()
if HOW == 'daemon':
    daemon(dict(os.environ))
elif HOW == 'stranger':
    daemon({})
elif HOW == 'beside':  # of the program of --primary, which there is not
    daemon({**os.environ, 'BATON_WORKER': PRIMARY + '.0'})
elif HOW == 'later':  # of a worker that is still to be started
    daemon({**os.environ, 'BATON_WORKER': '%s.%d' % (PRIMARY, int(WORKER) + 2)})
else:
    globals()[HOW]()
os.write(1, b'done\n')
if HOW in ('own_end', 'listeners'):  # and again, in the next life
    time.sleep(0.3)
    os._exit(0)
if HOW in DAEMONS:
    channel.sendall(line('ready'))
    while channel.recv(4096):
        pass
    sys.exit(0)
time.sleep(1000)
