"""Malformed input, by accident or on purpose: recordings, wrong files, names, a full output."""
import collections, functools, gzip, json, os, random, re, struct, subprocess, threading, xml.dom.minidom

from harness import *

steers = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def refused(code, why, *args, limit=8):
    done = subprocess.run([vedette, *map(str, args)], capture_output=True, text=True, timeout=limit)
    assert done.returncode == code and why in done.stderr, (args, done.returncode, done.stderr[-300:])


@test
def a_recording_that_is_cut_damaged_or_a_bomb_is_named_and_nothing_of_it_is_used():
    line = b"!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n"
    whole = gzip.compress(b"".join(line.replace(b"30\r", b"30\r") + b"%d\n" % i for i in range(2000)))
    bomb = gzip.compress(bytes(100 << 20), 9)
    zstd = subprocess.run(["zstd", "-q", "-c"], input=gzip.decompress(whole), capture_output=True, check=True).stdout
    (work / "whole.zst").write_bytes(zstd)
    assert len(decode("ais", work / "whole.zst")) == 4000
    files = {"zstd-cut": (zstd[: len(zstd) // 2], "its zstd data ends too soon"), "zstd-check": (zstd[:-1] + bytes([zstd[-1] ^ 1]), "its zstd data is damaged"),
             "zstd-more": (zstd + b"x", "something else follows its zstd data"), "cut": (whole[: len(whole) // 2], "ends too soon"), "crc": (whole[:-8] + b"\1\2\3\4" + whole[-4:], "damaged"),
             "bomb": (bomb, "256 times its size"), "more": (whole + b"x", "something else follows its gzip data"), "empty": (b"", "empty")}
    for name, (content, why) in files.items():
        path = work / f"hostile-{name}"
        path.write_bytes(content)
        refused(65, why, "decode", "ais", path)
        site_file = write_site(f"hostile-{name}", f'[source.in]\ndriver = "recording"\nfile = "{path}"\ncodec = "ais"\nspeed = "max"\n', 9)
        refused(65, why, "run", site_file, "--data", work / f"hostile-{name}-data")
    refused(65, "it is a folder", "decode", "ais", work)
    refused(65, "it is a device", "decode", "ais", "/dev/zero")
    refused(66, "No such file", "decode", "ais", os.fsencode(work) + b"/\xff\x1b")


@test
def a_pipe_is_read_as_a_recording_and_refused_as_a_site_file_and_as_a_segment():
    pipe = work / "hostile-pipe"
    os.mkfifo(pipe)
    for command in ("check", "plan"):
        refused(65, "not a regular file", command, pipe)
    refused(65, "not a regular file", "check", "/dev/zero")
    line = b"!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n"
    writer = threading.Thread(target=lambda: pipe.write_bytes(gzip.compress(line * 20)), daemon=True)
    writer.start()
    site_file = write_site("piped", f'[source.in]\ndriver = "recording"\nfile = "{pipe}"\ncodec = "ais"\nspeed = "max"\n', 9)
    data = work / "piped-data"
    final = run_to_the_end(data, (), site_file)
    assert final["sources"][0]["received"] == 20, final["sources"]
    os.mkfifo(data / "shard-0/journal" / "00000000000000ff.seg")
    for command in (["journal"], ["explain", "3"], ["inspect"], ["replay"]):
        done = subprocess.run([vedette, command[0], str(data), *command[1:]], capture_output=True, text=True, timeout=8)
        assert done.returncode in (0, 1, 65), (command, done)


def n2k(pgn, payload):
    return f"2014-08-15T19:00:00.000Z,6,{pgn},1,255,{len(payload)},{','.join('%02x' % b for b in payload)}\n".encode()


def hostile_ship(mmsi, name):
    static = bytes([5]) + struct.pack("<I", mmsi) + bytes(4) + b"CAL\x1b[1m" + name.ljust(20, b" ")[:20] + bytes([70]) + bytes(36)
    place = bytes([1]) + struct.pack("<Iii", mmsi, 250000000 + mmsi % 1000 * 10000, 600000000) + bytes([0]) + struct.pack("<HH", 0, 500) + b"\xff" * 5 + bytes(10)
    return n2k(129794, static) + n2k(129038, place)


@test
def no_name_that_somebody_sends_steers_the_terminal_that_shows_it():
    names = [b"\x1b]0;owned\x07\x1b[2J", b'">x\r\n{"a":1}', b"\xff\xfe\xc0\x80\xed\xa0\x80", b"A\nB\x00C", b"\xe2\x80\xae\xd0\xb0BC",
             b"\xc2\x9b31mRED", b"\x7f\x9b31m", "MÄRTA".encode()]
    path = work / "names.n2k"
    path.write_bytes(b"".join(hostile_ship(230000001 + i, n) * 2 for i, n in enumerate(names)))
    site_file = write_site("names", f'[source.in]\ndriver = "recording"\nfile = "{path}"\ncodec = "n2k"\nspeed = "max"\n', 9,
                           extra='[decide.say]\non = "seen"\nrun = "say"\n[action.say]\nsink = "log"\ndurable = "behind"\nidempotent = true\n[sink.log]\ndriver = "log"\n')
    data = work / "names-data"
    shown = [subprocess.run([vedette, "run", site_file, "--data", data, "--alerts"], capture_output=True, timeout=30)]
    last = json.loads(call("inspect", data, "--json").stdout)["data"]["event"]
    for command in (["inspect", data], ["inspect", data, "--json"], ["journal", data], ["explain", data, last], ["explain", data, last, "--json"],
                    ["deadletter", "list", data], ["decode", "n2k", path], ["check", os.fsencode(path) + b"\x1b[31m\xc2\x9b"],
                    ["explain", data, "\x1b[31m"], ["run", site_file, "--for", "\x1b[2J"], ["plan", site_file]):
        shown.append(subprocess.run([vedette, *command], capture_output=True, timeout=30))
    bad = work / "hostile.toml"
    bad.write_text('site = "\\u001b[31m\\u202e"\n[source."\\u009b"]\n[zone.\x9b\x85]\n', encoding="utf8")
    shown += [subprocess.run([vedette, "check", bad, *more], capture_output=True, timeout=30) for more in ([], ["--json"])]
    for done in shown:
        for text in (done.stdout, done.stderr):
            found = steers.search(text.decode())
            assert not found, (done.args, repr(found), text[max(0, found.start() - 40): found.end() + 40])
    listed = shown[1].stdout.decode()
    assert "\\u001b]0;owned\\u0007" in listed and "MÄRTA" in listed, listed
    assert len(listed.splitlines()) == 1 + len(names), listed


@test
def what_cannot_be_written_ends_with_74_and_says_so():
    plan_file = work / "io.plan"
    path = write_site("io", ais_source(free_port()), 9)
    folder = work / "unwritable"
    folder.mkdir()
    for command in (["compile", path, "-o", "/dev/full/x"], ["compile", path, "-o", work / "not-there" / "x.plan"], ["compile", path, "-o", folder]):
        refused(74, "", *command)
    call("compile", path, "-o", plan_file)
    recording = work / "io.txt"
    recording.write_bytes(b"!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n" * 200)
    with open("/dev/full", "wb") as full:
        for command in (["decode", "ais", recording], ["check", path], ["plan", path, "--json"]):
            done = subprocess.run([vedette, *map(str, command)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=10)
            assert done.returncode == 74 and "standard output" in done.stderr, (command, done)


# Names, callsigns and destinations are any bytes; whatever a node writes of them is JSON, XML or NMEA to the letter.
@test
def every_line_of_a_node_that_hears_any_bytes_for_names_is_read_by_a_strict_parser():
    chance = random.Random(7)
    pieces = [b"<a&b>", b'"\\', b"]]>", b"\r\n", b"\x00", b"\x1b[2J", b"\xc2\x9b", b"\xed\xa0\x80", b"\xff", "\u8239\u202e".encode(), b"$GPRMC*00", b"%s%n", b"&#x0;", b"{}"]
    def name():
        return b"".join(chance.choice([*pieces, bytes([chance.randrange(256)]), bytes([chance.randrange(256)])]) for _ in range(12))[:20]
    ships = 300
    path = work / "random-names.n2k"
    path.write_bytes(b"".join(hostile_ship(230000001 + i, name()) * 2 for i in range(ships)))
    receiver = Receiver()
    forms = "".join(f'[decide.{form}]\non = "seen"\nrun = "{form}"\n[action.{form}]\nsink = "{"out" if form != "log" else "lines"}"\nformat = "{form if form != "log" else "json"}"\ndurable = "behind"\n'
                    f'idempotent = true\nhorizon = "60 s"\nmessage = "seen {{track.name}} {{track.callsign}}"\n' for form in ("cot", "nmea", "log"))
    site_file = write_site("random-names", f'[source.in]\ndriver = "recording"\nfile = "{path}"\ncodec = "n2k"\nspeed = 20\ninterval = "10 ms"\n', receiver.port,
                           extra=forms + '[sink.lines]\ndriver = "log"\n').read_text().replace("tracks = 256", "tracks = 512")
    (work / "random-names.toml").write_text(site_file)
    data = work / "random-names-data"
    ran = subprocess.run([vedette, "run", work / "random-names.toml", "--data", data, "--alerts", "--json"], capture_output=True, timeout=60)
    assert ran.returncode == 0, ran
    lines = ran.stdout.splitlines() + ran.stderr.splitlines()
    for command in (["journal", data, "--json"], ["decode", "n2k", path], ["log", data, "--json"]):
        lines += subprocess.run([vedette, *command], capture_output=True, timeout=60, check=True).stdout.splitlines()
    for line in lines:
        json.loads(line.decode("utf-8", "strict"), parse_constant=lambda word: 1 / 0)  # neither NaN nor Infinity
    assert sum(b"random-names" in line for line in lines) >= ships, len(lines)
    kinds = collections.Counter()
    for message in receiver.close():
        text = message.decode("utf-8", "strict")
        if text.startswith("<"):
            xml.dom.minidom.parseString(message)
        elif text.startswith("$"):
            body, check = text.strip()[1:].split("*")
            assert int(check, 16) == functools.reduce(lambda a, b: a ^ b, body.encode()) and len(message) <= 82 and body.isascii() and body.isprintable(), message
        else:
            json.loads(text)
        kinds[text[0]] += 1
    assert min(kinds[c] for c in "{<$") >= 50, kinds  # 256 actions at once, at most
    for command in (["journal", data], ["log", data], ["alarms", data]):
        shown = subprocess.run([vedette, *command], capture_output=True, timeout=60).stdout.decode("utf-8", "strict")
        assert not steers.search(shown), (command, steers.search(shown))
