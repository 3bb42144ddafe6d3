"""Checks the Spin models, and that each broken twin fails. usage: run.py"""
import pathlib, re, subprocess, sys, tempfile

here = pathlib.Path(__file__).resolve().parent
failed = 0
for model in sorted(here.glob("*.pml")):
    twins = re.search(r"Twins that must fail: ([^.]*)\.", model.read_text()).group(1)
    for twin in [None, *re.split(r"[\s,*]+", twins.strip())]:
        with tempfile.TemporaryDirectory() as folder:
            define = [f"-D{twin}"] if twin else []
            subprocess.run(["spin", *define, "-a", model], cwd=folder, check=True, capture_output=True)
            subprocess.run(["gcc", "-w", "-O2", "-DSAFETY", "-o", "pan", "pan.c"], cwd=folder, check=True)
            out = subprocess.run(["./pan", "-m100000"], cwd=folder, capture_output=True, text=True, check=True).stdout
        errors = int(re.search(r"errors: (\d+)", out).group(1))
        states = re.search(r"(\d+) states, stored", out).group(1)
        good = (errors == 0) == (twin is None)
        failed += 0 if good else 1
        what = "holds" if errors == 0 else "fails"
        print(f"{'ok     ' if good else 'WRONG  '} {model.stem}{f' with {twin}' if twin else ''}: {what}, {states} states")
sys.exit(1 if failed else 0)
