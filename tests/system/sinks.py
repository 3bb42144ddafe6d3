"""Identity of an alert, and when it counts as delivered."""
import contextlib, ctypes, json, random, re, socket, struct, subprocess, threading, time, xml.dom.minidom

from harness import amount, vedette, work, test, call, start, stop, status, Receiver, free_port, ais_source, write_site, class_b, threads


def alert_once(path, data, port, identity):
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    before = int(status(data, lambda s: True)["sinks"][0]["sent"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(class_b(identity, 5, 5), ("127.0.0.1", port))
    status(data, lambda s: s["sinks"][0]["sent"] == before + 1)
    return stop(process)


@test
def two_posts_of_one_site_never_share_a_key_and_a_post_keeps_its_own_whatever_is_lost():
    receiver, port = Receiver(), free_port()
    path, posts = write_site("posts", ais_source(port), receiver.port), [work / "post-a", work / "post-b"]
    for n, data in enumerate(posts):
        alert_once(path, data, port, 219000001 + n)
    identity = posts[0] / "identity"
    first = identity.read_text()
    told = []
    for n, damage in enumerate((identity.unlink, lambda: identity.write_text(first.replace("1 ", "1 1", 1)), lambda: None)):
        damage()
        final = alert_once(path, posts[0], port, 219000010 + n)
        told.append([line for line in final["without"] if "identity" in line])
        assert identity.read_text() == first
    assert ["is missing; the node restores it from the journal" in t for t in told[0]] == [True] == ["is damaged" in t for t in told[1]] and told[2] == [], told
    final = json.loads(call("replay", posts[0], "--verify", "--json").stdout)["data"]
    assert final["matches"], final
    keys = [json.loads(m)["key"] for m in receiver.close()]
    nodes = [key.split("-")[0] for key in keys]
    assert len(set(keys)) == 5 and nodes[0] != nodes[1] and set(nodes[2:]) == {nodes[0]}, keys
    assert all(int(node, 16) >> 40 == 0 for node in nodes), nodes
    journalled = [json.loads(l) for l in call("journal", posts[0]).stdout.splitlines()]
    assert [e["key"] for e in journalled if e["kind"] == "action"] == [keys[0], *keys[2:]]


class Station:
    """A TCP receiver that counts by key and fails in every way that receivers do."""

    NOTHING = (ctypes.c_ubyte * 8)(6, 0, 0, 0, 0, 0, 0, 0)  # a packet filter: `ret 0` drops everything

    def __init__(self, answers):
        self.answers, self.paused, self.going = answers, False, True
        self.lock, self.ends, self.lines, self.unread, self.mute = threading.Lock(), {}, [], set(), set()
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(64)
        self.server.setblocking(False)
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self):
        while self.going:
            with self.lock:
                if not self.paused:
                    self.accept()
                    for end in list(self.ends):
                        self.read(end)
            time.sleep(0.002)

    def accept(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                end, _ = self.server.accept()
                end.setblocking(False)
                self.ends[end] = b""

    def read(self, end):
        try:
            got = end.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            end.close()
            del self.ends[end]
            return
        *lines, self.ends[end] = (self.ends[end] + got).split(b"\n")
        for line in map(json.loads, lines):
            self.lines.append(line)
            if self.answers and line["identity"] not in self.mute:
                with contextlib.suppress(OSError):
                    end.send(json.dumps({"ack": line["key"]}).encode() + b"\n")

    def deaf(self, end):
        program = struct.pack("HP", 1, ctypes.addressof(self.NOTHING))
        end.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER

    # Loses what its kernel holds unread of a connection.
    def drop(self, end):
        self.deaf(end)
        held = self.ends.pop(end)
        with contextlib.suppress(BlockingIOError):
            while got := end.recv(1 << 20):
                held += got
        self.unread |= {key.decode() for key in re.findall(rb'"key":"([0-9a-f-]+)"', held)}
        return end

    @staticmethod
    def reset(end):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()

    def suffer(self, what, seconds):
        with self.lock:
            ends = []
            if what == "power off":
                self.deaf(self.server)
                self.accept()
                ends = [self.drop(end) for end in list(self.ends)]
            elif what == "reset":
                for end in list(self.ends):
                    self.reset(self.drop(end))
            elif what == "half-close":
                for end in list(self.ends):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_WR)
            self.paused = what == "no reading" or what == "power off"
        time.sleep(seconds)
        with self.lock:
            if what == "power off":
                self.server.setsockopt(socket.SOL_SOCKET, 27, 0)  # SO_DETACH_FILTER
                for end in ends:  # a restarted receiver does not know them
                    self.reset(end)
            self.paused = False

    def close(self):
        self.going = False
        self.thread.join()
        for end in [self.server, *self.ends]:
            end.close()


def tcp_site(name, port, stations, more="", action='retries = 100\nbackoff = "50 ms"\nhorizon = "600 s"'):
    path = write_site(name, ais_source(port), 9)
    text = path.read_text().replace("tracks = 256", "tracks = 16384\npending_actions = 1024").replace("64 MiB", "1 GiB").replace("segment = \"1 MiB\"", "segment = \"16 MiB\"")
    text = text[:text.index("[decide.tell]")]
    for sink, station in stations.items():
        text += (f'[decide.{sink}]\non = "seen"\ndeadline = "10 s"\nrun = "{sink}"\n[action.{sink}]\nsink = "{sink}"\n{action}\n'
                 f'[sink.{sink}]\ndriver = "tcp"\nto = "127.0.0.1:{station.port}"\nconfirm = "{sink}"\nconfirm_within = "300 ms"\n{more}')
    path.write_text(text)
    return path


def told_by(data):
    """By sink: each key's attempts and successes in the journal."""
    keys, attempts, successes = {}, {}, {}
    for event in map(json.loads, call("journal", data).stdout.splitlines()):
        if event["kind"] == "action":
            keys[event["event"]] = event["sink"], event["key"]
            attempts.setdefault(event["sink"], {}).setdefault(event["key"], []).append(event["event"])
        elif event["kind"] == "outcome" and event["outcome"] == "success" and event["exit"] == "success":
            sink, key = keys[event["action_event"]]
            successes.setdefault(sink, []).append(key)
    return attempts, successes


@threads
@test
def whatever_a_tcp_receiver_suffers_success_means_that_it_has_the_alert():
    incidents, seed = amount(4, 12, 300), random.randrange(1 << 32)
    dice, port = random.Random(seed), free_port()
    print(f"        seed {seed}")
    stations = {"answer": Station(True), "acknowledged": Station(False)}
    path, data = tcp_site("suffering", port, stations), work / "suffering"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up" and all(k["open"] >= 1 for k in s["sinks"]))
    sent, over = [], threading.Event()

    def alert():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not over.is_set():
                sent.append(219000000 + len(sent))
                sender.sendto(class_b(sent[-1], 5, 5), ("127.0.0.1", port))
                time.sleep(0.025)

    def strike(station, plan):
        for what, seconds, pause in plan:
            with station.lock:
                station.paused = pause > 0.2  # so that something stays unread
            time.sleep(pause)
            station.suffer(what, seconds)
            back = time.time() + 4
            while not station.ends and time.time() < back:
                time.sleep(0.01)

    words = ("power off", "reset", "half-close", "no reading")
    plans = [[(words[i % 4] if i < 4 else dice.choice(words), dice.uniform(0.02, 0.7), dice.uniform(0.05, 0.3)) for i in range(incidents)] for _ in stations]
    strikers = [threading.Thread(target=strike, args=(s, p)) for s, p in zip(stations.values(), plans)]
    sender = threading.Thread(target=alert)
    for thread in [sender, *strikers]:
        thread.start()
    for thread in strikers:
        thread.join()
    over.set()
    sender.join()
    done = status(data, lambda s: s["sources"][0]["accepted"] == len(sent) and s["events"]["waiting"] + s["events"]["transient"] == 0
                  and all(k["unconfirmed"] == 0 for k in s["sinks"]), limit=60)
    time.sleep(0.1)
    stop(process)
    attempts, successes = told_by(data)
    for sink, station in stations.items():
        station.close()
        has = {line["key"] for line in station.lines}
        by_ship = {}
        for line in station.lines:
            by_ship.setdefault(line["identity"], set()).add(line["key"])
        told = successes[sink]
        assert len(attempts[sink]) == len(sent) and all(len(keys) == 1 for keys in by_ship.values()), (sink, seed)
        assert len(told) == len(set(told)) == len(sent), (sink, seed, len(told), len(sent))  # each exactly once
        lost = set(told) - has
        allowed = station.unread if sink == "acknowledged" else set()
        assert lost <= allowed, (sink, seed, sorted(lost - allowed)[:5])
        mine = next(k for k in done["sinks"] if k["name"] == sink)
        assert mine["confirmed"] == len(sent) and mine["sent"] - mine["resent"] <= len(sent) and mine["resent"] > 0, (seed, mine)
        print(f"        {sink}: {incidents} incidents, {len(sent)} alerts, {len(station.lines)} arrivals of {len(has)}, {mine['resent']} sent again, {len(lost)} lost unread")
    call("replay", data, "--verify")


@test
def an_alert_that_nobody_answers_is_no_success_and_its_neighbours_are():
    port, station = free_port(), Station(True)
    station.mute = {"219000002"}
    path, data = tcp_site("mute", port, {"answer": station}, action='horizon = "1500 ms"'), work / "mute"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up" and s["sinks"][0]["open"] >= 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for ship in range(219000001, 219000011):
            sender.sendto(class_b(ship, 5, 5), ("127.0.0.1", port))
            time.sleep(0.05)
    sink = status(data, lambda s: s["sources"][0]["accepted"] == 10 and s["events"]["waiting"] + s["events"]["transient"] == 0)["sinks"][0]
    assert sink["confirmed"] == 9 and sink["resent"] >= 1 and sink["unconfirmed"] == 0, sink
    station.close()
    stop(process)
    mute = [line["key"] for line in station.lines if line["identity"] == "219000002"]
    assert len(mute) >= 2 and len(set(mute)) == 1, mute
    letters = json.loads(call("deadletter", "list", data, "--json").stdout)["data"]
    assert [(l["kind"], l["key"]) for l in letters] == [("action", mute[0])], letters
    assert letters[0]["because"] in ("unconfirmed", "horizon"), letters  # whichever came first
    call("replay", data, "--verify")


@threads
@test
def a_dead_letter_that_many_order_again_at_once_is_sent_once():
    port, station = free_port(), socket.socket()
    station.bind(("127.0.0.1", 0))
    address = station.getsockname()[1]
    path = write_site("many", ais_source(port), 9)
    path.write_text(path.read_text().replace('driver = "udp"\nto = "127.0.0.1:9"', f'driver = "tcp"\nto = "127.0.0.1:{address}"'))
    data = work / "many"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(class_b(219000001, 5, 5), ("127.0.0.1", port))
    status(data, lambda s: s["sinks"][0]["failed"] == 1 and s["events"]["transient"] == 0)
    letter = json.loads(call("deadletter", "list", data, "--json").stdout)["data"][0]["event"]
    station.listen()
    status(data, lambda s: s["sinks"][0]["open"] >= 1)
    orders = [subprocess.Popen([vedette, "deadletter", "requeue", data, letter], stderr=subprocess.PIPE, text=True) for _ in range(8)]
    said = [(order.communicate()[1], order.returncode) for order in orders]
    end = station.accept()[0]
    end.settimeout(1)
    got = end.recv(65536)
    with contextlib.suppress(TimeoutError):
        got += end.recv(65536)
    assert got.count(b"\n") == 1, got
    assert sorted({code for _, code in said}) in ([0, 66], [0, 66, 75], [0, 75]) and [code for _, code in said].count(0) == 1, said
    assert all("was requeued before" in text for text, code in said if code == 75), said
    events = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    attempts = [e["key"] for e in events if e["kind"] == "action"]
    assert len(attempts) == 2 and len(set(attempts)) == 1, attempts
    stop(process)
    end.close()
    station.close()
    call("replay", data, "--verify")


@test
def names_full_of_markup_and_other_alphabets_leave_as_valid_messages():
    receiver, port = Receiver(), free_port()
    words = "K\u00e4ytt\u00f6 \u8239 <a&b> \U0001f6a2 "
    path = write_site("markup", ais_source(port), receiver.port)
    text = path.read_text()
    head, tail = text[:text.index("[decide.tell]")].replace('site = "markup"', f"site = '{words}'", 1), text[text.index("[sink.out]"):]
    messages = {"long": '"' * 200, "plain": words, "half": "\u8239" * 66}
    for name, message in messages.items():
        for form in ("json", "cot", "nmea"):
            head += f"[decide.{name}_{form}]\non = \"seen\"\ndeadline = \"10 s\"\nrun = \"{name}_{form}\"\n[action.{name}_{form}]\nsink = \"out\"\nformat = \"{form}\"\nmessage = '{message}'\n"
    path.write_text(head + tail)
    data = work / "markup"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(class_b(219000001, 5, 5), ("127.0.0.1", port))
    sink = status(data, lambda s: s["sinks"][0]["sent"] == 9)["sinks"][0]
    assert sink["shortened"] == 1, sink  # two hundred quotation marks, escaped in XML
    stop(process)
    said = {}
    for message in receiver.close():
        assert len(message) <= 1024, len(message)
        if message.startswith(b"{"):
            line = json.loads(message)
            assert line["site"] == words, line
            said.setdefault("json", []).append(line["message"])
        elif message.startswith(b"<"):
            event = xml.dom.minidom.parseString(message)
            assert event.documentElement.getAttribute("uid").startswith(words), message
            said.setdefault("cot", []).append(event.getElementsByTagName("remarks")[0].firstChild.data.split(": ", 1)[1])
        else:
            body, check = message.decode("ascii").strip()[1:].split("*")
            total = 0
            for byte in body.encode():
                total ^= byte
            assert int(check, 16) == total and len(message) <= 82, message
    for form in ("json", "cot"):
        assert said[form][1:] == [words, messages["half"]], said
    assert said["json"][0] == messages["long"]
    assert said["cot"][0].endswith('"\u2026') and set(said["cot"][0][:-1]) == {'"'} and len(said["cot"][0]) > 50, said
