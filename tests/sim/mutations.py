"""Mistakes that must be found: each is made in a copy of its file, and the unit tests or the simulator must fail.

usage: mutations.py [PART OF A NAME]

Everything else is as build/release has it: the changed file is compiled, with the release build's own command, and
linked in front of the library. A header is compiled into the few files that its entry names (others keep their copy of
the function), and into all that include it where that finds nothing. Tests stop at their first failure."""
import concurrent.futures, json, os, pathlib, re, shlex, shutil, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[2]
name_part = sys.argv[1] if len(sys.argv) > 1 else ""
# Name, file, original text, mistake, and for a header the files to compile with it.
mutations = [
    ("an input is released twice", "src/core/engine/admission.cpp", "  head.lane->release();\n", "  head.lane->release(head.lane->size() > 1 ? 2 : 1);\n"),
    ("a credit is lost", "src/base/lane.hpp", "tail_.store(tail + records,", "tail_.store(tail + (records > 3 ? records - 1 : records),", ["tests/unit/lane_test.cpp"]),
    ("a full lane is seen too late", "src/base/lane.hpp", "if (at + wanted - free_from > size) {", "if (at + wanted - free_from > size + 4096) {", ["tests/unit/lane_test.cpp"]),
    ("a horizon is compared the wrong way", "src/core/deliver/delivery.cpp", "&& o.horizon_ns <= now_ns;", "&& o.horizon_ns >= now_ns;"),
    ("the cut is not recorded", "src/core/engine/batch_builder.hpp", "{ header_.cut = judged; }", "{ static_cast<void>(judged); }", ["tests/unit/batch_builder_test.cpp"]),
    ("what a cut left is not frozen", "src/core/engine/agenda.cpp", "left().size()});\n  for (const Touched& t : left()) {",
     "std::size_t{0}});\n  for (const Touched& t : left().first(0)) {"),
    ("urgent subjects wait for routine ones", "src/core/engine/agenda.cpp", "  ready_[static_cast<std::size_t>(t.event_class)].set(t.track);",
     "  ready_[3 - static_cast<std::size_t>(t.event_class)].set(t.track);"),
    ("segments go although nothing left can be replayed", "src/edge/journal/writer_segments.cpp", "  while (segments_.size() > 2 && bytes > options_.journal_bytes &&\n         frozen_batch_ + 1 >= segments_[1].first_batch) {",
     "  while (segments_.size() > 2 && bytes > options_.journal_bytes) {"),
    ("an outcome is counted twice", "src/core/engine/shard_work.cpp", "    step_.batch.resolve_earlier(exit);\n", "    step_.batch.resolve_earlier(exit);\n    step_.batch.resolve_earlier(exit);\n"),
    ("a torn tail is taken for the end", "src/edge/journal/reader.cpp", "  r.torn_tail = true;\n", ""),
    ("an attempt forgets its key", "src/core/deliver/delivery.cpp", "intents_[order].root = intent.root != 0 ? intent.root : sequence;", "intents_[order].root = 0;"),
    ("an alarm waits for a disk that takes nothing", "src/edge/sink/act.cpp", "now_ns - order.submitted_ns < action.record_within_ns()", "true"),
    ("what leaves unrecorded is not marked", "src/edge/sink/act.cpp", "  order.intent.unrecorded = 1;\n", ""),
    ("what a restart repeats is not marked", "src/core/deliver/delivery.cpp", "    intents_[order].possible_duplicate = 1;\n", ""),
    ("an alarm that cleared meanwhile is raised late", "src/core/engine/judgement_orders.cpp", "  retract_superseded(intent, cause);\n", ""),
    ("what may have been done is repeated after a restart", "src/core/deliver/delivery.cpp", "const bool repeatable = !restarted || orders_[order].unrecorded != 0;", "const bool repeatable = true;"),
    ("classes wait in one queue", "src/core/engine/waiting.hpp", "    calendar_.add(keep(header, observation), static_cast<std::size_t>(header.event_class),",
     "    calendar_.add(keep(header, observation), 0,", ["tests/unit/waiting_test.cpp"]),
    ("what may have arrived uses up its retries", "src/core/deliver/delivery.cpp", "(orders_[order].unconfirmed != 0 || intent.attempt < action->retries());", "intent.attempt < action->retries();"),
    ("one sink takes every place", "src/core/deliver/delivery.cpp", "  return held >= most;\n", "  return held > 4 * most;\n"),
    ("an order given twice is done twice", "src/core/deliver/delivery.cpp", "  requeued_[requeued_at_++ % requeued_.size()] = sequence;\n", ""),
    ("a text is cut inside a character", "src/edge/sink/render.cpp", "      --n;\n", "      break;\n"),
    ("what the other end has not acknowledged counts", "src/edge/sink/stream_pool.cpp", "taken - static_cast<std::uint64_t>(owed));", "taken);"),
    ("a breaker never opens", "src/core/deliver/delivery.cpp", "breaker.failures >= s->breaker_failures();", "breaker.failures > s->breaker_failures() + 1000;"),
    ("old segments go before the new one is on disk", "src/edge/journal/writer_segments.cpp", "  int error = fill_next(bytes, bytes);",
     "  segments_.push_back({number, options_.next_batch, bytes});\n  drop_old_segments();\n  segments_.pop_back();\n  int error = fill_next(bytes, bytes);"),
    ("a block at the wrong place is taken for nothing", "src/edge/journal/reader.cpp", "      (rest[0] == 0 && std::memcmp(", "      (rest[0] == 0) || (std::memcmp("),
    ("a stream forgets what it has begun", "src/edge/sink/stream_pool.cpp", "      ++unfinished_;\n", "      ++unfinished_;\n      stream.rest_bytes = 0;\n"),
    ("our own MMSI sets own position from the air", "src/core/perceive/own_position.cpp", "observation.kind != IdentityKind::own && observation.own_report == 0", "observation.kind != IdentityKind::own && observation.own_report == 2"),
    ("a jump of own position is believed at once", "src/core/perceive/own_position.cpp", "seconds_between(voice.refused_from_ns, ns) >= config.own.agree_s", "seconds_between(voice.refused_from_ns, ns) >= 0.0 * config.own.agree_s"),
    ("one source of two moves own ship", "src/core/perceive/own_position.cpp", "return 2 * there > heard;", "return 4 * there > heard;"),
    ("a name that jumps clears what was judged", "src/core/assess/assess.cpp", "there == 0.0 && !view.second_unseen", "there == 0.0"),
    ("a name leaves a place that is still heard", "src/core/perceive/perceive.cpp", "second->contested = 1;", "second->contested = 0;"),
    ("a prefiltered condition clears nothing", "src/core/assess/assess.cpp", "may_hold | busy_[track]", "may_hold"),
    ("a prefilter takes a bound for the number beside it", "src/core/assess/prefilter.cpp", "test.low = next_above(c);", "test.low = c;"),
    ("a prefilter tests what does not decide the condition", "src/core/assess/prefilter.cpp", "(whole || decides) &&", "(whole || decides || true) &&"),
    ("own ship is judged as any other track", "src/core/assess/assess.cpp", "if (view.track()->kind == IdentityKind::own) {", "if (false) {"),
    ("a batch is digested but for its last piece", "src/core/engine/batch_builder.cpp", "  digest_.mix(Bytes(base_ + settled_, bytes));\n", ""),
    ("one track is taken twice at once", "src/core/perceive/perceive.cpp", "found[i] == TrackTable::kNone || again ||", "found[i] == TrackTable::kNone || (again && false) ||"),
    ("a manoeuvre is taken for the ordinary", "src/core/perceive/four_tracks_kernel.hpp", "             (square_of(innovation) <= 2.0 * gate * gate * variance);",
     "             (square_of(innovation) <= 1e300 * gate * gate * variance);"),
    ("a block is packed by what the one before held", "src/edge/journal/packing.hpp", "      words_[slot][i] = 0;\n", "      static_cast<void>(i);\n", ["src/edge/journal/packing.cpp"]),
    ("shedding is forgotten by a restart", "src/core/engine/load.hpp", "    out.put(state_);", "    out.put(ModeChange{});", ["tests/unit/load_test.cpp"]),
    ("a sensor denies what it cannot see", "src/core/perceive/sensor_frame.cpp", "  if (range < sensor.range_min + margin || range > sensor.range_max - margin) {", "  if (range < sensor.range_min + margin || range > 1e6 * sensor.range_max - margin) {"),
    ("a late report is worked as a new one", "src/core/perceive/contacts_association.cpp", "  const bool late = ns < spots_[index].ns;", "  const bool late = false;"),
    ("what is known of contacts is not frozen", "src/core/perceive/contacts_frozen.cpp", "  out.put(counts_);\n", "  out.put(Counts{});\n"),
    ("a sweep that was cut before is not looked at", "src/core/engine/judgement.cpp", "  if (agenda.sweep_begins()) {\n", "  if (step_.cut) { return; }\n  if (agenda.sweep_begins()) {\n"),
    ("runs that accept nothing fill the disk", "src/edge/journal/writer.cpp", "  take_idle_place(bytes);\n", ""),
    ("behind a damage nothing follows", "src/edge/journal/reader.cpp", "    r.loose = true;\n    tried = at;\n", "    tried = at;\n"),
    ("a confirmed track that is heard makes room", "src/core/perceive/eviction.cpp", "(t.kind)].confirm_updates) {", "(t.kind)].confirm_updates + 9) {"),
    ("own ship's place is given away", "src/model/track_room.hpp", ": capacity > 1 ? 1 : 0;", ": 0;", ["src/core/perceive/eviction.cpp", "src/core/perceive/perceive.cpp"]),
    ("who may give way is forgotten by a restart", "src/core/perceive/eviction.cpp", "      out.put(standing_[i]);\n", "      out.put(std::uint8_t{0});\n"),
    ("a flood of addresses takes the place of an aircraft that is heard", "src/edge/codec/aircraft_table.cpp", "now_ns - aircraft_[to].heard_ns <= kStillHeardNs", "now_ns - aircraft_[to].heard_ns < 0"),
    ("a sync is left out", "src/platform/machine_storage.cpp", "  return errno_unless(::fdatasync(file) == 0);", "  return 0;"),
    ("a failed write's rest stays behind a gap", "src/edge/journal/writer.cpp", "int error = open_.file.truncate(open_.at);", "int error = 0;"),
    ("a gap swallows the batch behind its state", "src/edge/journal/writer.cpp", "  while (leave_out(batches, batch)) {", "  while (leave_out(batches, batch + 1)) {"),
    ("a replay goes over a gap without its state", "src/node/replay.cpp", "      if (!stepped_.restart(frozen_, hash_)) {", "      if (false) {"),
    ("the self-check leaves a stage out", "src/core/engine/shard_check.cpp", "      stage.slice(check.slice(), tracks, digest);",
     "      if (number != 2) stage.slice(check.slice(), tracks, digest);"),
    ("a start believes a state that is not sound", "src/node/mismatches.cpp", "batch > m.good_batch &&", "batch > m.batch &&"),
    ("going back leads to what failed", "src/edge/firmware/boot_steps.cpp", "  if (state.slots[slot].end != VEDETTE_TRIAL_CONFIRMED) {", "  if (!heads[slot]) {"),
    ("a version that does not come up never gives way", "src/edge/firmware/boot_choice.h", "own->starts >= VEDETTE_STARTS", "own->starts > 200"),
    ("an install that is cut leaves a new version that is called good", "src/edge/firmware/boot_steps.cpp",
     "  state.slots[idle] = {VEDETTE_TRIAL_NONE, 0};\n  return idle;", "  return idle;"),
    ("evidence leaves out what only the next segment names", "src/edge/journal/evidence.cpp",
     "  return names_.causes.has(event.sequence) || names_of_next_.causes.has(event.sequence);", "  return names_.causes.has(event.sequence);"),
    ("an image is ahead of the journal", "src/node/mirror.cpp", "imaging_.due(batch, now_ns) && batch <= recorded_.load(std::memory_order_acquire);", "imaging_.due(batch, now_ns);"),
    ("an image names another batch", "src/node/imaging.cpp", "  position.batch = batch_ = state_.batch();", "  position.batch = (batch_ = state_.batch()) - 1;"),
    ("the numbers of what cannot be read are given again", "src/node/recovery.cpp", "  if (reached_batch < batch) {  // skips the lost run's numbers", "  if (false) {"),
    ("an epoch is used twice", "src/node/recovery.cpp", "std::max({read.epoch, recorded, used}) + 1", "std::max({read.epoch, recorded, used, 1U})"),
    ("what was sent before a start stays under way", "src/node/recovery.cpp", "      unanswered_.push_back(order.sequence);\n", ""),
    ("a torn tail stays", "src/node/recovery_folder.cpp", "  if (tail_.segment != 0) {", "  if (false) {"),
    ("a mirror that is behind leaves out a batch", "src/node/mirror.cpp", "cursor_.read(stepped_->batch() + 1, through,", "cursor_.read(stepped_->batch() + 2, through,"),
    ("a mirror shows at once what is not on disk", "src/node/journalling.cpp", "now_ns - mark.ns >= kLateNs ? std::max(late, mark.batch) : late;", "std::max(late, mark.batch);"),
    ("a gap ends with a state from before it", "src/node/journalling.cpp", "    if (state.batch() < least_for_gap()) {", "    if (false) {"),
    ("a batch that the mirror's lane has no space for is not counted", "src/node/mirror.cpp", "    add_one(passed_over_);\n", ""),
    ("what finds a lane full is not counted", "src/node/post.hpp", "    full.store(full.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);\n", "    static_cast<void>(full);\n", ["src/node/engine_thread.cpp", "src/node/commands.cpp"]),
    ("an event is posted twice", "src/node/post.hpp", "  lane.commit(event_bytes(payload.size()));\n", "  lane.commit(event_bytes(payload.size()));\n  lane.commit(event_bytes(payload.size()));\n", ["src/node/engine_thread.cpp", "src/node/commands.cpp"]),
    ("a text without space counts as sent", "src/edge/sink/act.cpp", "    return ENOBUFS;", "    return 0;"),
    ("a copy of the engine's state is not told", "src/node/engine_thread.cpp", "    put_fault({took_ns, plan_.limits()->turn_ns(), Stage::mirror_copy, {}});\n", "    static_cast<void>(took_ns);\n"),
    ("a gap is not told", "src/node/journalling.cpp", "  if (!writer_.has_gap()) {\n    say_fault(now_ns - worked_ns_);\n  }\n", ""),
    ("durable is told before the write", "src/edge/journal/writer.cpp", "  const std::size_t used = sizeof(BlockHeader) + length;\n",
     "  const std::size_t used = sizeof(BlockHeader) + length;\n"
     "  durable_.store(what.last.first_sequence + what.last.input_count + what.last.derived_count, std::memory_order_release);\n"),
]


def run(*command, cwd=root):
    try:
        return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=300, env=environment)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "it does not end", "")


def ninja(*words):
    return subprocess.run(["ninja", "-C", release, "-t", *words], capture_output=True, text=True, check=True).stdout


release = root / "build/release"
memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # flushing to a disk would take longer than the tests
environment = os.environ | {"CCACHE_BASEDIR": str(root), "CCACHE_NOHASHDIR": "1"} | ({"TMPDIR": memory} if memory else {})
launcher = [path for path in [shutil.which("ccache")] if path]
commands = {row["file"]: shlex.split(row["command"]) for row in json.loads((release / "compile_commands.json").read_text())}
programs = {"unit tests": ("vedette_unit", "--abort-after=1"), "simulator": ("vedette_sim", "PLACE/node", "1", "100")}


def link_line(program):
    line = ninja("commands", f"tests/{program}").splitlines()[-1]
    return shlex.split(line[line.index("&&") + 2:line.rindex("&&")])


links = {program: link_line(program) for program, *_ in programs.values()}
of_them = {word for line in links.values() for word in line if word.endswith(".o")}  # objects that the programs have besides the library


def object_of(source):
    words = commands[str(root / source)]
    return words[words.index("-o") + 1]


def includers(header):
    deps = {part.split(":")[0]: part for part in ninja("deps").split("\n\n")}
    mine = [str(pathlib.Path(f).relative_to(root)) for f in commands]
    return [f for f in mine if (o := object_of(f)) and f"/{header}\n" in deps.get(o, "") + "\n" and (o in of_them or "vedette_core.dir" in o)]


def compiled(source, path, folder):
    """The source's object, compiled with the folder's copy of `path` before the tree's; and the errors."""
    words = list(commands[str(root / source)])
    target = folder / words[words.index("-o") + 1].replace("/", "-")
    words[words.index("-o") + 1] = str(target)
    words[-1] = str(folder / path if source == path else root / source)
    own = [f"-I{folder / 'src'}", f"-iquote{(root / path).parent}"]
    done = run(*launcher, words[0], *own, *words[1:], cwd=release)
    return target, done.stdout + done.stderr if done.returncode else ""


def linked(program, objects, folder):
    """Links the program with these objects instead of its own, or before the library."""
    words, target = list(links[program]), folder / program
    words[words.index("-o") + 1] = str(target)
    front = [made for own, made in objects.items() if own not in of_them]
    done = run(words[0], *front, *(objects.get(word, word) for word in words[1:]), cwd=release)
    return target, done.stderr if done.returncode else ""


def found(name, path, old, new, into=()):
    """Who found it, and build errors."""
    by, trouble = found_in([path] if path.endswith(".cpp") else into or includers(path), name, path, old, new)
    return found_in(includers(path), name, path, old, new) if into and not by and not trouble else (by, trouble)


def found_in(sources, name, path, old, new):
    """Links the simulator only if the unit tests pass."""
    folder = root / "build/mutants" / re.sub(r"[^a-z]+", "-", name.lower())
    shutil.rmtree(folder, ignore_errors=True)
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_text((root / path).read_text().replace(old, new))
    objects = {}
    for source in sources:
        objects[object_of(source)], trouble = compiled(source, path, folder)
        if trouble:
            return "", trouble
    for who, (program, *words) in programs.items():
        binary, trouble = linked(program, objects, folder)
        if trouble:
            return "", trouble
        with tempfile.TemporaryDirectory(dir=memory) as place:
            done = run(binary, *(word.replace("PLACE", place) for word in words))
        binary.unlink()
        if done.returncode != 0:
            test = re.search(r"TEST CASE:\s*(.*)", done.stdout[done.stdout.rfind("ERROR") - 500:])
            return who + (f" ({test[1]})" if test else ""), ""
    return "", ""


def report(mutation):
    begin = time.time()
    by, trouble = found(*mutation)
    said = f"does not build\n{trouble[-2000:]}" if trouble else f"found by the {by}" if by else "MISSED"
    print(f"{mutation[0]}: {said} ({time.time() - begin:.0f} s)", flush=True)
    return bool(by)


for name, path, old, new, *into in mutations:
    assert (root / path).read_text().count(old) == 1, f"{name}: {path} has changed; write the mutation anew"
assert found("nothing", "src/core/engine/shard.cpp", "#include", "#include") == ("", ""), "the tree itself does not pass"
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    results = list(pool.map(report, [m for m in mutations if name_part in m[0]]))
print(f"{sum(results)} of {len(results)} found")
sys.exit(0 if all(results) else 1)
