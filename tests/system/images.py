"""Bootable images: reproducible builds, start under UEFI, power cuts, updates, rollbacks."""
import json, os, re, shutil, struct, subprocess, time, tomllib

from harness import root, work, recordings, decode, Skip, Receiver, release, long, other_build, call, class_b, mavlink_position

from rig.guest import ADDRESS, MACHINES, PORT, Guest, data_folder_of, data_partition_of, missing
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
deadline = "10 s"
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


def recorded():
    """Lines of a serial AIS receiver, MAVLink frames of a vehicle, and the identities with a position in them."""
    if not recordings.exists():
        return [], [], set()
    ais, telemetry = recordings / "ais/nais400-merrimac.log", (recordings / "mavlink/vtol.tlog").read_bytes()
    frames, at = [], 0
    while at + 10 <= len(telemetry) and len(frames) < 500:  # each after a time of eight bytes
        size = telemetry[at + 9] + 8
        frames.append(telemetry[at + 8:at + 8 + size])
        at += 8 + size
    who = {str(row["mmsi"]) for row in decode("ais", "ais/nais400-merrimac.log") if row.get("type") in (1, 2, 3, 18, 19) and "lat" in row and 200_000_000 <= row["mmsi"] < 800_000_000}  # ships, ITU-R M.585
    return ais.read_bytes().splitlines(keepends=True), frames, who | {str(f[3]) for f in frames if f[5] == 33}


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
        """Waits for an alert of each."""
        def meanwhile():
            guest.serial(class_b(mmsi, 59.5, 24.5))
            guest.frame(udp_frame(mavlink_position(drone, 59.6, 24.6), 14550))
        guest.wait('"source":"drone"')
        end = time.time() + 60
        while {str(mmsi), str(drone)} - {a["identity"] for a in alerts(receiver)}:
            assert time.time() < end, (guest.said()[-1500:], alerts(receiver))
            meanwhile()
            time.sleep(0.5)

    lines, frames, recorded_ones = recorded()
    guest = Guest(board, first, work / board, restarts=False)
    with guest:
        watch(guest, 211000001, 7)
        for n in range(max(len(lines), len(frames))):
            guest.serial(lines[n] if n < len(lines) else b"")
            if n < len(frames):
                guest.frame(udp_frame(frames[n], 14550))
            time.sleep(0.02)
        end = time.time() + 60
        while recorded_ones - {a["identity"] for a in alerts(receiver)}:
            assert time.time() < end, (recorded_ones - {a["identity"] for a in alerts(receiver)}, guest.said()[-1500:])
            time.sleep(0.2)
        doctor = {row["id"]: row["result"] for row in guest.answer("doctor --json")["checks"]}
        for wanted in ("preempt-rt", "isolated-cores", "nohz-full", "rt-throttling", "memlock", "rt-priority"):
            assert doctor[wanted] == "pass", (wanted, doctor)
        assert '"kind":"init"' not in guest.said(), guest.said()[-1500:]
        # The watch starts before the network; its messages wait instead of being lost.
        said = guest.said()
        assert said.index("network: not up yet") < said.index('"network":"up"'), said[-1500:]
        assert [s["failed"] for s in guest.answer("status --json")["sinks"]] == [0], guest.said()[-1500:]
    with guest:
        watch(guest, 211000002, 8)
    expected = ["211000001", "211000002", "7", "8", *recorded_ones]
    if board == "qemu-x86_64":  # Intel's card with Intel's driver, at the same address
        guest.card = "e1000e"
        with guest:
            watch(guest, 211000003, 9)
        expected += ["211000003", "9"]
    seen = alerts(receiver)
    receiver.close()
    # The same node after a restart: it repeats no alert and no key.
    assert sorted(a["identity"] for a in seen) == sorted(expected), seen
    assert len({a["key"] for a in seen}) == len(expected), seen
    call("replay", journal_of(first), "--verify")


@release
def an_image_boots_watches_and_survives_its_power_being_cut():
    watches_and_survives("qemu-x86_64")


@other_build
def an_arm_image_boots_watches_and_survives_its_power_being_cut():
    watches_and_survives("qemu-aarch64")


@other_build
def an_arm_image_is_started_and_updated_by_u_boot():
    board, u_boot = "qemu-aarch64", "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
    if missing(board) or not os.path.exists(u_boot):
        raise Skip("scripts/setup-firmware was not run")
    receiver = Receiver()
    key, public = new_key("u-boot")
    site = write_site(board, receiver.port)
    image, good, bad, tree = work / "u-boot.img", work / "carrier.efi", work / "panics.efi", work / "carrier.dtb"
    build("build-image", board, site, image, "--update-key", public)
    # A device tree that belongs to the version and names itself.
    machine = MACHINES[board]
    subprocess.run([machine["program"], *machine["start"], "-M", f"dumpdtb={tree}", "-m", "256", "-smp", "2", "-display", "none", "-bios", u_boot], check=True, capture_output=True)
    subprocess.run(["fdtput", "-t", "s", tree, "/", "model", "Carrier of our own"], check=True)
    build("build-slot", board, site, good, "--update-key", public, "--device-tree", tree, "--arguments", "loglevel=7")
    build("build-slot", board, site, bad, "--update-key", public, "--arguments", "rdinit=/none")
    bundles = [bundle(good, 2, 2, board, key, "carrier"), bundle(bad, 3, 0, board, key, "panics")]
    guest = Guest(board, image, work / "u-boot", sticks=bundles, firmware=(u_boot, None, []))
    with guest:
        guest.wait("Executing script")
        guest.wait('"source":"ais"')
        guest.serial(class_b(211000001, 59.5, 24.5))
        guest.say("update install /dev/vdb --starts 1")
        guest.say("restart", '"trial":"confirmed"', limit=180)
        assert "version 2, on trial" in guest.said() and "Machine model: Carrier of our own" in guest.said(), guest.said()[-3000:]
        guest.say("update install /dev/vdc --starts 1")
        guest.say("restart", "starting slot 1, version 2\n", limit=180)
        before = len(guest.said())
        guest.wait('"source":"ais"', after=before)
        now = guest.answer("status --json")["firmware"]
        assert now["running_version"] == 2 and now["last_trial_version"] == 3 and now["last_trial"] == "not-confirmed", now
    assert [a["identity"] for a in alerts(receiver)] == ["211000001"]
    receiver.close()


@other_build
def an_arm_image_of_every_board_fits_its_device_tree():
    if missing("qemu-aarch64"):
        raise Skip(missing("qemu-aarch64"))
    site = write_site("qemu-aarch64", 9)
    boards = {path.stem: tomllib.loads(path.read_text()) for path in sorted((root / "boards").glob("*.toml"))}
    by_u_boot = {name: board for name, board in boards.items() if board["boot"]["method"]["is"] == "u-boot"}
    assert len(by_u_boot) >= 5, boards
    slot, image = work / "board.efi", work / "board.img"
    for name, board in by_u_boot.items():
        build("build-slot", name, site, slot)
        kernel = next((root / "build/firmware/kernel-arm64/usr/lib").glob("linux-image-*"))
        tree = kernel / (board["boot"]["device_tree"]["is"] + ".dtb")
        content = slot.read_bytes()
        at = content.find(b".dtb\0\0\0\0")
        size, begin = struct.unpack("<I8xI", content[at + 8:at + 24])
        assert content[begin:begin + size].startswith(tree.read_bytes()), name
        # Each loaded driver finds its device in this tree.
        text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", tree], capture_output=True, text=True, check=True).stdout
        modules = root / "build/firmware/kernel-arm64/lib/modules" / kernel.name.removeprefix("linux-image-")
        aliases = (modules / "modules.alias").read_text()
        for module in board["boot"]["modules"]["is"]:
            binds = re.findall(rf"^alias of:N\*T\*C(\S+?)(?:C\*)? {module}$", aliases, re.M)
            by_driver = module == "xhci_plat_hcd" and "dwc3" in board["boot"]["modules"]["is"]  # which creates its device
            assert not binds or by_driver or any(f'"{b}' in text or f"\\0{b}" in text for b in binds), (name, module)
    extra = work / "boot-files"
    extra.mkdir()
    (extra / "config.txt").write_text("arm_64bit=1\n")
    build("build-image", "raspberrypi-cm4", site, image, "--boot-files", extra)
    listed = subprocess.run(["mdir", "-b", "-/", "-i", f"{image}@@1M", "::"], capture_output=True, text=True, check=True).stdout.split()
    assert {"::/boot.scr", "::/config.txt", "::/EFI/BOOT/BOOTAA64.EFI"} <= set(listed), listed
    refused = subprocess.run([root / "firmware/build-slot", "--board", "pcengines-apu2", "--site", site, "--out", slot], capture_output=True, text=True)
    assert refused.returncode == 69 and "UEFI and U-Boot" in refused.stderr, refused


@long
def an_image_for_any_pc_watches_from_nvme():
    if missing("qemu-x86_64"):
        raise Skip(missing("qemu-x86_64"))
    site, image = work / "pc.toml", work / "pc.img"
    text = SITE.format(line=MACHINES["qemu-x86_64"]["line"], port=PORT, receiver=9)
    site.write_text(re.sub(r"\[source.drone\].*?\n(?=\[assess)", "", text, flags=re.S))
    build("build-image", "generic-x86_64", site, image, "--arguments", "no_timer_check")  # needed under a busy host's emulator
    with Guest("qemu-x86_64", image, work / "pc", storage="nvme,serial=1", cores=4) as guest:
        guest.wait('"source":"ais"')
        guest.serial(class_b(211000001, 59.5, 24.5))
        guest.wait('"identity":"211000001"')
        assert 'records stay in memory' not in guest.said(), guest.said()[-1500:]


@long
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
    # A chunk is damaged half way: the running slot is intact, and the idle one is empty.
    assert install(flip, ok=(65,)) == "damaged"
    state = json.loads(call("update", "status", "--disk", image, "--json").stdout)["data"]
    assert state["confirmed_version"] == 3 and not state["on_trial"], state
    started = install(good)
    assert started["on_trial"] and started["last_trial_version"] == 5 and started["starts_left"] == 2, started
    assert install(good, ok=(75,)) == "trial-under-way"
    call("update", "confirm", "--disk", image, ok=(75,))  # it has not run
    back = json.loads(call("update", "rollback", "--disk", image, "--json").stdout)["data"]
    assert back["confirmed_version"] == 3 and back["last_trial"] == "withdrawn", back


@long
def secure_boot_starts_what_is_signed_and_nothing_else():
    board, ovmf = "qemu-x86_64", "/usr/share/OVMF"
    if missing(board):
        raise Skip(missing(board))
    # Debian's firmware with its own key enrolled, whose private half is public: for tests only.
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
    # A signed selector starts no unsigned slot.
    shutil.copyfile(signed, half)
    slots = (1 + 8 + 1) * (1 << 20)
    with open(bare, "rb") as unsigned, open(half, "r+b") as disk:
        unsigned.seek(slots)
        disk.seek(slots)
        disk.write(unsigned.read(64 << 20))
    with Guest(board, half, work / "secure", firmware=firmware) as guest:
        guest.wait("the firmware refuses slot 0", limit=120)
        assert "vedette: starting" not in guest.said()
