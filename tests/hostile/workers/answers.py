# A worker of Baton's cluster, by hand: it serves on a port of 127.0.0.1 and answers each connection with "ok". The
# first argument is the number of the worker that says that it took a hand-off only so many ms (the second) later.
import array, collections, json, os, select, socket, sys, time

channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
late = int(sys.argv[2]) / 1000 if os.environ["NODE_UNIQUE_ID"] == sys.argv[1] else 0
received = b""
handles = collections.deque()
due = collections.deque()


def send(message):
    channel.sendall(json.dumps(message).encode() + b"\n")


def serve(connection):
    with socket.socket(fileno=connection) as client:
        try:
            client.setblocking(True)
            client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        except OSError:
            pass


def take(message):
    if message.get("cmd") == "NODE_HANDLE":
        send({"cmd": "NODE_HANDLE_ACK"})
        due.append((time.monotonic() + late, message["msg"], handles.popleft()))
    elif message.get("act") == "disconnect":
        os._exit(0)
    elif message.get("ack") == 1:
        send({"cmd": "NODE_CLUSTER", "act": "listening", "addressType": 4, "address": "127.0.0.1",
              "port": message.get("sockname", {}).get("port", 0), "seq": 2})


send({"cmd": "NODE_BATON", "v": 1})
send({"cmd": "NODE_CLUSTER", "act": "online", "seq": 0})
send({"cmd": "NODE_CLUSTER", "act": "queryServer", "index": 0, "data": None, "address": "127.0.0.1", "port": 0,
      "addressType": 4, "fd": None, "backlog": 0, "seq": 1})
while True:
    wait = max(due[0][0] - time.monotonic(), 0) if due else None
    if select.select([channel], [], [], wait)[0]:
        data, control, _, _ = channel.recvmsg(65536, socket.CMSG_SPACE(253 * 4))
        for level, kind, text in control:
            numbers = array.array("i")
            numbers.frombytes(text[: len(text) - len(text) % 4])
            handles.extend(numbers)
        if not data:
            os._exit(0)
        *lines, received = (received + data).split(b"\n")
        for line in lines:
            take(json.loads(line))
    while due and due[0][0] <= time.monotonic():
        _, message, connection = due.popleft()
        send({"cmd": "NODE_CLUSTER", "ack": message["seq"], "accepted": True, "seq": 3})
        serve(connection)
