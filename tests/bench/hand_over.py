"""Benchmark hand-over: from the selector's start of a slot to the first decision, beside a first process that only says
that it is up, on the same kernel, by turns. Under an emulator only the ratio says something.

usage: hand_over.py BOARD ROUNDS"""
import json, pathlib, statistics, subprocess, sys, tempfile, threading, time

sys.dont_write_bytecode = True
root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "hil"))
from rig.guest import ADDRESS, MACHINES, PORT, Guest
from rig.sentences import mavlink_position
from rig.wire import udp_frame

NOTHING = '#include <stdio.h>\n#include <unistd.h>\nint main(void) { puts("up"); fflush(stdout); for (;;) pause(); }\n'
board, rounds = sys.argv[1], int(sys.argv[2])
compiler = {"qemu-x86_64": "gcc", "qemu-aarch64": "aarch64-linux-gnu-gcc"}[board]


def seconds(image, folder, wanted, identity):
    """Time between two console lines. A thread sends the frames, because a port that nobody reads blocks its sender."""
    def send():
        while not over.wait(0.01):
            guest.frame(udp_frame(mavlink_position(identity, 59.6, 24.6), 14550))

    started, over = None, threading.Event()
    with Guest(board, image, folder, restarts=False) as guest:
        sender = threading.Thread(target=send)
        sender.start()
        end = time.monotonic() + 120
        try:
            while time.monotonic() < end:
                said, now = guest.said(), time.monotonic()
                if started is None and "starting slot" in said:
                    started = now
                if started and wanted in said.split("starting slot")[1]:
                    return now - started
                time.sleep(0.01)
        finally:
            over.set()
            sender.join()
    raise SystemExit(f"hand-over: {wanted} never came")


with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    (work / "nothing.c").write_text(NOTHING)
    subprocess.run([compiler, "-O2", "-static", "-o", work / "nothing", work / "nothing.c"], check=True)
    site = work / "site.toml"
    site.write_text((root / "hil/sites/post.toml").read_text().format(line=MACHINES[board]["line"], port=PORT, receiver="10.0.2.2:9")
                    .replace("tracks = 16384", "tracks = 1024"))
    for name, more in (("nothing", ["--first-process", work / "nothing"]), ("watch", [])):
        subprocess.run([root / "firmware/build-image", "--board", board, "--site", site, "--out", work / f"{name}.img", "--address", ADDRESS, *more],
                       check=True, stdout=subprocess.DEVNULL)
    nothing, watch = [], []
    for n in range(rounds):
        nothing.append(seconds(work / "nothing.img", work / "a", "up\n", 1 + n))
        watch.append(seconds(work / "watch.img", work / "b", '"kind":"assessment"', 1 + n))
    ratio = statistics.median(w / a for w, a in zip(watch, nothing))
    print(json.dumps({"bench": "hand-over", "metric": f"{board}-first-decision", "value": round(statistics.median(watch), 2), "unit": "s",
                      "floor": round(statistics.median(nothing), 2), "ratio": round(ratio, 3), "bar": 1.5, "holds": ratio <= 1.5}))
