"""Programs of the field as the other end, over loopback: dump1090, gpsd, mosquitto, Signal K; each connected, cut, restarted, flooded."""
import contextlib, json, os, pathlib, re, shutil, signal, socket, subprocess, time

from harness import arguments, root, work, Skip, test, long, start, stop, status, write_site, need_recordings, recordings, call, threads
from transports import port_of, server, ships, source


def tcp_port():
    with server() as listener:
        return port_of(listener)


def need(program):
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if not found:
        raise Skip(f"{program} is not installed")
    return found


def end(process):
    process.terminate()
    process.wait(timeout=10)


# Of connections: the journal's files come and go.
def open_descriptors(process):
    sockets = 0
    for fd in os.listdir(f"/proc/{process.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            sockets += os.readlink(f"/proc/{process.pid}/fd/{fd}").startswith("socket:")
    return sockets


def memory(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) << 10


# After a flood the node may have touched rooms that it took at its start, and no more.
def check_memory(before, process):
    after = memory(process)
    most = (64 if arguments.sanitized else 4) << 20  # a sanitizer keeps what was returned
    assert after <= before + most, f"{(after - before) >> 10} KiB more"


def connect(port, limit=10):
    for _ in range(limit * 20):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


class Dump1090:
    def __init__(self):
        self.program = need("dump1090-mutability")
        self.raw, self.beast, self.feed = tcp_port(), tcp_port(), tcp_port()
        self.run()

    def run(self):
        self.process = subprocess.Popen(
            [self.program, "--net-only", "--net-verbatim", "--quiet", "--net-buffer", "3", "--net-bind-address", "127.0.0.1", "--net-ro-port", str(self.raw),
             "--net-bo-port", str(self.beast), "--net-ri-port", str(self.feed), "--net-bi-port", "0", "--net-sbs-port", "0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.input = connect(self.feed)

    def send(self, frames):
        self.input.sendall("".join(f"*{frame};\n" for frame in frames).encode())

    def close(self):
        self.input.close()
        end(self.process)


# Frames that dump1090 forwards: DF17 with a right checksum, each once.
def adsb_frames():
    need_recordings()
    lines = (recordings / "adsb" / "sample_data_adsb.csv").read_text().splitlines()
    return list(dict.fromkeys(line.split('"')[1] for line in lines if line.split('"')[1].startswith("8D")))


@threads
@test
def dump1090_is_read_by_beast_and_raw_through_cut_restart_and_flood():
    frames = adsb_frames()
    receiver = Dump1090()
    try:
        sources = "".join(f'[source.{name}]\ndriver = "tcp"\nto = "127.0.0.1:{port}"\ncodec = "adsb"\nretry = "50 ms"\nhorizon = "60 s"\n'
                          for name, port in (("beast", receiver.beast), ("raw", receiver.raw)))
        path = write_site("dump1090", sources, tcp_port())
        data = work / "dump1090"
        process = start(path, data)
        ready = lambda s: all(one["status"] == "up" for one in s["sources"])
        status(data, ready)
        count = lambda one: one["accepted"] + sum(n for cause, n in one["refused"].items())
        before = None
        for turn in range(5):
            receiver.send(frames[:300])
            seen = status(data, lambda s: all(count(one) >= 300 * (turn + 1) for one in s["sources"]))
            beast, raw = seen["sources"]
            assert count(beast) == count(raw) == 300 * (turn + 1) and beast["accepted"] == raw["accepted"] > 200 * (turn + 1), (beast, raw)
            descriptors = open_descriptors(process)
            before = before or descriptors
            assert descriptors <= before + 3, (before, descriptors)  # a status client and the image's writer come and go
            receiver.close()
            status(data, lambda s: all(one["status"] == "down" for one in s["sources"]))
            receiver.run()
            status(data, ready)
        small = memory(process)
        sent = 1500
        for _ in range(10):  # it closes a connection whose buffer is full at once, so a burst fits
            receiver.send(frames[:1000] * 2)
            sent += 2 * len(frames[:1000])
            seen = status(data, lambda s: all(count(one) >= sent for one in s["sources"]), 30)
        assert all(count(one) == sent and "lane-full" not in one["refused"] for one in seen["sources"]), seen["sources"]
        check_memory(small, process)
        stop(process)
        call("replay", data, "--verify")
    finally:
        receiver.close()


@test
def gpsd_is_asked_for_its_sentences_and_asked_again_after_a_restart():
    program = need("gpsd")
    port = tcp_port()
    feed = server()
    command = [program, "-N", "-n", "-S", str(port), f"tcp://127.0.0.1:{port_of(feed)}"]
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = write_site("gpsd", f'[source.own]\ndriver = "tcp"\nto = "127.0.0.1:{port}"\ncodec = "nmea0183"\nretry = "50 ms"\n'
                      'greet = "?WATCH={\\"enable\\":true,\\"nmea\\":true}\\n"\n', tcp_port())
    data = work / "gpsd"
    process = start(path, data)
    try:
        for turn in range(2):
            receiver, _ = feed.accept()
            status(data, lambda s: source(s)["status"] == "up")
            had = source(status(data, lambda s: True))["accepted"]
            for second in range(100):
                receiver.sendall(fix(second))
                if source(status(data, lambda s: True))["accepted"] >= had + 5:
                    break
                time.sleep(0.05)
            seen = source(status(data, lambda s: source(s)["accepted"] >= had + 5))
            assert set(seen["refused"]) <= {"framing", "malformed", "unsupported", "not-available", "checksum", "checksum-missing"}, seen  # gpsd greets in JSON
            receiver.close()
            end(daemon)
            status(data, lambda s: source(s)["status"] == "down")
            daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stop(process)
    finally:
        end(daemon)


def sentence(body):
    check = 0
    for c in body:
        check ^= ord(c)
    return f"${body}*{check:02X}\r\n".encode()


def fix(second):
    clock = f"{12 + second // 3600}{second // 60 % 60:02d}{second % 60:02d}.00"
    return sentence(f"GPRMC,{clock},A,6010.000,N,02450.000,E,5.0,90.0,301126,,,A") + \
        sentence(f"GPGGA,{clock},6010.000,N,02450.000,E,1,08,1.0,5.0,M,20.0,M,,")


# gpsd on a pseudo-terminal into which gpsfake writes a log as fast as gpsd reads.
class Gpsfake:
    def __init__(self, port, log):
        self.process = subprocess.Popen([need("gpsfake"), "-1", "-q", "-c", "0", "-P", str(port), str(log)], start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)  # its gpsd as well
        self.process.wait(timeout=10)


@test
def gpsfake_floods_gpsd_and_every_sentence_is_counted():
    need("gpsd")
    # gpsd begins to hand sentences on a second after it was connected, so texts come first.
    log = work / "gpsfake.nmea"
    fixes = 2500
    log.write_bytes(b"".join(sentence(f"GPTXT,01,01,02,{n:05d}") for n in range(8000)) + b"".join(fix(n) for n in range(fixes)))
    port = tcp_port()
    daemon = Gpsfake(port, log)
    path = write_site("gpsfake", f'[source.own]\ndriver = "tcp"\nto = "127.0.0.1:{port}"\ncodec = "nmea0183"\nretry = "50 ms"\nhorizon = "60 s"\n'
                      'greet = "?WATCH={\\"enable\\":true,\\"nmea\\":true}\\n"\n', tcp_port())
    data = work / "gpsfake"
    process = start(path, data)
    try:
        for turn in range(2):
            seen = source(status(data, lambda s: source(s)["accepted"] > 2 * fixes * turn, 30))
            assert 0 < seen["not_used_by"]["unsupported"] <= 8000 * (turn + 1), seen
            small, begin = memory(process), time.time()
            seen = source(status(data, lambda s: source(s)["accepted"] >= 2 * fixes * (turn + 1), 30))
            print(f"    at least {2 * fixes / (time.time() - begin + 0.5):.0f} sentences a second")
            assert seen["accepted"] == 2 * fixes * (turn + 1) and sum(seen["refused"].values()) <= 6 * (turn + 1), seen  # gpsd greets in JSON
            check_memory(small, process)
            daemon.close()
            status(data, lambda s: source(s)["status"] == "down")
            if turn == 0:
                daemon = Gpsfake(port, log)
        stop(process)
        call("replay", data, "--verify")
    finally:
        if daemon.process.returncode is None:
            daemon.close()


class Broker:
    def __init__(self, port=0, lines=""):
        self.program = need("mosquitto")
        self.port = port or tcp_port()
        self.settings = work / f"mosquitto-{self.port}.conf"
        self.settings.write_text(f"listener {self.port} 127.0.0.1\n{lines or 'allow_anonymous true'}\nmax_queued_messages 100000\n")
        self.process = subprocess.Popen([self.program, "-c", str(self.settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connect(self.port).close()

    # One connection that publishes all payloads with QoS 1, and has them acknowledged.
    def publish(self, messages):
        feed = connect(self.port)
        feed.sendall(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02tx")
        assert feed.recv(4) == b"\x20\x02\x00\x00"
        for n, (topic, payload) in enumerate(messages):
            body = len(topic).to_bytes(2, "big") + topic.encode() + (n % 60000 + 1).to_bytes(2, "big") + payload
            length, rest = b"", len(body)
            while True:
                length += bytes([rest & 127 | (128 if rest > 127 else 0)])
                rest >>= 7
                if not rest:
                    break
            feed.sendall(b"\x32" + length + body)
        answers = 0
        while answers < 4 * len(messages):
            answers += len(feed.recv(65536))
        feed.sendall(b"\xe0\x00")
        feed.close()


@threads
@test
def mosquitto_is_subscribed_through_cut_restart_and_flood():
    broker = Broker()
    path = write_site("mqtt", f'[source.feed]\ndriver = "mqtt"\ncodec = "ais"\nretry = "50 ms"\nhorizon = "60 s"\nqos = 1\n'
                      f'to = "127.0.0.1:{broker.port}"\ntopic = ["ais/+/raw", "boats/#"]\n', tcp_port())
    data = work / "mqtt"
    process = start(path, data)
    try:
        had, descriptors = 0, None
        for turn in range(5):
            seen = source(status(data, lambda s: source(s)["status"] == "up"))
            assert [p["address"] for p in seen["peers"]] == [f"127.0.0.1:{broker.port}"], seen
            broker.publish([("ais/harbour/raw", ships(10 * turn, 1)), ("boats/a/b", ships(10 * turn + 1, 2)), ("other", ships(99, 1)), ("boats", b"")])
            had += 3
            seen = source(status(data, lambda s: source(s)["accepted"] >= had))
            assert seen["accepted"] == had and not seen["refused"], seen
            now = open_descriptors(process)
            descriptors = descriptors or now
            assert now <= descriptors + 3, (descriptors, now)
            end(broker.process)
            status(data, lambda s: source(s)["status"] == "down")
            broker = Broker(broker.port)
        status(data, lambda s: source(s)["status"] == "up")
        small = memory(process)
        broker.publish([("boats/x", ships(i % 100, 1)) for i in range(5000)])
        seen = source(status(data, lambda s: source(s)["accepted"] >= had + 5000, 30))
        check_memory(small, process)
        assert seen["accepted"] == had + 5000 and not seen["refused"], seen
        broker.publish([("boats/x", b"!" * 3000), ("boats/x", b"!" * 9000), ("boats/x", ships(1, 1))])
        seen = source(status(data, lambda s: source(s)["accepted"] == had + 5001))
        assert seen["refused"] == {"oversize": 2}, seen
        stop(process)
        call("replay", data, "--verify")
    finally:
        end(broker.process)


@test
def a_broker_wants_a_password_and_hears_the_right_one():
    passwords = work / "mosquitto.passwords"
    need("mosquitto_passwd")
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "watch", "secret"], check=True, capture_output=True)
    passwords.chmod(0o644)
    work.chmod(0o755)
    broker = Broker(lines=f"allow_anonymous false\npassword_file {passwords}")
    try:
        for password, outcome in (("wrong", "the broker refuses this user and password"), ("secret", None)):
            secret = work / "secret"
            secret.write_text(password + "\n")
            path = write_site(f"mqtt_{password}", f'[source.feed]\ndriver = "mqtt"\ncodec = "ais"\nto = "localhost:{broker.port}"\ntopic = "#"\n'
                              f'user = "watch"\npassword_file = "{secret}"\n', tcp_port())
            data = work / f"mqtt_{password}"
            process = start(path, data)
            status(data, lambda s: source(s).get("error") == outcome and (source(s)["status"] == "up") == (outcome is None))
            stop(process)
    finally:
        end(broker.process)


# Signal K, where scripts/decoders has put it: it connects to `feed`, and hands on what it hears as sentences and as deltas.
class SignalK:
    # It listens at every address; here at loopback alone.
    loopback = """
const server = require("net").Server.prototype, listen = server.listen;
server.listen = function (port, ...more) {
  return listen.call(this, typeof port === "object" ? { ...port, host: "127.0.0.1" } : { port: +port, host: "127.0.0.1" },
                     ...more.filter(one => typeof one === "function"));
};
"""

    def __init__(self, feed):
        self.folder = work / "signalk"
        self.folder.mkdir(exist_ok=True)
        self.feed, self.sentences, self.deltas = feed, tcp_port(), tcp_port()
        off = {name: False for name in ("plugins", "appstore", "rest", "ws", "webapps", "logfiles", "wasm", "applicationData")}
        source = {"type": "NMEA0183", "subOptions": {"type": "tcp", "host": "127.0.0.1", "port": str(port_of(feed))}}
        (self.folder / "settings.json").write_text(json.dumps({
            "mdns": False, "interfaces": off,
            "pipedProviders": [{"id": "feed", "enabled": True, "pipeElements": [{"type": "providers/simple", "options": source}]}]}))
        (self.folder / "loopback.js").write_text(self.loopback)
        self.run()

    def run(self):
        program = signal_k / "node_modules/signalk-server/bin/signalk-server"
        ports = {"PORT": str(tcp_port()), "NMEA0183PORT": str(self.sentences), "TCPSTREAMPORT": str(self.deltas)}
        self.process = subprocess.Popen(["node", "-r", str(self.folder / "loopback.js"), str(program), "-c", str(self.folder)],
                                        env={**os.environ, **ports}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.feed.settimeout(90)  # it loads hundreds of modules
        self.input, _ = self.feed.accept()

    def close(self):
        self.process.kill()
        self.process.wait(timeout=10)
        self.input.close()


signal_k = root / "build/npm-signalk"


# Its deltas are read by no codec: as lines of NMEA 0183 each is refused.
def signal_k_is_read_through_cut_restart_and_flood():
    feed = server()
    post = SignalK(feed)
    subscribe = json.dumps(json.dumps({"context": "*", "subscribe": [{"path": "*"}]}) + "\n")
    tcp = 'driver = "tcp"\ncodec = "nmea0183"\nretry = "50 ms"\nhorizon = "60 s"\n'
    path = write_site("signalk", f'[source.deltas]\n{tcp}to = "127.0.0.1:{post.deltas}"\ngreet = {subscribe}\n'
                      f'[source.sentences]\n{tcp}to = "127.0.0.1:{post.sentences}"\n', tcp_port())
    data = work / "signalk-data"
    process = start(path, data)
    try:
        had, descriptors, small = 0, None, None
        for turn, fixes in enumerate((100, 100, 3000)):
            status(data, lambda s: all(one["status"] == "up" for one in s["sources"]), 30)
            small = memory(process) if turn == 1 else small
            post.input.sendall(b"".join(fix(n) for n in range(fixes)))
            had += 2 * fixes
            seen = status(data, lambda s: s["sources"][1]["accepted"] >= had and sum(s["sources"][0]["refused"].values()) >= 2 * (turn + 1), 60)
            deltas, sentences = seen["sources"]
            assert sentences["accepted"] == had and not sentences["refused"] and deltas["accepted"] == 0, seen["sources"]
            now = open_descriptors(process)
            descriptors = descriptors or now
            assert now <= descriptors + 3, (descriptors, now)
            if turn == 2:
                break
            post.close()
            status(data, lambda s: all(one["status"] == "down" for one in s["sources"]))
            post.run()
        check_memory(small, process)
        stop(process)
        call("replay", data, "--verify")
    finally:
        if post.process.returncode is None:
            post.close()


if (signal_k / "complete").exists():
    long(signal_k_is_read_through_cut_restart_and_flood)
