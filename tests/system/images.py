"""Images that boot: built twice with the same bytes, started under UEFI, cut off, updated, rolled back."""
import json, os, shutil, subprocess, time

from harness import root, work, Skip, Receiver, release, other_build, call, class_b, mavlink_position

from rig.guest import ADDRESS, MACHINES, PORT, Guest, data_folder_of, missing
from rig.wire import udp_frame

SITE = """site = "post"
[limits]
trial = "2 s"
trial_within = "15 s"
journal = "32 MiB"
segment = "4 MiB"
image = "8 MiB"
[source.ais]
driver = "serial"
device = "{line}"
baud = 38400
codec = "ais"
[source.drone]
driver = "dpdk"
port = "{port}"
udp_port = 14550
codec = "mavlink"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.tell]
on = "seen"
run = "tell"
[action.tell]
sink = "out"
durable = "before"
[sink.out]
driver = "udp"
to = "10.0.2.2:{receiver}"
"""


def write_site(board, receiver, name="post"):
    site = work / f"{name}.toml"
    site.write_text(SITE.format(line=MACHINES[board]["line"], port=PORT, receiver=receiver))
    return site


def build(tool, board, site, target, *more):
    done = subprocess.run([root / "firmware" / tool, "--board", board, "--site", site, "--out", target, "--address", ADDRESS, *map(str, more)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


def bundle(slot, version, minimum, board, key, name):
    target = work / f"{name}.bundle"
    made = subprocess.run([root / "firmware/slot.py", "bundle", slot, str(version), str(minimum), board, key], capture_output=True, check=True)
    target.write_bytes(made.stdout)
    return target


def new_key(name):
    private, public = work / f"{name}.pem", work / f"{name}-public.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", private], check=True)
    subprocess.run(["openssl", "ec", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    return private, public


def journal_of(image):
    return data_folder_of(image, work)


def alerts(receiver):
    return [json.loads(text) for text in list(receiver.got)]


def watches_and_survives(board):
    if missing(board):
        raise Skip(missing(board))
    receiver = Receiver()
    site = write_site(board, receiver.port)
    first, second = work / f"{board}.img", work / "second.img"
    build("build-image", board, site, first)
    build("build-image", board, site, second)
    assert subprocess.run(["cmp", first, second]).returncode == 0, "two builds differ"
    assert os.path.getsize(f"{first}.zst") < 60 << 20
    second.unlink()

    def watch(guest, mmsi, drone):
        """Until an alert of each has arrived here."""
        def meanwhile():
            guest.serial(class_b(mmsi, 59.5, 24.5))
            guest.frame(udp_frame(mavlink_position(drone, 59.6, 24.6), 14550))
        guest.wait('"source":"drone"')
        end = time.time() + 60
        while {str(mmsi), str(drone)} - {a["identity"] for a in alerts(receiver)}:
            assert time.time() < end, (guest.said()[-1500:], alerts(receiver))
            meanwhile()
            time.sleep(0.5)

    guest = Guest(board, first, work / board, restarts=False)
    with guest:
        watch(guest, 211000001, 7)
        doctor = {row["id"]: row["result"] for row in json.loads(guest.say("doctor --json").split("\n", 1)[1].split("\n")[0])["data"]["checks"]}
        for wanted in ("preempt-rt", "isolated-cores", "nohz-full", "rt-throttling", "memlock", "rt-priority"):
            assert doctor[wanted] == "pass", (wanted, doctor)
        assert '"kind":"init"' not in guest.said(), guest.said()[-1500:]
    with guest:
        watch(guest, 211000002, 8)
    expected = ["211000001", "211000002", "7", "8"]
    if board == "qemu-x86_64":  # Intel's card, by Intel's driver, in the same place
        guest.card = "e1000e"
        with guest:
            watch(guest, 211000003, 9)
        expected += ["211000003", "9"]
    seen = alerts(receiver)
    receiver.close()
    # It is the same node, a life later: what was known is not told again, and no key is used twice.
    assert sorted(a["identity"] for a in seen) == sorted(expected), seen
    assert len({a["key"] for a in seen}) == len(expected), seen
    call("replay", journal_of(first), "--verify")


@release
def an_image_boots_watches_and_survives_its_power_being_cut():
    watches_and_survives("qemu-x86_64")


@other_build
def an_arm_image_boots_watches_and_survives_its_power_being_cut():
    watches_and_survives("qemu-aarch64")


@release
def damaged_bundles_are_refused_by_name():
    if missing("qemu-x86_64"):
        raise Skip(missing("qemu-x86_64"))
    site = write_site("qemu-x86_64", 9)
    key, public = new_key("maker")
    stranger, _ = new_key("stranger")
    image, good = work / "slots.img", work / "good.bundle"
    build("build-image", "qemu-x86_64", site, image, "--version", 3)
    build("build-bundle", "qemu-x86_64", site, good, "--version", 5, "--minimum", 4, "--key", key)
    board = work / "board"
    board.write_text("qemu-x86_64\n")

    def install(bundle, disk=image, ok=(0,), key=public, board=board):
        done = call("update", "install", bundle, "--disk", disk, "--key", key, "--board", board, "--json", ok=ok)
        answer = json.loads(done.stdout)
        return answer["data"] if answer["ok"] else answer["error"]["code"]

    def changed(name, at, change):
        target = work / name
        data = bytearray(good.read_bytes())
        change(data, at)
        target.write_bytes(data)
        return target

    before = image.read_bytes()
    flip = changed("flip.bundle", 5_000_000, lambda d, at: d.__setitem__(at, d[at] ^ 4))
    manifest = changed("manifest.bundle", 30, lambda d, at: d.__setitem__(at, d[at] ^ 1))
    cut = changed("cut.bundle", 6_000_000, lambda d, at: d.__delitem__(slice(at, None)))
    assert install(cut, ok=(65,)) == "truncated"
    assert install(manifest, ok=(77,)) == "bad-signature"
    slot = work / "slot.efi"
    build("build-slot", "qemu-x86_64", site, slot, "--version", 5)
    foreign = bundle(slot, 5, 0, "qemu-x86_64", stranger, "foreign")
    assert install(foreign, ok=(77,)) == "bad-signature"
    other = work / "other"
    other.write_text("pcengines-apu2\n")
    assert install(good, board=other, ok=(77,)) == "wrong-board"
    assert install(site, ok=(65,)) in ("not-a-bundle", "truncated")
    assert install(work / "nothing.bundle", ok=(74,)) == "unreadable"
    assert install(good, key=site, ok=(77,)) == "no-key"
    assert image.read_bytes() == before, "a refused bundle changed the disk"
    # A chunk is damaged half way: the slot that runs is as it was, and the idle one is empty.
    assert install(flip, ok=(65,)) == "damaged"
    state = json.loads(call("update", "status", "--disk", image, "--json").stdout)["data"]
    assert state["confirmed_version"] == 3 and not state["on_trial"], state
    started = install(good)
    assert started["on_trial"] and started["last_trial_version"] == 5 and started["starts_left"] == 2, started
    assert install(good, ok=(75,)) == "trial-under-way"
    call("update", "confirm", "--disk", image, ok=(75,))  # it has not run
    back = json.loads(call("update", "rollback", "--disk", image, "--json").stdout)["data"]
    assert back["confirmed_version"] == 3 and back["last_trial"] == "withdrawn", back


@release
def an_update_confirms_itself_and_bad_ones_are_rolled_back():
    board = "qemu-x86_64"
    if missing(board):
        raise Skip(missing(board))
    key, public = new_key("update")
    site = write_site(board, 9)
    image = work / "update.img"
    build("build-image", board, site, image, "--update-key", public)
    silent = work / "silent.toml"
    silent.write_text(site.read_text().replace(MACHINES[board]["line"], "/dev/ttyS7"))
    slots = {"": work / "slot.efi", "never-starts": work / "panics.efi", "hangs": work / "hangs.efi", "unhealthy": work / "silent.efi"}
    build("build-slot", board, site, slots[""], "--update-key", public)
    build("build-slot", board, site, slots["never-starts"], "--arguments", "rdinit=/none")
    build("build-slot", board, site, slots["hangs"], "--arguments", "VEDETTE_FAULT=hang")
    build("build-slot", board, silent, slots["unhealthy"])
    bundles = {}
    for name, version, minimum in (("good", 2, 2), ("old", 1, 0), ("never-starts", 3, 0), ("hangs", 4, 0), ("unhealthy", 5, 0), ("damaged", 6, 0)):
        bundles[name] = bundle(slots.get(name, slots[""]), version, minimum, board, key, name)
    device = {name: f"/dev/vd{chr(98 + n)}" for n, name in enumerate(bundles)}
    guest = Guest(board, image, work / "updating", sticks=bundles.values())
    with guest:
        guest.wait('"source":"ais"')

        def install_and_restart(name, wanted):
            said = guest.say(f"update install {device[name]} --starts 1")
            assert "the next start tries it" in said, said
            before = len(guest.said())
            guest.say("restart", wanted, limit=180)
            if wanted.startswith("starting"):
                guest.wait('"source":"ais"', after=before + guest.said(before).rindex(wanted), limit=60)
            return json.loads(guest.say("status --json").split("\n", 1)[1].split("\n")[0])["data"]["firmware"]

        now = install_and_restart("good", '"trial":"confirmed"')
        assert now["running_version"] == now["confirmed_version"] == now["minimum_version"] == 2 and now["last_trial"] == "confirmed", now
        assert "too-old" in guest.say(f"update install {device['old']}")
        for name, version, ending, why in (("never-starts", 3, "not-confirmed", ""), ("hangs", 4, "not-confirmed", ""),
                                           ("unhealthy", 5, "unhealthy", "source ais is down")):
            now = install_and_restart(name, "starting slot 1, version 2\n")
            assert now["running_version"] == 2 and now["last_trial_version"] == version, (name, now)
            assert now["last_trial"] == ending and now["why"] == why, (name, now)
    # What was written into the slot decays before it is started.
    named = work / "named"
    named.write_text(board)
    call("update", "install", bundles["damaged"], "--disk", image, "--key", public, "--board", named)
    with open(image, "r+b") as disk:
        disk.seek((1 + 8 + 1) * (1 << 20) + 9_000_000)
        disk.write(b"decayed")
    with guest:
        guest.wait('"source":"ais"')
        assert "nothing whole in slot 0" in guest.said(), guest.said()[-1500:]
        now = json.loads(guest.say("update status --json").split("\n", 1)[1].split("\n")[0])["data"]
        assert now["running_version"] == 2 and now["last_trial"] == "damaged", now


@release
def secure_boot_starts_what_is_signed_and_nothing_else():
    board, ovmf = "qemu-x86_64", "/usr/share/OVMF"
    if missing(board):
        raise Skip(missing(board))
    # Debian's firmware with a key of its own enrolled, of which both halves are public: for tests only.
    private, certificate = work / "secure.pem", f"{ovmf}/../ovmf/PkKek-1-snakeoil.pem"
    subprocess.run(["openssl", "rsa", "-in", f"{ovmf}/../ovmf/PkKek-1-snakeoil.key", "-passin", "pass:snakeoil", "-out", private], check=True, capture_output=True)
    firmware = (f"{ovmf}/OVMF_CODE_4M.secboot.fd", f"{ovmf}/OVMF_VARS_4M.snakeoil.fd",
                ["-M", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"])
    receiver = Receiver()
    site = write_site(board, receiver.port)
    signed, bare, half = work / "signed.img", work / "bare.img", work / "half.img"
    build("build-image", board, site, signed, "--secure-boot", f"{private},{certificate}")
    build("build-image", board, site, bare)
    with Guest(board, signed, work / "secure", firmware=firmware) as guest:
        guest.wait('"source":"drone"', limit=180)
        end = time.time() + 60
        while not any(a["identity"] == "9" for a in alerts(receiver)):
            assert time.time() < end, guest.said()[-1500:]
            guest.frame(udp_frame(mavlink_position(9, 59.6, 24.6), 14550))
            time.sleep(0.5)
    receiver.close()
    with Guest(board, bare, work / "secure", firmware=firmware) as guest:
        guest.wait("Access Denied", limit=120)
        assert "vedette: starting" not in guest.said()
    # A selector that is signed starts no slot that is not.
    shutil.copyfile(signed, half)
    slots = (1 + 8 + 1) * (1 << 20)
    with open(bare, "rb") as unsigned, open(half, "r+b") as disk:
        unsigned.seek(slots)
        disk.seek(slots)
        disk.write(unsigned.read(64 << 20))
    with Guest(board, half, work / "secure", firmware=firmware) as guest:
        guest.wait("the firmware refuses slot 0", limit=120)
        assert "vedette: starting" not in guest.said()
