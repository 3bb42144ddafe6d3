"""Streams that come over the network: connected, cut, restarted, flooded, half open."""
import json, os, socket, subprocess, time

from harness import work, test, start, stop, status, recorded, free_port, write_site, class_b, threads, call, vedette


def tcp_source(text, more=""):
    return f'[source.feed]\ndriver = "tcp"\ncodec = "ais"\nretry = "50 ms"\n{text}\n{more}\n'


def server(port=0):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(8)
    listener.settimeout(10)
    return listener


def port_of(listener):
    return listener.getsockname()[1]


def ships(first, count):
    return b"".join(class_b(219000000 + first + i, 5 + i % 50, 5 + i * 0.001) for i in range(count))


def source(s):
    return s["sources"][0]


@threads
@test
def a_tcp_feed_is_cut_in_the_middle_of_a_line_and_read_again_from_the_next_of_its_addresses():
    first, second = server(), server()
    ends = [f"127.0.0.1:{port_of(l)}" for l in (first, second)]
    names = [f"localhost:{port_of(first)}", ends[1]]
    path = write_site("tcp_to", tcp_source(f'to = {json.dumps(names)}\ngreet = "?WATCH={{\\"nmea\\":true}}\\n"'), free_port())
    data = work / "tcp_to"
    process = start(path, data)
    end, _ = first.accept()
    assert end.recv(100) == b'?WATCH={"nmea":true}\n'
    seen = source(status(data, lambda s: source(s)["status"] == "up"))
    assert [p["address"] for p in seen["peers"]] == [ends[0]] and seen["peers"][0]["since"].startswith("20"), seen
    end.sendall(ships(0, 20) + class_b(219000100, 1, 1)[:20])
    status(data, lambda s: source(s)["accepted"] == 20)
    first.close()
    end.close()
    end, _ = second.accept()  # a connection that did not last is followed by the next address
    end.recv(100)
    end.sendall(class_b(219000101, 1, 1)[20:] + ships(20, 20))
    seen = source(status(data, lambda s: source(s)["accepted"] == 40))
    assert [p["address"] for p in seen["peers"]] == [ends[1]], seen
    assert seen["refused"] == {"too-short": 1, "framing": 1}, seen  # the two halves: no ship is made of them
    end.close()
    second.close()
    seen = source(status(data, lambda s: source(s)["status"] == "down" and source(s).get("error") == "Connection refused"))
    assert seen["peers"] == [], seen
    log = [l for l in stop(process)["log"] if l["kind"] == "source-state"]
    assert [(l["status"], l.get("trouble", "")) for l in log if "errno" not in l] == [
        ("up", ""), ("down", "the other end closed the connection"), ("up", ""), ("down", "the other end closed the connection")], log
    call("replay", data, "--verify")


@test
def a_silent_connection_is_made_again():
    listener = server()
    path = write_site("tcp_silent", tcp_source(f'to = "127.0.0.1:{port_of(listener)}"\nsilence = "500 ms"'), free_port())
    data = work / "tcp_silent"
    process = start(path, data)
    first, _ = listener.accept()
    first.sendall(ships(0, 1))
    status(data, lambda s: source(s)["accepted"] == 1)
    second, _ = listener.accept()  # the first is still open at this end
    second.sendall(ships(1, 1))
    status(data, lambda s: source(s)["accepted"] == 2)
    log = [l for l in stop(process)["log"] if l.get("trouble")]
    assert log[0]["trouble"] == "nothing came for as long as `silence` says", log


@threads
@test
def senders_connect_up_to_the_bound_and_the_next_is_turned_away_and_counted():
    port = free_port()
    path = write_site("tcp_listen", tcp_source(f'listen = "127.0.0.1:{port}"\nsenders = 3'), free_port())
    data = work / "tcp_listen"
    process = start(path, data)
    status(data, lambda s: s["sources"])
    ends = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    # Lines of all senders in pieces that interleave: each has a framing of its own.
    lines = [ships(10 * i, 10) for i in range(3)]
    for at in range(0, max(map(len, lines)), 7):
        for end, text in zip(ends, lines):
            end.sendall(text[at:at + 7])
    seen = source(status(data, lambda s: source(s)["accepted"] == 30 and len(source(s)["peers"]) == 3))
    assert not seen["refused"] and sorted(p["address"] for p in seen["peers"]) == sorted("%s:%d" % e.getsockname() for e in ends), seen
    late = socket.create_connection(("127.0.0.1", port))
    assert late.recv(10) == b""
    assert status(data, lambda s: "turned_away" in source(s))["sources"][0]["turned_away"] == {"full": 1, "sender": 0}
    ends.pop().close()
    status(data, lambda s: len(source(s)["peers"]) == 2)
    late = socket.create_connection(("127.0.0.1", port))
    late.sendall(ships(50, 5))
    status(data, lambda s: source(s)["accepted"] == 35 and source(s)["status"] == "up")
    for end in (*ends, late):
        end.close()
    status(data, lambda s: source(s)["status"] == "down")
    stop(process)
    call("replay", data, "--verify")


@test
def a_stranger_is_turned_away():
    port = free_port()
    path = write_site("tcp_from", tcp_source(f'listen = "127.0.0.1:{port}"\nfrom = ["127.0.0.2"]'), free_port())
    data = work / "tcp_from"
    process = start(path, data)
    status(data, lambda s: s["sources"])
    assert socket.create_connection(("127.0.0.1", port)).recv(10) == b""
    friend = socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
    friend.sendall(ships(0, 3))
    seen = source(status(data, lambda s: source(s)["accepted"] == 3))
    assert seen["turned_away"] == {"full": 0, "sender": 1}, seen
    stop(process)


@threads
@test
def a_flood_over_tcp_waits_at_its_sender_and_nothing_is_lost():
    listener = server()
    path = write_site("tcp_flood", tcp_source(f'to = "127.0.0.1:{port_of(listener)}"', 'credits = 128\nhorizon = "60 s"'), free_port())
    path.write_text(path.read_text().replace("[assess.seen]", "[assess.seen]\nnotice = true").replace("track.updates >= 1", "track.updates >= 1000000"))
    data = work / "tcp_flood"
    process = start(path, data)
    end, _ = listener.accept()
    block = ships(0, 200)
    begin = time.time()
    for _ in range(100):
        end.sendall(block)
    seen = source(status(data, lambda s: source(s)["accepted"] + sum(source(s)["refused"].values()) == 20000, 30))
    assert seen["accepted"] == 20000 and seen["status"] == "up", (seen, time.time() - begin)
    end.close()
    stop(process)


@threads
@test
def a_fifo_is_written_by_one_program_after_the_other_and_nothing_is_lost():
    fifo = work / "feed"
    os.mkfifo(fifo)
    path = write_site("pipe", f'[source.feed]\ndriver = "pipe"\ncodec = "ais"\ndevice = "{fifo}"\nretry = "50 ms"\n', free_port())
    data = work / "pipe"
    process = start(path, data)
    status(data, lambda s: source(s).get("error") == "nobody has written into the pipe yet")
    for i in range(40):
        with open(fifo, "wb") as feed:
            feed.write(ships(i, 1))
        time.sleep(0.02 if i % 4 == 0 else 0)  # some end before the node has noticed the one before
    status(data, lambda s: source(s)["accepted"] == 40 and source(s)["status"] == "down")
    stop(process)
    call("replay", data, "--verify")


@test
def standard_input_ends_once_whether_it_is_a_pipe_or_a_file():
    path = write_site("stdin", '[source.feed]\ndriver = "pipe"\ncodec = "ais"\ndevice = "-"\n', free_port())
    night = work / "night.nmea"
    night.write_bytes(ships(0, 500))
    for kind in ("file", "pipe"):
        data = work / f"stdin-{kind}"
        process = subprocess.Popen([vedette, "run", str(path), "--data", str(data), "--json"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   stdin=open(night) if kind == "file" else subprocess.PIPE)
        if kind == "pipe":
            process.stdin.write(ships(0, 500).decode())
            process.stdin.flush()
            status(data, lambda s: source(s)["accepted"] == 500 and source(s)["status"] == "up")
            process.stdin.close()
            process.stdin = None
        status(data, lambda s: source(s)["accepted"] == 500 and source(s)["status"] == "ended")
        stop(process)


@test
def a_can_bus_that_is_not_there_is_told_and_harms_no_other():
    port = free_port()
    path = write_site("can", tcp_source(f'listen = "127.0.0.1:{port}"')
                      + '[source.bus]\ndriver = "can"\ninterface = "nocan0"\ncodec = "n2k"\nretry = "50 ms"\n', free_port())
    data = work / "can"
    process = start(path, data)
    # Without CAN in the kernel, or without the interface.
    why = "this kernel has no CAN: its modules can and can_raw are not loaded", "No such device"
    status(data, lambda s: s["sources"][1]["status"] == "down" and s["sources"][1].get("error") in why)
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(ships(0, 3))
        status(data, lambda s: source(s)["accepted"] == 3)
    stop(process)
