"""Output of instruments: AIS class B reports (ITU-R M.1371-5, message 18) and MAVLink 1 positions (GLOBAL_POSITION_INT)."""
import struct


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


def mavlink_position(system, lat, lon):
    payload = struct.pack("<IiiiihhhH", 1000, round(lat * 1e7), round(lon * 1e7), 50000, 20000, 0, 0, 0, 9000)
    frame = bytes([0xFE, len(payload), 0, system, 1, 33]) + payload
    crc = 0xFFFF
    for b in frame[1:] + bytes([104]):
        t = (b ^ crc) & 0xFF
        t = (t ^ (t << 4)) & 0xFF
        crc = ((crc >> 8) ^ (t << 8) ^ (t << 3) ^ (t >> 4)) & 0xFFFF
    return frame + struct.pack("<H", crc)
