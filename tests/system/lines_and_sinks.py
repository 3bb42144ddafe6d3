"""Serial lines and sinks that come, go, fill up and fail."""
import json, os, pty, select, shutil, socket, subprocess, sys, time, tty

from harness import work, vedette, test, Skip, call, run_or_skip, start, stop, status, recorded, Receiver, free_port, ais_source, write_site, class_b, threads


@threads
@test
def a_serial_line_is_unplugged_and_comes_back():
    receiver = Receiver()
    link = work / "tty"
    def plug():
        master, slave = pty.openpty()
        if link.is_symlink():
            link.unlink()
        link.symlink_to(os.ttyname(slave))
        return master, slave
    path = write_site("serial", f'[source.line]\ndriver = "serial"\ndevice = "{link}"\nbaud = 38400\ncodec = "nmea0183"\nretry = "100 ms"\n', receiver.port)
    data = work / "serial"
    master, slave = plug()
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    os.write(master, class_b(211000001, 1, 1))
    status(data, lambda s: s["sources"][0]["accepted"] == 1)
    link.unlink()
    os.close(slave)
    os.close(master)
    status(data, lambda s: s["sources"][0]["status"] == "down")
    master, slave = plug()
    status(data, lambda s: s["sources"][0]["status"] == "up")
    os.write(master, class_b(211000002, 1, 1))
    status(data, lambda s: s["sources"][0]["accepted"] == 2)
    log = [l for l in stop(process)["log"] if l["kind"] == "source-state"]
    statuses = [l["status"] for i, l in enumerate(log) if i == 0 or l["status"] != log[i - 1]["status"]]  # "down" may report two errors
    assert statuses == ["up", "down", "up"] and all(int(l["event"]) > 0 for l in log), log
    os.close(slave)
    os.close(master)
    got = [json.loads(m)["identity"] for m in receiver.close()]
    assert sorted(got) == ["211000001", "211000002"], got
    call("replay", data, "--verify")


@test
def a_slow_serial_sink_gets_whole_sentences_or_none():
    port = free_port()
    master, slave = pty.openpty()
    tty.setraw(slave)  # a slow reader: reads nothing until all is sent
    path = write_site("slow_line", ais_source(port), free_port())
    path.write_text(path.read_text().replace('driver = "udp"\nto = ', f'driver = "serial"\ndevice = "{os.ttyname(slave)}"\nbaud = 38400\n# ')
                    .replace('horizon = ', '# '))
    data = work / "slow_line"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(200):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.001)
    sink = status(data, lambda s: s["sinks"][0]["sent"] + s["sinks"][0]["failed"] == 200)["sinks"][0]
    assert sink["sent"] > 5 and sink["failed"] > 5, sink  # the line was full, as the outcomes report
    got = b""
    while select.select([master], [], [], 0.5)[0]:
        got += os.read(master, 4096)
    stop(process)
    lines = [json.loads(l) for l in got.splitlines()]
    assert got.endswith(b"\n") and len(lines) == sink["sent"], (len(lines), sink)
    os.close(slave)
    os.close(master)
    call("replay", data, "--verify")


@threads
@test
def a_sink_that_is_not_there_harms_no_other():
    receiver = Receiver()
    port = free_port()
    more = (f'[decide.also]\non = "seen"\ndeadline = "10 s"\nrun = "also"\n[action.also]\nsink = "gone"\nformat = "nmea"\n'
            f'[sink.gone]\ndriver = "serial"\ndevice = "{work}/no-such-line"\n')
    path = write_site("gone", ais_source(port), receiver.port, more)
    data = work / "gone"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(20):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.01)
    seen = status(data, lambda s: sum(k["sent"] + k["failed"] for k in s["sinks"]) == 40)
    assert {k["name"]: (k["sent"], k["failed"]) for k in seen["sinks"]} == {"out": (20, 0), "gone": (0, 20)}, seen["sinks"]
    final = stop(process)
    assert final["events"]["transient"] == 0 and final["events"]["abandonment"] == 20, final["events"]
    assert len(receiver.close()) == 20
    call("replay", data, "--verify")


@threads
@test
def datagrams_arrive_each_once_and_in_order_whether_their_source_is_quiet_or_busy():
    ports = free_port(), free_port()
    sources = "".join(f'[source.{name}]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n' for name, port in zip(("first", "second"), ports))
    data = work / "busy"
    process = start(write_site("busy", sources, free_port()), data)
    status(data, lambda s: all(source["status"] == "up" for source in s["sources"]))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent = [[], []]
    empty = 0
    # The ring serves a quiet source, polling a busy one: changes in both directions, with bursts and single datagrams in each,
    # and during the change.
    for burst, pause in ((1, 0.3), (2, 0.0005), (40, 0.002), (200, 3), (1, 0.3), (3, 0.001), (150, 0.05), (30, 0.05), (1, 0)):
        for n in range(burst):
            for source in (0, 1) if burst % 2 == 0 else (0,):
                sentence = class_b(219000001 + source, 5 + len(sent[source]) * 1e-5, 5)
                sent[source].append(sentence.decode().strip())
                sender.sendto(sentence, ("127.0.0.1", ports[source]))
            time.sleep(0.001 if burst == 30 else 0.0002 if n % 50 == 49 else 0)  # thirty single ones
            if n % 3 == 0:
                sender.sendto(b"", ("127.0.0.1", ports[0]))  # an empty datagram holds nothing up
                empty += 1
        time.sleep(pause)
    counts = [len(ships) for ships in sent]
    received = [counts[0] + empty, counts[1]]
    status(data, lambda s: [source["received"] for source in s["sources"]] == received)
    final = stop(process)["sources"]
    assert [source["accepted"] for source in final] == counts and not any(source["missed"] for source in final), final
    assert final[0]["refused"] == {"too-short": empty} and not final[1]["refused"], final
    heard = [[], []]
    for event in map(json.loads, call("journal", data).stdout.splitlines()):
        if event["kind"] == "observation":
            heard[("first", "second").index(event["source"])].append(event["raw"])
    assert heard == sent, [(a, b) for a, b in zip(heard[0] + heard[1], sent[0] + sent[1]) if a != b][:5]
    call("replay", data, "--verify")


@threads
@test
def a_node_without_a_network_watches_and_joins_and_tells_once_there_is_one():
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise Skip("needs root and iproute2")
    space = f"vedetten{os.getpid()}"
    run_or_skip("ip", "netns", "add", space)
    inside = ["ip", "netns", "exec", space]
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        away = '[source.away]\ndriver = "udp"\nlisten = "10.9.9.9:10112"\ncodec = "ais"\n'
        group = '[source.group]\ndriver = "udp"\nlisten = "239.9.9.9:10113"\ngroup = "239.9.9.9"\ncodec = "ais"\n'
        path, data = write_site("lonely", ais_source(10110) + away + group, 9), work / "lonely"
        path.write_text(path.read_text().replace("127.0.0.1:9", "10.9.9.9:10111").replace('durable = "before"', 'durable = "before"\nretries = 9\nbackoff = "100 ms"'))
        process = subprocess.Popen([*inside, vedette, "run", path, "--data", data, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        status(data, lambda s: s["sources"][0]["status"] == "up")
        send = "import socket, sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes.fromhex(sys.argv[1]), ('127.0.0.1', 10110))"
        subprocess.run([*inside, sys.executable, "-c", send, class_b(219000001, 5, 5).hex()], check=True)
        status(data, lambda s: s["sinks"][0]["failed"] >= 2 and s["sinks"][0]["sent"] == 0)
        take = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('10.9.9.9', 10111)); s.settimeout(10); print(s.recv(4096).decode())"
        subprocess.run([*inside, "ip", "address", "add", "10.9.9.9/32", "dev", "lo"], check=True)
        told = subprocess.run([*inside, sys.executable, "-c", take], capture_output=True, text=True, timeout=20)
        assert '"219000001"' in told.stdout, (told, process.poll())
        subprocess.run([*inside, sys.executable, "-c", send.replace("127.0.0.1', 10110", "10.9.9.9', 10112"), class_b(219000002, 5, 5).hex()], check=True)
        seen = status(data, lambda s: s["sources"][1]["accepted"] == 1)
        assert any("10.9.9.9:10112 is no address of this machine" in lack for lack in seen["without"]), seen["without"]
        assert seen["sources"][2]["status"] == "down" and any("no interface leads to its group" in lack for lack in seen["without"]), seen
        subprocess.run([*inside, "ip", "route", "add", "239.0.0.0/8", "dev", "lo"], check=True)
        status(data, lambda s: s["sources"][2]["status"] == "up")
        subprocess.run([*inside, sys.executable, "-c", send.replace("127.0.0.1', 10110", "239.9.9.9', 10113"), class_b(219000003, 5, 5).hex()], check=True)
        status(data, lambda s: s["sources"][2]["accepted"] == 1)
        stop(process)
    finally:
        subprocess.run(["ip", "netns", "del", space], capture_output=True)
    call("replay", data, "--verify")


@threads
@test
def what_a_sink_did_not_take_is_tried_again_then_kept_as_a_dead_letter_and_can_be_ordered_once_more():
    receiver = Receiver()
    port = free_port()
    line = work / "late-line"
    more = (f'[decide.also]\non = "seen"\ndeadline = "10 s"\nrun = "also"\n[action.also]\nsink = "late"\nretries = 2\nbackoff = "50 ms"\n'
            f'[sink.late]\ndriver = "serial"\ndevice = "{line}"\nbreaker = 3\nbreaker_rest = "300 ms"\n')
    path = write_site("late", ais_source(port), receiver.port, more)
    data = work / "late"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(class_b(219000001, 5, 5), ("127.0.0.1", port))
    seen = recorded(data, lambda s: s["sinks"][1]["failed"] == 3 and s["events"]["waiting"] + s["events"]["transient"] == 0)
    assert seen["sinks"][1]["breaker"] == "open" and seen["sinks"][0]["sent"] == 1, seen["sinks"]
    letters = json.loads(call("deadletter", "list", data, "--json").stdout)["data"]
    assert [l["kind"] for l in letters] == ["action"] and letters[0]["because"] == "sink-failed", letters
    letter = json.loads(call("deadletter", "show", data, letters[0]["event"], "--json").stdout)["data"]
    assert letter == letters[0], letter
    call("deadletter", "show", data, 1, ok=(66,))
    master, slave = pty.openpty()
    line.symlink_to(os.ttyname(slave))
    time.sleep(1.2)  # the line is retried once a second
    call("deadletter", "requeue", data, letter["event"])
    recorded(data, lambda s: s["sinks"][1]["sent"] == 1 and s["sinks"][1]["breaker"] == "closed")
    message = json.loads(os.read(master, 4096))
    first = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    attempts = [e["key"] for e in first if e["kind"] == "action" and e["action"] == "also"]
    assert len(attempts) == 4 and set(attempts) == {message["key"]}, (attempts, message)
    assert json.loads(call("deadletter", "list", data, "--json").stdout)["data"] == []
    final = stop(process)
    assert [l["breaker"] for l in final["log"] if l["kind"] == "sink-state"][-1] == "closed", final["log"]
    assert len(receiver.close()) == 1
    call("replay", data, "--verify")


@threads
@test
def a_tcp_sink_is_connected_before_it_is_needed_and_again_when_it_broke():
    def listen(port=0):
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        server.settimeout(5)
        return server
    def read(ends, lines):
        got = b""
        while got.count(b"\n") < lines:
            ready = select.select(ends, [], [], 5)[0]
            assert ready, got
            got += b"".join(end.recv(65536) for end in ready)
        return [json.loads(l)["identity"] for l in got.splitlines()]
    port = free_port()
    server = listen()
    path = write_site("tcp", ais_source(port), free_port())
    text = path.read_text()
    at = text.index("[sink.out]")
    path.write_text(text[:at] + f'[sink.out]\ndriver = "tcp"\nto = "127.0.0.1:{server.getsockname()[1]}"\nconnections = 2\n')
    data = work / "tcp"
    process = start(path, data)
    ends = [server.accept()[0] for _ in range(2)]
    status(data, lambda s: s["sinks"][0]["open"] == 2 and s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(5):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
    assert sorted(read(ends, 5)) == [str(219000000 + i) for i in range(5)]
    address = server.getsockname()[1]
    server.close()
    for end in ends:
        end.close()
    status(data, lambda s: s["sinks"][0]["open"] == 0)  # the heartbeat notices it without anything to send
    sender.sendto(class_b(219000010, 5, 6), ("127.0.0.1", port))
    status(data, lambda s: s["sinks"][0]["failed"] == 1)
    server = listen(address)
    ends = [server.accept()[0] for _ in range(2)]
    status(data, lambda s: s["sinks"][0]["open"] == 2)
    sender.sendto(class_b(219000011, 5, 7), ("127.0.0.1", port))
    assert read(ends, 1) == ["219000011"]
    stop(process)
    call("replay", data, "--verify")
