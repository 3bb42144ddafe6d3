"""Writes tests/system/formats/N.tar.xz: a data folder of this program's format, which every later program must read or refuse.

    python3 tests/system/format_folder.py build/release/vedette

For a new `kFormatVersion`; for a new `kStepVersion` only until a program of that format is in the field, because programs with other
versions of the step refuse the folder."""
import json, re, shutil, tarfile

from harness import call, root, work
from plan_changes import Folder

number = re.search(r"kFormatVersion = (\d+)", (root / "src/edge/journal/format.hpp").read_text()).group(1)
folder = Folder("kept-format")
folder.run(vessels=range(3))
folder.receiver.close()
answer = json.loads(call("replay", folder.data, "--verify", "--json").stdout)["data"]
assert answer["matches"] and answer["tracks"] == 3, answer
for name in ("control.sock", "shard-0/journal/next"):
    (folder.data / name).unlink(missing_ok=True)
with tarfile.open(root / f"tests/system/formats/{number}.tar.xz", "w:xz") as packed:
    packed.add(folder.data, number)
shutil.rmtree(work)
