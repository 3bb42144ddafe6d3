"""Output of instruments: AIS class B reports (ITU-R M.1371-5, message 18), GNSS sentences (NMEA 0183), airborne positions of Mode S
(DO-260B 2.2.3.2.3) and MAVLink 1 positions (GLOBAL_POSITION_INT)."""
import math, struct


def sealed(body):
    """With the checksum of NMEA 0183."""
    check = 0
    for c in body:
        check ^= ord(c)
    return f"{body}*{check:02X}"


def class_b(mmsi, lat, lon, knots=5.0, course=90.0):
    bits = f"{18:06b}{0:02b}{mmsi:030b}" + "0" * 8 + f"{round(knots * 10):010b}" + "1"
    bits += f"{round(lon * 600000) & (2**28 - 1):028b}{round(lat * 600000) & (2**27 - 1):027b}"
    bits += f"{round(course * 10) % 3600:012b}{90:09b}{10:06b}" + "0" * 29
    bits = bits.ljust(168, "0")
    payload = "".join(chr(v + 48 if v < 40 else v + 56) for v in (int(bits[i:i + 6], 2) for i in range(0, 168, 6)))
    body = f"AIVDM,1,1,,A,{payload},0"
    check = 0
    for c in body:
        check ^= ord(c)
    return f"!{body}*{check:02X}\r\n".encode()


def gnss(lat, lon, knots=0.0, course=0.0, seconds=0.0):
    """One second of a receiver: RMC, GGA and GLL of one position."""
    def angle(value, digits, hemispheres):
        return f"{int(abs(value)):0{digits}d}{abs(value) % 1 * 60:07.4f},{hemispheres[value < 0]}"
    place = f"{angle(lat, 2, 'NS')},{angle(lon, 3, 'EW')}"
    time = f"{int(seconds) // 3600 % 24:02d}{int(seconds) // 60 % 60:02d}{seconds % 60:05.2f}"
    out = b""
    for body in (f"GPRMC,{time},A,{place},{knots:.1f},{course:.1f},291126,,,A", f"GPGGA,{time},{place},1,09,1.0,0.0,M,,M,,", f"GPGLL,{place},{time},A,A"):
        check = 0
        for c in body:
            check ^= ord(c)
        out += f"${body}*{check:02X}\r\n".encode()
    return out


def zones(lat):
    """Longitude zones of a latitude, DO-260B A.1.7.2.d."""
    if abs(lat) >= 87:
        return 1 if abs(lat) > 87 else 2
    return math.floor(2 * math.pi / math.acos(1 - (1 - math.cos(math.pi / 30)) / math.cos(math.radians(lat)) ** 2)) if lat else 59


def airborne(icao, lat, lon, feet, odd):
    """An extended squitter, DF17, with a position: even and odd ones in turn."""
    height = 360 / (60 - odd)
    y = math.floor(131072 * (lat % height) / height + 0.5)
    width = 360 / max(zones(height * (y / 131072 + math.floor(lat / height))) - odd, 1)
    x = math.floor(131072 * (lon % width) / width + 0.5)
    steps = round((feet + 1000) / 25)
    altitude = (steps >> 4) << 5 | 1 << 4 | steps & 15
    body = 0x8D << 80 | icao << 56 | 11 << 51 | altitude << 36 | odd << 34 | (y & 0x1FFFF) << 17 | x & 0x1FFFF
    rest = body << 24
    for bit in range(111, 23, -1):
        if rest >> bit & 1:
            rest ^= 0x1FFF409 << (bit - 24)
    return (body << 24 | rest).to_bytes(14, "big")


def mavlink_position(system, lat, lon, east=0.0, north=0.0, ms=1000):
    payload = struct.pack("<IiiiihhhH", ms, round(lat * 1e7), round(lon * 1e7), 50000, 20000, round(north * 100), round(east * 100), 0, 9000)
    frame = bytes([0xFE, len(payload), 0, system, 1, 33]) + payload
    crc = 0xFFFF
    for b in frame[1:] + bytes([104]):
        t = (b ^ crc) & 0xFF
        t = (t ^ (t << 4)) & 0xFF
        crc = ((crc >> 8) ^ (t << 8) ^ (t << 3) ^ (t >> 4)) & 0xFFFF
    return frame + struct.pack("<H", crc)
