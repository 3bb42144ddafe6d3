"""Programs of the field as the other end, over loopback: dump1090, gpsd; each connected, cut, restarted, flooded."""
import os, pathlib, shutil, socket, subprocess, tempfile, time

from harness import work, Skip, test, release, start, stop, status, write_site, need_recordings, recordings, call, threads
from transports import port_of, server, source


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


def open_descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


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
            [self.program, "--net-only", "--net-verbatim", "--quiet", "--net-bind-address", "127.0.0.1", "--net-ro-port", str(self.raw),
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
        for turn in range(3):
            receiver.send(frames[:300])
            seen = status(data, lambda s: all(count(one) >= 300 * (turn + 1) for one in s["sources"]))
            beast, raw = seen["sources"]
            assert count(beast) == count(raw) == 300 * (turn + 1) and beast["accepted"] == raw["accepted"] > 200 * (turn + 1), (beast, raw)
            descriptors = open_descriptors(process)
            assert before is None or descriptors <= before, (before, descriptors)
            before = descriptors
            receiver.close()
            status(data, lambda s: all(one["status"] == "down" for one in s["sources"]))
            receiver.run()
            status(data, ready)
        for _ in range(20):
            receiver.send(frames[:1000])
        sent = 900 + 20 * len(frames[:1000])
        seen = status(data, lambda s: all(count(one) >= sent for one in s["sources"]), 30)
        assert all(count(one) == sent and "lane-full" not in one["refused"] for one in seen["sources"]), seen["sources"]
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


def fix(second):
    text = b""
    clock = f"12{second // 60:02d}{second % 60:02d}.00"
    for body in (f"GPRMC,{clock},A,6010.000,N,02450.000,E,5.0,90.0,301126,,,A", f"GPGGA,{clock},6010.000,N,02450.000,E,1,08,1.0,5.0,M,20.0,M,,"):
        check = 0
        for c in body:
            check ^= ord(c)
        text += f"${body}*{check:02X}\r\n".encode()
    return text
