"""Clients of the control socket that are silent, read nothing, or come in hundreds."""
from harness import *


def ask(data, line, limit=5):
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(data / "control.sock"))  # blocks while many connect
    s.settimeout(limit)
    s.sendall(line)
    answer = b""
    while True:
        got = s.recv(65536)
        if not got:
            return answer
        answer += got


# Hundreds of silent clients: requests are answered, and --for and SIGTERM end the node in time.
@threads
@test
def silent_clients_of_the_control_socket_stop_nothing():
    path = write_site("hogged", ais_source(free_port()), 9)
    data = work / "hogged"
    node = start(path, data, "--for", "2s")
    begun = time.time()
    status(data, lambda s: s["batches"] != "0")
    going = True

    def hog():
        silent = []
        while going:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.setblocking(False)
                s.connect(str(data / "control.sock"))
                silent.append(s)
            except OSError:
                s.close()
                time.sleep(0.002)
            if len(silent) > 200:
                silent.pop(0).close()

    thread = threading.Thread(target=hog, daemon=True)
    thread.start()
    try:
        slowest = 0
        answered = 0
        while time.time() - begun < 1.6:
            asked = time.time()
            s = json.loads(ask(data, b"status\n"))
            slowest = max(slowest, time.time() - asked)
            assert "error" not in s, s
            answered += 1
            time.sleep(0.05)
        assert answered >= 5 and slowest < 1.0, (answered, slowest)
        assert s["control"]["clients"] <= 16 and s["control"]["refused"] > 0, s["control"]
        out, err = node.communicate(timeout=4)
        assert node.returncode == 0 and time.time() - begun < 4, time.time() - begun
    finally:
        going = False
        thread.join()
        node.kill()


# A line in pieces, an empty one, too long a one, an end without a line; a reader that does not read.
@threads
@test
def each_client_of_the_control_socket_is_answered_by_its_own():
    path = write_site("clients", ais_source(free_port()), 9)
    data = work / "clients"
    node = start(path, data)
    status(data, lambda s: s["batches"] != "0")
    slow = socket.socket(socket.AF_UNIX)
    slow.connect(str(data / "control.sock"))
    slow.sendall(b"stat")
    unread = [socket.socket(socket.AF_UNIX) for _ in range(10)]
    for s in unread:
        s.connect(str(data / "control.sock"))
        s.sendall(b"status\n")
    assert b'"mode":"normal"' in ask(data, b"status\nhold\n")
    slow.sendall(b"us\n")
    slow.settimeout(5)
    assert slow.recv(65536).startswith(b'{"site"')
    assert b"too long" in ask(data, b"x" * 2000)
    for line, why in ((b"stop", b"unknown request"), (b"cancel", b"field"), (b"cancel 0", b"field"), (b"cancel 1 2", b"field"),
                      (b"requeue 1 00ff", b"extra field"), (b"cancel 999999", b"neither waits nor is under way"), (b"requeue 999999", b"is not in the part of the journal"),
                      (b"requeue 1", b"is not an action"), (b"acknowledge vessel 5 - -", b"there is no track vessel 5 now"), (b"acknowledge ship 5", b"wrong, missing")):
        said = json.loads(ask(data, line + b"\n"))
        assert list(said) == ["error"] and why.decode() in said["error"], (line, said)
    whole = socket.socket(socket.AF_UNIX)
    whole.connect(str(data / "control.sock"))
    whole.sendall(b"status")
    whole.shutdown(socket.SHUT_WR)
    whole.settimeout(5)
    assert whole.recv(65536).startswith(b'{"site"')
    silent = socket.socket(socket.AF_UNIX)
    silent.connect(str(data / "control.sock"))
    silent.settimeout(5)
    asked = time.time()
    assert b"two seconds" in silent.recv(4096) and time.time() - asked < 4
    s = json.loads(ask(data, b"status\n"))
    assert not s["held"] and s["control"]["refused"] >= 2 and s["control"]["answered"] >= 14, s["control"]
    stop(node)
