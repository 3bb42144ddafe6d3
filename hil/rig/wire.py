"""Ethernet frames with IPv4 and UDP in them (RFC 791, RFC 768)."""
import struct


def checksum(data):
    total = sum(struct.unpack(f">{len(data + bytes(len(data) % 2)) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_frame(payload, port, source="10.9.0.1", target="10.9.0.2"):
    ends = bytes(map(int, source.split("."))) + bytes(map(int, target.split(".")))
    length = 8 + len(payload)
    udp = struct.pack(">HHHH", 40000, port, length, 0)
    udp = udp[:6] + struct.pack(">H", checksum(ends + struct.pack(">BBH", 0, 17, length) + udp + payload) or 0xFFFF) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 17, 0) + ends
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return b"\xff" * 6 + b"\x02\0\0\0\0\x01\x08\0" + ip + udp
