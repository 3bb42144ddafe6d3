"""Radar and lidar reports, tracked and scored against recorded truth; live through a DPDK port."""
import json, math, os, random, shutil, struct, subprocess, sys, time

from harness import vedette, root, work, recordings, Skip, test, need_recordings, call, start, stop, status, run_or_skip, class_b

harbour = str(root / "config" / "harbour-watch.toml")
# Results of two independent trackers with radar alone: RMSE in m (5 % more is allowed) and missed share; then the bar for radar
# and lidar together.
bars = {2: (6.84, 0.06, 4.8), 4: (6.89, 0.23, 4.7), 16: (5.5, 0.08, 5.0)}


def capture(scenario, *options):
    tool = recordings.parent / "tools/autoferry_to_pcap.py"
    if not tool.exists():
        raise Skip("no tool that frames the detections")
    target = work / f"scenario{scenario}{''.join(options)}.pcap"
    if not target.exists():
        subprocess.run([sys.executable, str(tool), *options, str(recordings / f"autoferry/scenario{scenario}_detections.json"), str(target)], check=True)
    truth = work / f"scenario{scenario}.csv"
    if not truth.exists():
        subprocess.run([sys.executable, str(tool), "--truth", str(recordings / f"autoferry/scenario{scenario}_groundTruth.json"), str(truth)], check=True)
    return target, truth


def score(scenario, *options, more=()):
    target, truth = capture(scenario, *options)
    return json.loads(call("score", harbour, "--recording", target, "--truth", truth, "--json", *more).stdout)["data"]


def pcap_record(payload, port, t):
    udp = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([239, 10, 0, 1]))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    frame = bytes([1, 0, 0x5E, 10, 0, 1, 2, 0, 0, 0, 0, 1, 8, 0]) + head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:] + udp
    return struct.pack("<IIII", int(t), int(t % 1 * 1e6), len(frame), len(frame)) + frame


# Two rotating radars (categories 034 and 048) over ships that go straight and turn; one report in eight is late; every fifth
# ship has AIS.
def strait(folder):
    chance = random.Random(4)
    begin, frames = 1700000000.0, []
    ships = [[chance.uniform(-4e3, 4e3), chance.uniform(-4e3, 4e3), chance.uniform(0, 6.28), chance.uniform(2, 9), 0.0] for _ in range(40)]
    radars = ((0.0, 0.0, 1), (3000.0, -1000.0, 2))
    for step in range(240):
        t = begin + 0.5 * step
        for ship in ships:
            if chance.random() < 0.02:
                ship[4] = chance.choice((0.0, 0.05, -0.05))
            ship[2] += 0.5 * ship[4]
            ship[0] += 0.5 * ship[3] * math.sin(ship[2])
            ship[1] += 0.5 * ship[3] * math.cos(ship[2])
        tod = struct.pack(">I", int((t % 86400) * 128))[1:]
        if step % 4 < 2:
            east, north, sic = radars[step % 4]
            service = bytes([0b11100000, 25, sic, 1]) + tod
            frames.append((t, 8600, struct.pack(">BH", 34, len(service) + 3) + service))
            reports = []
            for ship in ships:
                distance = math.hypot(ship[0] - east, ship[1] - north) + chance.gauss(0, 8)
                azimuth = math.degrees(math.atan2(ship[0] - east, ship[1] - north)) % 360
                if distance < 6000 and chance.random() < 0.9:
                    squawk = 0o7700 if ship is ships[3] else 0x8000 | 0o7700  # the others' is not validated
                    record = bytes([0b11111000, 25, sic]) + tod + bytes([0x20]) + struct.pack(
                        ">HHH", round(distance / 1852 * 256), round((azimuth + chance.gauss(0, 0.1)) % 360 / 360 * 65536) % 65536, squawk)
                    if chance.random() < 0.125:
                        frames.append((t + chance.uniform(0.1, 2.5), 8600, struct.pack(">BH", 48, len(record) + 3) + record))
                    else:
                        reports.append(record)
            body = b"".join(reports)
            frames.append((t, 8600, struct.pack(">BH", 48, len(body) + 3) + body))
        if step % 6 == 3:
            for i in range(0, len(ships), 5):
                x, y, course, speed, _ = ships[i]
                frames.append((t, 10111, class_b(230000000 + i, 60 + y / 111400, 20 + x / 55800, knots=round(speed * 3.6 / 1.852, 1), course=round(math.degrees(course) % 360, 1))))
    frames.sort(key=lambda f: f[0])
    folder.mkdir(exist_ok=True)
    with open(folder / "strait.pcap", "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for t, port, payload in frames:
            out.write(pcap_record(payload, port, t))
    text = 'site = "strait"\n' + "".join(f"""[source.{name}]
driver = "recording"
file = "strait.pcap"
speed = "max"
udp_port = {port}
codec = "{codec}"
""" for name, port, codec in (("plots", 8600, "asterix"), ("ais", 10111, "ais"))) + "".join(f"""[sensor.r{sic}]
source = "plots"
sac = 25
sic = {sic}
position = [{60 + north / 111400}, {20 + east / 55800}]
scan = "turn"
range = "6 km"
update = "2 s"
range_sigma = "8 m"
azimuth_sigma = "0.1 deg"
resolution = "20 m"
clutter = 0.1
""" for east, north, sic in radars) + """[assess.named]
of = "track"
kinds = ["contact"]
when = "track.identified"
[assess.lost]
of = "track"
kinds = ["contact"]
when = "lost(track)"
[assess.distress]
of = "track"
kinds = ["contact"]
when = "track.squawk == 7700"
[decide.d]
on = "named"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
"""
    (folder / "strait.toml").write_text(text)
    return folder / "strait.toml"


# Sites and recordings whose journals exercise the tracker: merged, shared and late reports, names.
def journals_of_contacts():
    yield "strait", (strait(work / "strait"), "--recordings", work / "strait")
    for scenario in (4, 16):
        folder = work / f"harbour-{scenario}"
        folder.mkdir(exist_ok=True)
        shutil.copy(capture(scenario)[0], folder / "harbour.pcap")
        yield f"harbour-{scenario}", (harbour, "--env", "replay", "--recordings", folder)


@test
def turning_radars_are_tracked_in_any_order_of_arrival():
    folder = work / "strait"
    data = work / "strait-data"
    process = start(strait(folder), data, "--recordings", folder)
    out, err = process.communicate(timeout=120)
    final = json.loads(out.splitlines()[-1])["data"]
    assert process.returncode == 0 and final["events"]["abandonment"] == 0, (final, err)
    call("replay", data, "--verify")
    tracks = json.loads(call("inspect", data, "--json").stdout)["data"]["tracks"]
    followed = [t for t in tracks if t["kind"] == "contact" and t["state"] in ("confirmed", "coasting")]
    assert 30 <= len(followed) <= 42 and final["assessments"] >= 6, (len(followed), final)
    assert final["tracker"]["contacts"] >= len(followed) and final["tracker"]["bounds_reached"] == {}, final["tracker"]
    told = [json.loads(line) for line in call("journal", data).stdout.splitlines() if '"distress"' in line]
    assert [e["transition"] for e in told] == ["raised"], told  # one ship's code is validated, and stays its own


@test
def a_contact_that_finds_no_place_is_counted_in_status():
    folder = work / "strait-small"
    site = strait(folder)
    site.write_text(site.read_text().replace("[source.plots]", "[limits]\ncontacts = 8\n[source.plots]"))
    process = start(site, work / "strait-small-data", "--recordings", folder)
    out, err = process.communicate(timeout=120)
    tracker = json.loads(out.splitlines()[-1])["data"]["tracker"]
    assert tracker["contacts"] <= 8 and tracker["bounds_reached"]["contacts"] > 0, (tracker, err)


@test
def recorded_boats_are_tracked_as_well_as_independent_trackers_do():
    need_recordings()
    for scenario, (rmse, missed, together) in bars.items():
        radar = score(scenario, "--sensor", "radar")
        assert radar["rmse_m"] <= 1.05 * rmse and radar["missed"] <= missed, (scenario, radar)
        both = score(scenario)
        assert both["rmse_m"] <= together and both["missed"] <= missed and both["id_switches"] <= 2, (scenario, both)
        print(f"  scenario {scenario}: radar RMSE {radar['rmse_m']} m, missed {radar['missed']}; with lidar {both['rmse_m']} m, "
              f"{both['missed']}, {both['id_switches']} switches, GOSPA {both['gospa_m']} m")


@test
def a_score_says_what_is_wrong_and_draws_what_is_right():
    need_recordings()
    target, truth = capture(2)
    drawing = work / "tracks.svg"
    call("score", harbour, "--recording", target, "--truth", truth, "--svg", drawing)
    text = drawing.read_text()
    assert text.startswith("<svg") and text.count("<polyline") > 4
    broken = work / "truth.csv"
    broken.write_text("time,target,latitude,longitude\n1,a,63\n")
    assert "line 2" in call("score", harbour, "--recording", target, "--truth", broken, ok=(65,)).stderr
    elsewhere = work / "elsewhere.csv"
    elsewhere.write_text("1.0,a,63.4,10.4\n2.0,a,63.4,10.4\n")
    assert "no scan" in call("score", harbour, "--recording", target, "--truth", elsewhere, ok=(65,)).stderr
    call("score", harbour, "--recording", truth, "--truth", truth, ok=(65,))


@test
def a_recorded_harbour_is_watched_and_replayed():
    need_recordings()
    target, _ = capture(16)
    folder = work / "harbour-recordings"
    folder.mkdir(exist_ok=True)
    shutil.copy(target, folder / "harbour.pcap")
    data = work / "harbour"
    process = start(harbour, data, "--env", "replay", "--recordings", folder)
    out, err = process.communicate(timeout=120)
    final = json.loads(out.splitlines()[-1])["data"]
    plots = next(s for s in final["sources"] if s["name"] == "plots")
    assert process.returncode == 0 and plots["accepted"] > 500 and final["actions"] > 0, (final, err)
    call("replay", data, "--verify")
    seen = json.loads(call("inspect", data, "--json").stdout)["data"]
    assert any(t["kind"] == "contact" for t in seen["tracks"])


HELPER = """
import socket, struct, sys, time
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind((sys.argv[1], 0))
def send(port, payload):
    udp = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([239, 10, 0, 1]))
    total = sum(struct.unpack(">10H", head)); total = (total & 0xFFFF) + (total >> 16); total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:]
    raw.send(bytes([1, 0, 0x5e, 10, 0, 1, 2, 0, 0, 0, 0, 1, 8, 0]) + head + udp)
begin = time.time()
while time.time() - begin < 9:
    t = time.time(); g = time.gmtime(t)
    body = f"GPGGA,{g.tm_hour:02d}{g.tm_min:02d}{g.tm_sec + t % 1:05.2f},6326.30000,N,01023.90000,E,4,12,0.8,0.0,M,40.0,M,,"
    check = 0
    for c in body.encode(): check ^= c
    send(10110, f"${body}*{check:02X}\\r\\n".encode())
    tod = struct.pack(">I", int((t % 86400) * 128))[1:]
    for sic in (2, 1):
        records = [bytes([0b11010000, 10, sic, 2]) + tod]
        for east, north, ve, vn in ((60, 40, -2, 1), (-50, -30, 1, 2)):
            s = t - begin
            records.append(bytes([0b11110010, 10, sic, 1, 0x60]) + tod + struct.pack(">hh", round(east + ve * s), round(north + vn * s)))
        block = b"".join(records)
        send(8600, struct.pack(">BH", 10, len(block) + 3) + block)
    time.sleep(0.5)
"""


@test
def a_harbour_is_watched_through_a_packet_port():
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise Skip("needs root and iproute2")
    space = f"vedetteh{os.getpid()}"
    run_or_skip("ip", "netns", "add", space)
    def inside(*command, **kw):
        return subprocess.run(["ip", "netns", "exec", space, *command], capture_output=True, text=True, **kw)
    try:
        inside("ip", "link", "set", "lo", "up")
        inside("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "vb")
        for name in ("eth1", "vb"):
            inside("ethtool", "-K", name, "tx", "off", "rx", "off", "gso", "off", "gro", "off", "tso", "off")
            inside("ip", "link", "set", name, "up")
        data = work / "harbour-live"
        helper = work / "harbour_helper.py"
        helper.write_text(HELPER)
        process = subprocess.Popen(["ip", "netns", "exec", space, vedette, "run", harbour, "--data", str(data), "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            status(data, lambda s: all(x["status"] == "up" for x in s["sources"]), limit=20)
        except AssertionError:
            process.kill()
            raise AssertionError(process.communicate()[1][-400:])
        boats = subprocess.Popen(["ip", "netns", "exec", space, sys.executable, str(helper), "vb"])
        # A report delayed by the host may leave a first contact behind, so acknowledge a confirmed one.
        confirmed, end = [], time.time() + 20
        while not confirmed:
            assert time.time() < end, status(data, lambda s: True)
            time.sleep(0.2)
            known = json.loads(call("inspect", data, "--json").stdout)["data"]["tracks"]
            confirmed = [t["identity"] for t in known if t["kind"] == "contact" and t["state"] == "confirmed"]
        call("acknowledge", "contact", confirmed[0], "--data", data)
        call("acknowledge", "boat", "1", "--data", data, ok=(64,))
        boats.wait(timeout=60)
        final = stop(process)
        seen = json.loads(call("inspect", data, "--json").stdout)["data"]
        contacts = [t for t in seen["tracks"] if t["kind"] == "contact" and t["state"] in ("confirmed", "coasting")]
        assert len(contacts) == 2, (contacts, final)
        speeds = sorted(t["speed"] for t in contacts)
        assert all(1.5 < v < 3.0 for v in speeds), contacts
        assert [t["identity"] for t in contacts if t.get("acknowledged")] == confirmed[:1], contacts
        assert all(t["moving"] > 0.9 for t in contacts), contacts
        call("replay", data, "--verify")
    finally:
        subprocess.run(["ip", "netns", "del", space], capture_output=True)
