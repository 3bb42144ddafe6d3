#!/usr/bin/env python3
"""What stands in the slot and boot-state partitions (src/firmware/boot_format.h), and the bundles that fill a slot.

usage: slot.py head IMAGE VERSION MINIMUM BOARD   the slot's first block, to standard output
       slot.py state                              the boot state of a new disk: slot 0 confirmed
       slot.py map IMAGE                          the disk image's block map
       slot.py bundle IMAGE VERSION MINIMUM BOARD KEY   a signed bundle"""
import hashlib, pathlib, struct, subprocess, sys, tempfile, zlib

BLOCK, CHUNK, NO_SLOT = 4096, 1 << 20, 0xFFFFFFFF


def closed(fields):
    return fields + struct.pack("<I", zlib.crc32(fields))


def head(image, version, minimum, board):
    content = pathlib.Path(image).read_bytes()
    fields = struct.pack("<8sQQQII32s32s20x", b"VDTSLOT1", int(version), len(content), int(minimum), zlib.crc32(content), 0,
                         hashlib.sha256(content).digest(), board.encode())
    return closed(fields).ljust(BLOCK, b"\0")


def state():
    copy = closed(struct.pack("<8sQIIIIIIQQ64sI", b"VDTBOOT1", 2, 0, NO_SLOT, 0, NO_SLOT, 0, 0, 0, 0, b"", 0)).ljust(BLOCK, b"\0")
    return copy + bytes(BLOCK)


def bundle(image, version, minimum, board, key):
    content = pathlib.Path(image).read_bytes()
    chunks = [hashlib.sha256(content[at:at + CHUNK]).hexdigest() for at in range(0, len(content), CHUNK)]
    manifest = (f"format 1\nboard {board}\nversion {version}\nminimum_version {minimum}\nbytes {len(content)}\n"
                f"crc32 {zlib.crc32(content)}\nsha256 {hashlib.sha256(content).hexdigest()}\n"
                + "".join(f"chunk {c}\n" for c in chunks)).encode()
    with tempfile.NamedTemporaryFile() as text:
        text.write(manifest)
        text.flush()
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, text.name], check=True, capture_output=True).stdout
    front = struct.pack("<8sII", b"VDTUPDT1", len(manifest), len(signature)) + manifest + signature
    return front + bytes(-len(front) % BLOCK) + content


def block_map(image):
    lines = [f"bytes {pathlib.Path(image).stat().st_size}\n"]
    with open(image, "rb") as content:
        for index, chunk in enumerate(iter(lambda: content.read(CHUNK), b"")):
            if index == 0 or any(chunk):
                lines.append(f"{index} {hashlib.sha256(chunk).hexdigest()}\n")
    return "".join(lines).encode()


sys.stdout.buffer.write({"map": block_map, "head": head, "state": state, "bundle": bundle}[sys.argv[1]](*sys.argv[2:]))
