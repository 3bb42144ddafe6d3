"""Power cuts, from the record of all that a guest wrote while it watched and was updated: whatever a cut leaves boots,
its journal verifies, and what was told was on the disk before. VEDETTE_CUTS: how many states."""
import json, os, random, re, shutil, struct, subprocess, time, zlib


from harness import amount, work, Skip, Receiver, other_build, release, long, vedette, class_b
from images import alerts, build, bundle, journal_of, new_key, write_site
from rig import write_log
from rig.guest import Guest, missing

MIB = 1 << 20
STATE, SLOTS = 9 * MIB, (10 * MIB, 74 * MIB)


def whole(disk, offset, magic, size):
    disk.seek(offset)
    head = disk.read(size)
    return head if head[:8] == magic and zlib.crc32(head[:-4]) == struct.unpack("<I", head[-4:])[0] else None


# What the selector would do: the slot that it starts, or why none.
def boots(image):
    with open(image, "rb") as disk:
        copies = [c for c in (whole(disk, STATE + n * 4096, b"VDTBOOT1", 128) for n in range(2)) if c]
        if not copies:
            return "no boot state is whole"
        confirmed = max(struct.unpack_from("<QIII", c, 8) for c in copies)[1]
        head = whole(disk, SLOTS[confirmed], b"VDTSLOT1", 128)
        if head is None:
            return f"the confirmed slot {confirmed} is empty"
        size, crc = struct.unpack_from("<Q", head, 16)[0], struct.unpack_from("<I", head, 32)[0]
        disk.seek(SLOTS[confirmed] + 4096)
        return "" if zlib.crc32(disk.read(size)) == crc else f"the confirmed slot {confirmed} is not whole"


# What is wrong with a disk after a cut; `told`: events reported before it.
def trouble(image, told):
    problem = boots(image)
    if problem:
        return problem
    try:
        data = journal_of(image)
    except StopIteration:
        return "nothing is kept" if told else ""
    done = subprocess.run([vedette, "replay", data, "--verify", "--json"], capture_output=True, text=True)
    if not told and "no journal in this folder" in done.stdout:
        return ""  # cut before the first one began
    if done.returncode != 0 and "torn" not in done.stdout:
        return f"the journal: {done.stdout[-300:]}"
    listed = subprocess.run([vedette, "journal", data], capture_output=True, text=True).stdout
    kept = set(re.findall(r'"event":"(\d+)","kind":"action"', listed))
    # The journal drops old segments at its bound, so ignore earlier events.
    first = min(map(int, re.findall(r'"event":"(\d+)","kind"', listed)), default=0)
    told = {event for event in told if int(event) >= first}
    shutil.rmtree(data.parents[1])
    return f"told and not kept: {sorted(told - kept)}" if told - kept else ""


@long
def whatever_a_power_cut_leaves_boots_and_has_what_was_told():
    board = "qemu-x86_64"
    if missing(board):
        raise Skip(missing(board))
    receiver = Receiver()
    key, public = new_key("cuts")
    site = write_site(board, receiver.port)
    image, base, log = work / "cuts.img", work / "cuts-base.img", work / "cuts.log"
    build("build-image", board, site, image, "--update-key", public)
    slot = work / "cuts.efi"
    build("build-slot", board, site, slot, "--version", 2, "--update-key", public)
    stick = bundle(slot, 2, 0, board, key, "cuts")
    shutil.copyfile(image, base)
    told = []  # (event, length of the log at its arrival)
    guest = Guest(board, image, work / "cutting", sticks=[stick], drive=write_log.drive(image, log))
    with guest:
        guest.wait('"source":"ais"')
        seen = 0

        def ships(count):
            nonlocal seen
            for _ in range(count):
                guest.serial(class_b(220000000 + len(told) + seen, 59.5, 24.5))
                seen += 1
                time.sleep(0.1)
                size = os.path.getsize(log)
                for alert in alerts(receiver)[len(told):]:
                    told.append((alert["event"], size))

        ships(20)
        guest.process.stdin.write(b"update install /dev/vdb --starts 1\n")
        guest.process.stdin.flush()
        while "the next start tries it" not in guest.said():
            ships(2)
        ships(10)
        guest.say("restart", '"trial":"confirmed"', limit=120)
        ships(10)
    receiver.close()
    logged = write_log.entries(log)
    chance = random.Random(7)
    states = int(os.environ.get("VEDETTE_CUTS", amount(0, 15, 200)))
    target = work / "cut.img"
    assert len(told) >= 20 and len(logged) > 200, (len(told), len(logged))
    for n in range(states):
        cut = chance.randrange(len(logged) + 1)
        written = logged[cut - 1][4] if cut else 0
        write_log.disk_after_cut(base, log, logged, cut, chance, target)
        problem = trouble(target, {event for event, size in told if size <= written})
        assert not problem, f"state {n}, cut after {cut} of {len(logged)}: {problem}"
    # With flushes ignored this test must fail, or it would find nothing.
    found = 0
    for n in range(max(10, states // 20)):
        cut = chance.randrange(len(logged) // 2, len(logged) + 1)
        written = logged[cut - 1][4]
        write_log.disk_after_cut(base, log, logged, cut, chance, target, heeds_flushes=False)
        found += 1 if trouble(target, {event for event, size in told if size <= written}) else 0
    print(f"  {states} cuts of {len(logged)} writes and flushes, {len(told)} told events: none bad; with flushes ignored {found} bad")
    assert found > 0, "ignored flushes were not found"


# The machine is killed repeatedly, watching or while installing, and must come up each time.
def survives_kills(board, kills):
    if missing(board):
        raise Skip(missing(board))
    receiver = Receiver()
    key, public = new_key("kills")
    site = write_site(board, receiver.port)
    image, slot = work / "kills.img", work / "kills.efi"
    build("build-image", board, site, image, "--update-key", public)
    build("build-slot", board, site, slot, "--version", 2, "--update-key", public)
    guest = Guest(board, image, work / f"killing-{board}", sticks=[bundle(slot, 2, 0, board, key, "kills")])
    chance = random.Random(11)
    for kill in range(kills + 1):
        with guest:
            guest.wait('"source":"ais"', limit=180)
            if (kills - kill) % 2:  # images.py also kills one that only watches
                guest.process.stdin.write(b"update install /dev/vdb\n")
                guest.process.stdin.flush()
            end = time.time() + chance.uniform(0.5, 4.0)
            while time.time() < end:
                guest.serial(class_b(230000000 + chance.randrange(10**6), 59.5, 24.5))
                time.sleep(0.1)
    seen = alerts(receiver)
    receiver.close()
    keys = [a["key"] for a in seen]
    assert len(keys) > 5 and len(set(keys)) == len(keys), "an action came twice"
    problem = trouble(image, {a["event"] for a in seen})
    assert not problem, problem
    print(f"  {kills} kills, {len(keys)} alerts")


@long
def an_image_survives_being_killed_again_and_again():
    survives_kills("qemu-x86_64", int(os.environ.get("VEDETTE_KILLS", amount(0, 1, 20))))


@other_build
def an_arm_image_survives_being_killed_again_and_again():
    survives_kills("qemu-aarch64", int(os.environ.get("VEDETTE_KILLS", amount(1, 1, 10))))
