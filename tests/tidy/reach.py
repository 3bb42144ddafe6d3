"""What the engine's step can reach when linked: no clock, no allocator, no libm, no random source, no system call.

Starts at the object that holds the shard and follows every symbol it needs through the product's own objects; what
is left over must come from the few outside functions that are the same everywhere."""
import pathlib, re, subprocess, sys

objects = pathlib.Path(sys.argv[1]) / "CMakeFiles" / "vedette_core.dir" / "src"
allowed = re.compile(r"^(mem(cpy|set|move|cmp|chr)|strlen|strnlen|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__cxa_pure_virtual"
                     r"|_Unwind_Resume|__gxx_personality_v0|_ZSt9terminatev|__cxa_begin_catch"
                     # Which vectors the processor has, for a digest that is the same with each of them.
                     r"|__cpu_model"
                     # Counting bits, where the processor's baseline has no instruction for it.
                     r"|__popcountdi2"
                     # The size check of a placement new in an arena, before the arena is sealed.
                     r"|__cxa_throw_bad_array_new_length"
                     # check_failed: a bug stops the process, which may write a message and abort.
                     r"|_ZN7vedette12check_failedE.*)$")


def symbols(path, flag):
    out = subprocess.run(["nm", flag, str(path)], capture_output=True, text=True, check=True).stdout
    return {(parts := line.split())[-1]: parts[-2] for line in out.splitlines() if len(line.split()) >= 2}


defined, needed = {}, {}
for path in objects.rglob("*.o"):
    for name, kind in symbols(path, "--defined-only").items():
        if kind in "TVWBDRu":
            defined.setdefault(name, []).append((path, kind))
    needed[path] = set(symbols(path, "--undefined-only"))
start = objects / "core" / "engine" / "shard.cpp.o"
reached, problems, open_ = {start: None}, [], [start]
while open_:
    path = open_.pop()
    for name in sorted(needed[path]):
        if allowed.match(name):
            continue
        if name not in defined:
            chain, at = [], path
            while at is not None:
                chain.append(at.name.removesuffix(".o"))
                at = reached[at]
            problems.append(f"{' <- '.join(chain)} needs {name}: an engine step takes it as an argument, or does without")
            continue
        if any(home in reached for home, _ in defined[name]):
            continue
        home = defined[name][0][0]
        reached[home] = path
        open_.append(home)
# What is compiled for wider vectors shares no function with what every processor runs.
for path in objects.rglob("*_wide.cpp.o"):
    for name, kind in symbols(path, "--defined-only").items():
        if kind in "WVu" and len(defined[name]) > 1:
            problems.append(f"{path.name.removesuffix('.o')} holds {name}, which other files use: the linker may keep this one")
print("\n".join(problems) or f"the engine's step reaches {len(reached)} objects and nothing outside")
sys.exit(1 if problems else 0)
