"""Runs a scenario on a target and judges the result."""
import json, socket, statistics, subprocess, threading, time

from . import targets
from .stimuli import timeline

SETTLE_S = 1.5
FLOOR_PROBES = 200


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def floor():
    """The rig's own latency: from a send to the receiving thread's time-stamp, over loopback, in ms."""
    receiver = targets.Receiver()
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    took = []
    for _ in range(FLOOR_PROBES):
        sent, before = time.monotonic_ns(), len(receiver.got)
        sender.sendto(b"{}", ("127.0.0.1", receiver.port))
        while len(receiver.got) == before and time.monotonic_ns() - sent < 10**8:
            time.sleep(0.0002)
        if len(receiver.got) > before:
            took.append((receiver.got[-1][0] - sent) / 1e6)
    sender.close()
    receiver.close()
    return {"p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99), "probes": len(took)}


def counter(status, path):
    at = status
    for part in path.split("."):
        if isinstance(at, list):
            at = next((entry for entry in at if entry.get("name") == part), {})
        else:
            at = at.get(part, 0 if isinstance(at, dict) else None)
    return at


class Run:
    def __init__(self, scenario, target, sent=None):
        self.scenario, self.target = scenario, target
        planned, self.others = timeline(scenario["stimuli"])
        self.planned = sent if sent is not None else planned
        self.sent, self.not_here, self.status = [], [], None

    def do(self, s):
        try:
            if s["kind"] == "unplug":
                self.target.unplug(s["seconds"])
            elif s["kind"] == "power-cut":
                self.target.cut_power(s["seconds"])
            elif s["kind"] == "clock-step":
                self.target.step_clock(s["to"])
            elif s["kind"] == "fill-disk":
                self.target.fill_disk(s["leave_kib"])
            elif s["kind"] == "free-disk":
                self.target.free_disk()
            else:
                self.target.press(s["kind"], s)
        except targets.NotHere as why:
            self.not_here.append(f"{s['kind']}: {why}")
        except Exception as problem:  # the run continues and fails with it
            self.not_here.append(f"{s['kind']} failed: {problem}")

    def execute(self):
        self.floor_before = floor()
        self.target.start()
        begin, threads = time.monotonic(), []
        steps = sorted([(entry[0], 1, entry) for entry in self.planned] + [(s["at"], 0, s) for s in self.others], key=lambda step: step[:2])
        for at, _, step in steps:
            time.sleep(max(0.0, begin + at - time.monotonic()))
            if isinstance(step, dict) and step["kind"] in ("power-cut", "clock-step"):
                off = time.monotonic()
                self.do(step)  # the timeline pauses until the machine is up again
                begin += time.monotonic() - off
            elif isinstance(step, dict):
                threads.append(threading.Thread(target=self.do, args=(step,)))
                threads[-1].start()
            else:
                _, channel, data, label, identity = step
                self.sent.append((time.monotonic_ns(), at, channel, data, label, identity))
                self.target.send(channel, data)
        for thread in threads:
            thread.join()
        time.sleep(max(0.0, begin + self.scenario["seconds"] - time.monotonic()) + SETTLE_S)
        self.status = self.target.stop()
        self.alerts = self.target.alerts()
        self.floor_after = floor()
        return self

    def latencies(self, label):
        """ms from the first report of an identity to its first alert; None without an alert."""
        told = {}
        for at, alert in self.alerts:
            if alert["action"] == "tell":
                told.setdefault(alert["identity"], at)
        first = {}
        for at, _, _, _, kind, identity in self.sent:
            if kind == label and identity is not None:
                first.setdefault(str(identity), at)
        return {who: (told[who] - at) / 1e6 if who in told else None for who, at in first.items()}

    def judge(self):
        verdicts = []

        def verdict(e, holds, seen, wanted, timing=False):
            verdicts.append({"kind": e["kind"], "of": e.get("of", ""), "seen": seen, "wanted": wanted,
                             "verdict": "not evaluated" if timing and self.target.emulated else "pass" if holds else "fail"})

        for e in self.scenario["expectations"]:
            if e["needs"] and any(n.startswith(f"{e['needs']}: ") for n in self.not_here):
                verdicts.append({"kind": e["kind"], "of": e.get("of", ""), "seen": f"{e['needs']} was left out", "wanted": "", "verdict": "not evaluated"})
            elif e["kind"] == "told":
                took = self.latencies(e["of"])
                came = [ms for ms in took.values() if ms is not None]
                share = len(came) / len(took) if took else 0.0
                verdict(e, took and share >= e["share"], f"{len(came)} of {len(took)}", f"at least {e['share']:.0%}")
                for key, value in (("within_ms", max(came, default=0.0)), ("median_ms", percentile(came, 0.5))):
                    if e[key]:
                        verdict(e, value <= e[key], f"{value:.2f} ms {'at most' if key == 'within_ms' else 'median'}", f"{e[key]} ms", timing=True)
            elif e["kind"] == "not-told":
                names = set(self.latencies(e["of"])) if e["of"] != "malformed" else None
                known = {str(i) for *_, i in self.sent if i is not None}
                wrong = [a["identity"] for _, a in self.alerts if (a["identity"] in names if names is not None else a["identity"] not in known)]
                verdict(e, not wrong, f"{len(wrong)} alerts {wrong[:3]}", "none")
            elif e["kind"] == "warned":
                names = {str(i) for *_, label, i in self.sent if label == e["of"]}
                came = names & {a["identity"] for _, a in self.alerts if a["action"] == "warn"}
                verdict(e, names and len(came) / len(names) >= e["share"], f"{len(came)} of {len(names)}", f"at least {e['share']:.0%}")
            elif e["kind"] == "judged":
                began = min((at for at, _, _, _, label, _ in self.sent if label == e["after"]), default=None)
                came = [at for at, a in self.alerts if a["assessment"] == e["of"] and a["transition"] == "raised" and e["identity"] in ("", a["identity"])]
                took = (min(came) - began) / 1e6 if came and began else None
                verdict(e, took is not None and 0 <= took, "no alert" if took is None else f"after {took:.0f} ms", f"after the first {e['after']}")
                if took is not None:
                    verdict(e, took <= e["within_ms"], f"{took:.0f} ms", f"{e['within_ms']:.0f} ms at most", timing=True)
            elif e["kind"] == "not-judged":
                came = [a for _, a in self.alerts if a["assessment"] == e["of"] and a["transition"] == e["transition"]]
                verdict(e, not came, f"{len(came)} {e['transition']}", "none")
            elif e["kind"] == "once":
                keys = [a["key"] for _, a in self.alerts]
                verdict(e, len(keys) == len(set(keys)), f"{len(keys) - len(set(keys))} keys twice", "no key twice")
            elif e["kind"] == "counter":
                seen = counter(self.status or {}, e["path"])
                wanted = str(e["least"]) + (" or more" if e["most"] == 1 << 62 else f" to {e['most']}")
                verdict(e | {"of": e["path"]}, isinstance(seen, (int, float)) and e["least"] <= seen <= e["most"], str(seen), wanted)
            elif e["kind"] == "says":
                seen = str(counter(self.status or {}, e["path"]))
                verdict(e | {"of": e["path"]}, e["text"] in seen, seen, e["text"])
            elif e["kind"] == "verifies":
                try:
                    folder = self.target.data_folder()
                except targets.NotHere as why:
                    verdicts.append({"kind": e["kind"], "of": "", "seen": str(why), "wanted": "", "verdict": "not evaluated"})
                    continue
                done = subprocess.run([self.target.vedette, "replay", folder, "--verify"], capture_output=True, text=True)
                verdict(e, done.returncode == 0, (done.stdout or done.stderr).strip().split("\n")[0][:200], "the journal replays to the same digest")
        failed = [n for n in self.not_here if " failed: " in n]
        for n in failed:
            verdicts.append({"kind": "stimulus", "of": "", "seen": n, "wanted": "done", "verdict": "fail"})
        return {"floor_before": self.floor_before, "floor_after": self.floor_after, "sent": len(self.sent), "alerts": len(self.alerts),
                "left_out": [n for n in self.not_here if n not in failed], "expectations": verdicts,
                "latency_ms": {label: sorted(ms for ms in self.latencies(label).values() if ms is not None)
                               for label in sorted({entry[4] for entry in self.sent if entry[5] is not None})},
                "verdict": "fail" if any(v["verdict"] == "fail" for v in verdicts) else "pass"}

    def keep(self, folder):
        """How to repeat a failure: vedette-rig run FOLDER."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.toml").write_text(self.scenario["path"].read_text())
        (folder / "site.toml").write_text(self.scenario["site"].read_text())
        with open(folder / "sent.jsonl", "w") as out:
            for _, at, channel, data, label, identity in self.sent:
                out.write(json.dumps([at, channel, data.hex(), label, identity]) + "\n")
        with open(folder / "alerts.jsonl", "w") as out:
            for at, alert in self.alerts:
                out.write(json.dumps({"monotonic_ns": at, **alert}) + "\n")
        (folder / "status.json").write_text(json.dumps(self.status))
        for log in (self.target.folder / "node.log", self.target.folder / "machine/console"):
            if log.exists():
                (folder / log.name).write_bytes(log.read_bytes())


def sent_of(folder):
    return [(at, channel, bytes.fromhex(data), label, identity)
            for at, channel, data, label, identity in map(json.loads, (folder / "sent.jsonl").read_text().splitlines())]


def spread(latencies):
    return {"count": len(latencies), "p50_ms": percentile(latencies, 0.5), "p99_ms": percentile(latencies, 0.99),
            "max_ms": max(latencies, default=0.0), "mean_ms": statistics.fmean(latencies) if latencies else 0.0}
