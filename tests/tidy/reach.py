"""What objects can reach when linked, by the symbols that each needs and defines. usage: reach.py BUILD

From the shard: no clock, no allocator, no libm, no random source, no system call; what is left over must come from the
few outside functions that are the same everywhere. From the program's main: every object, else nobody uses it."""
import pathlib, re, subprocess, sys

build = pathlib.Path(sys.argv[1])
objects = build / "CMakeFiles" / "vedette_core.dir" / "src"
sources = pathlib.Path(__file__).resolve().parents[2] / "src"
main = build / "CMakeFiles" / "vedette.dir" / "src" / "cli" / "main.cpp.o"
allowed = re.compile(r"^(mem(cpy|set|move|cmp|chr)|strlen|strnlen|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__cxa_pure_virtual"
                     r"|_Unwind_Resume|__gxx_personality_v0|_ZSt9terminatev|__cxa_begin_catch"
                     # Detects the processor's vectors, for a digest that is the same with each.
                     r"|__cpu_model"
                     # Counts bits, if the processor's baseline has no instruction for it.
                     r"|__popcountdi2"
                     # Size check of placement new in an arena, before the arena is sealed.
                     r"|__cxa_throw_bad_array_new_length"
                     # check_failed: on a bug the process writes a message and aborts.
                     r"|_ZN7vedette12check_failedE.*)$")


def symbols(path, flag):
    out = subprocess.run(["nm", flag, str(path)], capture_output=True, text=True, check=True).stdout
    return {(parts := line.split())[-1]: parts[-2] for line in out.splitlines() if len(line.split()) >= 2}


defined, needed, problems = {}, {main: set(symbols(main, "--undefined-only"))}, []
for path in objects.rglob("*.o"):
    if not (sources / path.relative_to(objects).with_suffix("")).exists():
        continue  # left over from a deleted file
    for name, kind in symbols(path, "--defined-only").items():
        if kind in "TVWBDRu":
            defined.setdefault(name, []).append((path, kind))
    needed[path] = set(symbols(path, "--undefined-only"))


needed[main] |= {name for name in defined if name.startswith("__wrap_")}  # wrapped symbols that the link itself names


def reach(start, leave_out, missing):
    """Each object that a start needs, with its user, ignoring some symbols; calls `missing` for a symbol without an object."""
    reached, open_ = {start: None}, [start]
    while open_:
        path = open_.pop()
        for name in sorted(needed[path]):
            if leave_out and leave_out.match(name):
                continue
            if name not in defined:
                missing(reached, path, name)
            elif not any(home in reached for home, _ in defined[name]):
                home = defined[name][0][0]
                reached[home] = path
                open_.append(home)
    return reached


def outside(reached, path, name):
    chain = []
    while path is not None:
        chain.append(path.name.removesuffix(".o"))
        path = reached[path]
    problems.append(f"{' <- '.join(chain)} needs {name}: an engine step takes it as an argument, or does without")


step = reach(objects / "core" / "engine" / "shard.cpp.o", allowed, outside)
product = reach(main, None, lambda *_: None)
for path in sorted(set(needed) - set(product)):
    problems.append(f"src/{path.relative_to(objects).with_suffix('')}: the program does not reach it: take it out, or move it to the tests that use it")
# Code for wider vectors shares no function with the rest, which every processor runs.
for path in objects.rglob("*_wide.cpp.o"):
    for name, kind in symbols(path, "--defined-only").items():
        if kind in "WVu" and len(defined.get(name, [])) > 1:
            problems.append(f"{path.name.removesuffix('.o')} holds {name}, which other files use: the linker may keep this one")
print("\n".join(problems) or f"the engine's step reaches {len(step)} objects and nothing outside; the program reaches all {len(product)}")
sys.exit(1 if problems else 0)
