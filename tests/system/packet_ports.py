"""Real DPDK ports on virtual Ethernet."""
import os, re, shutil, subprocess, sys

from harness import vedette, work, Skip, test, call, stop, status, write_site, class_b, mavlink_position, run_or_skip, threads


def packet_test(driver):
    # The output, without the key, the event and the time.
    through_port(driver, "mavlink", mavlink_position(9, 59.5, 24.5),
                 '"kind":"vehicle","identity":"9","lat":59.5000000,"lon":24.5000000,"sigma":3.0,"speed":0.00,"course":0.0,"alt":50.0')
    through_port(driver, "ais", class_b(211000007, 59.25, 24.75),
                 '"kind":"vessel","identity":"211000007","lat":59.2500000,"lon":24.7500000,"sigma":5.0,"speed":2.57,"course":90.0')


def through_port(driver, codec, payload, fields):
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise Skip("needs root and iproute2")
    space = f"vedette{os.getpid()}"
    run_or_skip("ip", "netns", "add", space)
    def inside(*command, **kw):
        return subprocess.run(["ip", "netns", "exec", space, *command], capture_output=True, text=True, **kw)
    try:
        inside("ip", "link", "set", "lo", "up")
        if driver == "net_tap":
            port, interface = "net_tap0,iface=vtap0", "vtap0"
        else:
            inside("ip", "link", "add", "va", "type", "veth", "peer", "name", "vb")
            for name in ("va", "vb"):
                inside("ethtool", "-K", name, "tx", "off", "rx", "off", "gso", "off", "gro", "off", "tso", "off")
                inside("ip", "link", "set", name, "up")
            more = ",blocksz=4096,framesz=2048,framecnt=2048,qdisc_bypass=1" if driver == "net_af_packet" else ""
            port, interface = f"{driver}0,iface=va{more}", "vb"
        source = f'[source.drone]\ndriver = "dpdk"\nport = "{port}"\nudp_port = 14550\ncodec = "{codec}"\n'
        path = write_site(f"packets_{driver}_{codec}", source, 47001)
        data = work / f"packets_{driver}_{codec}"
        helper = work / "helper.py"
        helper.write_text(PACKET_HELPER)
        process = subprocess.Popen(["ip", "netns", "exec", space, vedette, "run", str(path), "--data", str(data), "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            status(data, lambda s: s["sources"][0]["status"] == "up" or driver == "net_tap", limit=15)
        except AssertionError:
            process.kill()
            raise AssertionError(process.communicate()[1][-400:])
        if driver == "net_tap":
            inside("ip", "link", "set", "vtap0", "up")
        out = inside(sys.executable, str(helper), interface, payload.hex(), timeout=30)
        final = stop(process)
        frame = ('{"key":"KEY","event":"EVENT","time":"TIME","site":"packets_%s_%s","action":"tell","assessment":"seen",'
                 '"transition":"raised","level":"warn","confidence":C,%s}\n' % (driver, codec, fields))
        seen = re.sub(r'"key":"[0-9a-f]+-1-\d+","event":"\d+","time":"20[-0-9T:.]+Z"', '"key":"KEY","event":"EVENT","time":"TIME"', out.stdout)
        seen = re.sub(r'"confidence":[01]\.\d{3}', '"confidence":C', seen)
        assert seen.rstrip("\n") == frame.rstrip("\n"), (seen, frame, final)
        refused = final["sources"][0]["refused"]
        assert refused.get("udp-checksum", 0) >= 1, refused
        # The kernel reassembles before an af_packet port sees a frame (PACKET_FANOUT_FLAG_DEFRAG).
        assert driver == "net_af_packet" or refused.get("ip-fragment", 0) >= 1, refused
        call("replay", data, "--verify")
    finally:
        subprocess.run(["ip", "netns", "del", space], capture_output=True)


PACKET_HELPER = '''
import json, socket, struct, sys, time
interface, payload = sys.argv[1], bytes.fromhex(sys.argv[2])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.bind(("127.0.0.1", 47001))
out.settimeout(0.5)
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind((interface, 0))
def total(b):
    b += b"\\0" * (len(b) % 2)
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s
def frame(fragment=0, bad=0):
    src, dst = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    udp = struct.pack(">HHHH", 5000, 14550, 8 + len(payload), 0)
    check = ~total(src + dst + struct.pack(">HH", 17, 8 + len(payload)) + udp + payload) & 0xFFFF
    udp = udp[:6] + struct.pack(">H", check ^ bad) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, fragment, 64, 17, 0, src, dst)
    ip = ip[:10] + struct.pack(">H", ~total(ip) & 0xFFFF) + ip[12:]
    return b"\\xff" * 6 + bytes(6) + b"\\x81\\x00\\x00\\x05\\x08\\x00" + ip + udp
end = time.time() + 15
while time.time() < end:
    try:
        for _ in range(5):  # a port that has just come up may miss the first
            raw.send(frame(fragment=0x2000))
            raw.send(frame(bad=1))
            time.sleep(0.02)
        raw.send(frame())
        print(out.recv(4096).decode())
        break
    except OSError:
        time.sleep(0.1)
'''


@threads
@test
def packets_through_af_packet():
    packet_test("net_af_packet")


@test
def packets_through_af_xdp():
    packet_test("net_af_xdp")


@test
def packets_through_tap():
    packet_test("net_tap")
