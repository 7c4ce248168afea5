# A worker in Node's cluster protocol, by hand. Each argument is a step, in JSON:
#   {"listen": {...}}         asks its primary with these members of queryServer, and says how that was answered:
#                             "ADDRESS:PORT 0", or the name of the errno
#   {"fall": {...}}           asks so, and is gone
#   {"swap": A, "for": B}     from now on, as fast as it can, puts a link to B in the place of any socket at A
#   {"wait": PATH}            waits until there is such a file
#   {"shut": N}               N times: shuts the listener down that it was given last, 1 ms apart
#   {"only": ID, "do": STEP}  the step, in the worker of that number only
#   {"serve": TEXT}           accepts from the listener that it was given last, and answers with the text
# Then it waits until it is told to leave.
import array, errno, json, os, socket, sys, threading, time

channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
received = b""
handles = []
seq = 0


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def send(message):
    channel.sendall(json.dumps(message).encode() + b"\n")


def receive():
    global received
    while b"\n" not in received:
        data, control, _, _ = channel.recvmsg(65536, socket.CMSG_SPACE(253 * 4))
        for level, kind, text in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(text[: len(text) - len(text) % 4])
                handles.extend(numbers)
        if not data:
            os._exit(0)
        received += data
    line, received = received.split(b"\n", 1)
    message = json.loads(line)
    if message.get("cmd") == "NODE_HANDLE":
        send({"cmd": "NODE_HANDLE_ACK"})
        message = message["msg"]
    if message.get("act") == "disconnect":
        os._exit(0)
    return message


def ask(members):
    global seq
    seq += 1
    query = {"cmd": "NODE_CLUSTER", "act": "queryServer", "index": seq, "data": None, "address": None, "port": -1,
             "addressType": 4, "fd": None, "backlog": 0, "seq": seq}
    if str(members.get("address", "")).startswith("/"):
        query["addressType"] = -1
    query.update(members)
    send(query)
    return query


def listen(members):
    query = ask(members)
    while True:
        answer = receive()
        if answer.get("ack") == seq:
            break
    number = answer.get("errno") or 0
    say("%s:%s %s" % (query["address"], query["port"], errno.errorcode[-number] if number else 0))
    if number == 0:
        send(dict(query, act="listening", seq=0))


def swap(path, other):
    while True:
        try:
            os.unlink(path)
            os.symlink(other, path)
            time.sleep(0.0005)
            os.unlink(path)
        except OSError:
            pass


def serve(listener, text):
    while True:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(text.encode())
        except OSError:
            time.sleep(0.001)


def listener():
    given = socket.socket(fileno=os.dup(handles[-1] if handles else 3))
    given.setblocking(True)
    return given


def run(step):
    if "only" in step:
        if os.environ["NODE_UNIQUE_ID"] == str(step["only"]):
            run(step["do"])
    elif "listen" in step:
        listen(step["listen"])
    elif "fall" in step:
        ask(step["fall"])
        os._exit(1)
    elif "swap" in step:
        threading.Thread(target=swap, args=(step["swap"], step["for"]), daemon=True).start()
    elif "wait" in step:
        while not os.path.exists(step["wait"]):
            time.sleep(0.01)
    elif "shut" in step:
        shared = listener()
        for _ in range(step["shut"]):
            try:
                shared.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            time.sleep(0.001)
        say("shut")
    elif "serve" in step:
        threading.Thread(target=serve, args=(listener(), step["serve"]), daemon=True).start()


send({"cmd": "NODE_CLUSTER", "act": "online", "seq": 0})
for step in sys.argv[1:]:
    run(json.loads(step))
say("all asked")
while True:
    receive()
