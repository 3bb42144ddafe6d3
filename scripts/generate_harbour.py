"""A synthetic harbour, if there is no recording: a ferry with radar and lidar, three boats, one of which has AIS.

usage: generate_harbour.py OUT.pcap TRUTH.csv. The capture is ASTERIX category 010 (port 8600), own position as GGA
(10110) and AIS (10111) in UDP, as config/harbour-watch.toml reads them."""
import math, random, struct, sys, time

LATITUDE, LONGITUDE, BEGIN = 63.4350, 10.3950, 1620114893.0
METRES = (111412.0, 111320.0 * math.cos(math.radians(LATITUDE)))
chance = random.Random(1)


def place(east, north):
    return LATITUDE + north / METRES[0], LONGITUDE + east / METRES[1]


def checksum(body):
    value = 0
    for c in body.encode():
        value ^= c
    return f"{value:02X}"


def gga(lat, lon, t):
    g = time.gmtime(t)
    def minutes(v, width):
        return f"{int(v):0{width}d}{(v - int(v)) * 60:08.5f}"
    body = f"GPGGA,{g.tm_hour:02d}{g.tm_min:02d}{g.tm_sec + t % 1:05.2f},{minutes(lat, 2)},N,{minutes(lon, 3)},E,4,12,0.8,0.0,M,40.0,M,,"
    return f"${body}*{checksum(body)}\r\n".encode()


def class_a(mmsi, lat, lon, knots, course):  # ITU-R M.1371-5, message 1
    bits = f"{1:06b}{0:02b}{mmsi:030b}{0:04b}{128:08b}{round(knots * 10):010b}1"
    bits += f"{round(lon * 600000) & (2**28 - 1):028b}{round(lat * 600000) & (2**27 - 1):027b}{round(course * 10) % 3600:012b}{511:09b}{60:06b}".ljust(52, "0")
    bits = bits.ljust(168, "0")
    body = "AIVDM,1,1,,A," + "".join(chr(v + 48 if v < 40 else v + 56) for v in (int(bits[i:i + 6], 2) for i in range(0, 168, 6))) + ",0"
    return f"!{body}*{checksum(body)}\r\n".encode()


def block(sic, t, points):
    clock = struct.pack(">I", int((t % 86400) * 128))[1:]
    body = bytes([0b11010000, 10, sic, 2]) + clock
    for east, north in points:
        body += bytes([0b11110010, 10, sic, 1, 0x60]) + clock + struct.pack(">hh", round(east), round(north))
    return struct.pack(">BH", 10, len(body) + 3) + body


def frame(payload, port, t):
    udp = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([10, 0, 0, 1]), bytes([239, 10, 0, 1]))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    data = bytes([1, 0, 0x5E, 10, 0, 1, 2, 0, 0, 0, 0, 1, 8, 0]) + head[:10] + struct.pack(">H", ~total & 0xFFFF) + head[12:] + udp
    return struct.pack("<IIII", int(t), int(t % 1 * 1e6), len(data), len(data)) + data


boats = [[-180.0, -60.0, 2.4, 0.8, 230123450], [140.0, 160.0, -1.6, -1.9, 0], [60.0, -200.0, -0.4, 2.6, 0]]
with open(sys.argv[1], "wb") as out, open(sys.argv[2], "w") as truth:
    out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    truth.write("time,target,latitude,longitude\n")
    for step in range(480):
        t = BEGIN + 0.25 * step
        own = (0.5 * 0.25 * step - 60.0, 10.0)
        for number, boat in enumerate(boats, 1):
            turn = 0.006 * math.sin(step / 60.0 + number)
            boat[2], boat[3] = boat[2] * math.cos(turn) - boat[3] * math.sin(turn), boat[2] * math.sin(turn) + boat[3] * math.cos(turn)
            boat[0] += 0.25 * boat[2]
            boat[1] += 0.25 * boat[3]
            truth.write("%.3f,%d,%.9f,%.9f\n" % (t, number, *place(boat[0], boat[1])))
            if boat[4] and step % 24 == 0:
                knots = math.hypot(boat[2], boat[3]) * 3600 / 1852
                out.write(frame(class_a(boat[4], *place(boat[0], boat[1]), knots, math.degrees(math.atan2(boat[2], boat[3])) % 360), 10111, t))
        for sic, every, reach, noise, sees, late in ((2, 7, 500.0, 4.0, 0.9, 1.2), (1, 2, 100.0, 1.5, 0.8, 0.0)):
            if step % every:
                continue
            points = []
            for boat in boats:
                east = boat[0] - own[0] - late * (boat[2] - 0.5)
                north = boat[1] - own[1] - late * boat[3]
                if math.hypot(east, north) < reach and chance.random() < sees:
                    points.append((east + chance.gauss(0, noise), north + chance.gauss(0, noise)))
            if sic == 2:
                points += [(chance.uniform(-350, 350), chance.uniform(-350, 350)) for _ in range(chance.randrange(4))]
            out.write(frame(gga(*place(*own), t), 10110, t))
            out.write(frame(block(sic, t, points), 8600, t))
