#!/usr/bin/env python3
"""What stands in the slot and boot-state partitions (src/edge/firmware/boot_format.h), and the bundles that fill a slot.

usage: slot.py head IMAGE VERSION MINIMUM BOARD   the slot's first block, to standard output
       slot.py state                              the boot state of a new disk: slot 0 confirmed
       slot.py map IMAGE                          the disk image's block map
       slot.py bundle IMAGE VERSION MINIMUM BOARD KEY [NEVER_BEFORE]   a signed bundle
       slot.py public-key FILE                    a P-256 public key, in PEM and nothing else; any other file is refused
       slot.py own-public-key KEY                 the public half of a P-256 private key, which a bundle is signed with"""
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


MAKE = "`openssl ecparam -name prime256v1 -genkey -noout -out KEY.pem` makes one"
HALF = "`openssl pkey -in KEY.pem -pubout -out PUBLIC.pem` makes its public half"


def openssl(*words):
    done = subprocess.run(["openssl", "pkey", "-passin", "pass:", *words], capture_output=True, stdin=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None


def kind_of(key, *public):
    """In words, of a key that openssl reads; empty when it is on P-256."""
    text = (openssl(*public, "-in", key, "-noout", "-text_pub") or b"").decode(errors="replace")
    curve = text.split("ASN1 OID: ")[1].split()[0] if "ASN1 OID: " in text else ""
    return "" if curve == "prime256v1" else "an RSA key" if "Modulus" in text else f"a key on {curve}" if curve else f"a key of another kind ({(text or '?').split()[0]})"


def public_key(file):
    try:
        content = pathlib.Path(file).read_bytes()
    except OSError as error:
        sys.exit(f"--update-key {file}: {error.strerror}")
    if b"PRIVATE KEY" in content or openssl("-in", file, "-noout") is not None:
        sys.exit(f"--update-key {file} holds a private key, and anyone can read what an image holds. Give its public half: {HALF}. "
                 "If it ever was in an image, make a new pair.")
    if b"BEGIN CERTIFICATE" in content:
        sys.exit(f"--update-key {file} is a certificate: `openssl x509 -in {file} -pubkey -noout` gives its public key")
    key = openssl("-pubin", "-in", file, "-pubout")
    if key is None:
        sys.exit(f"--update-key {file} is no public key in PEM: {MAKE}, and {HALF}")
    if kind := kind_of(file, "-pubin"):
        sys.exit(f"--update-key {file} is {kind}; bundles are signed with ECDSA on P-256: {MAKE}, and {HALF}")
    return key


def own_public_key(key):
    half = openssl("-in", key, "-pubout")
    if half is None:
        sys.exit(f"--key {key} is no private key in PEM without a passphrase: {MAKE}")
    if kind := kind_of(key):
        sys.exit(f"--key {key} is {kind}; bundles are signed with ECDSA on P-256: {MAKE}")
    return half


def bundle(image, version, minimum, board, key, never_before=0):
    content = pathlib.Path(image).read_bytes()
    chunks = [hashlib.sha256(content[at:at + CHUNK]).hexdigest() for at in range(0, len(content), CHUNK)]
    manifest = (f"format 1\nboard {board}\nversion {version}\nminimum_version {minimum}\nbytes {len(content)}\n"
                f"crc32 {zlib.crc32(content)}\nsha256 {hashlib.sha256(content).hexdigest()}\n"
                + (f"never_before {never_before}\n" if int(never_before) else "") + "".join(f"chunk {c}\n" for c in chunks)).encode()
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


sys.stdout.buffer.write({"map": block_map, "head": head, "state": state, "bundle": bundle, "public-key": public_key, "own-public-key": own_public_key}[sys.argv[1]](*sys.argv[2:]))
