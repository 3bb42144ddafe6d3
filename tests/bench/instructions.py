"""Instructions of the engine per event, by kind: service_instructions of vedette_bench under callgrind.
usage: instructions.py BENCH [EVENTS]. One JSON line a figure: bench, metric, value, unit, floor, ratio, bar, holds."""
import json, pathlib, re, shutil, subprocess, sys, tempfile

bench = sys.argv[1]
events = sys.argv[2] if len(sys.argv) > 2 else "30000"
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-instructions-"))
try:
    out = work / "callgrind"
    subprocess.run(["valgrind", "--tool=callgrind", "--instr-atstart=no", "--combine-dumps=yes", f"--callgrind-out-file={out}", bench,
                    "service-instructions", events], check=True, stderr=subprocess.DEVNULL)
    counts, kind = {}, None
    for line in open(out):
        if found := re.match(r"desc: Trigger: Client Request: (\w+)", line):
            kind = found[1]
        elif (found := re.match(r"(?:totals|summary): (\d+)", line)) and kind:
            counts.setdefault(kind, []).append(int(found[1]))
            kind = None
finally:
    shutil.rmtree(work, ignore_errors=True)
for kind, values in counts.items():
    values.sort()
    p50, p99 = (values[min(len(values) - 1, int(q * len(values)))] for q in (0.5, 0.99))
    print(json.dumps({"bench": "service-tail", "metric": f"{kind}-instructions-p99", "value": p99, "unit": "instr", "floor": p50,
                      "ratio": round(p99 / p50, 3), "bar": round(1.25 * p50, 1), "holds": p99 <= 1.25 * p50, "samples": len(values)}))
assert counts, "callgrind gave no counts"
