"""Mistakes that must be found: each is made in a copy of the tree, and the unit tests or the simulator must fail.

usage: mutations.py [PART OF A NAME]; copies are built below build/mutants, one for each half of the list."""
import pathlib, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parents[2]
name_part = sys.argv[1] if len(sys.argv) > 1 else ""
half = int(sys.argv[2]) if len(sys.argv) > 2 else None  # of one of the two processes that share the list
copy = root / "build" / "mutants" / str(half)
mutations = [
    ("an input is released twice", "src/core/engine/admission.cpp", "  head.lane->release();\n", "  head.lane->release(head.lane->size() > 1 ? 2 : 1);\n"),
    ("a credit is lost", "src/base/lane.hpp", "tail_.store(tail + records,", "tail_.store(tail + (records > 3 ? records - 1 : records),"),
    ("a full lane is seen too late", "src/base/lane.hpp", "if (at + wanted - free_from > size) {", "if (at + wanted - free_from > size + 4096) {"),
    ("a horizon is compared the wrong way", "src/core/deliver/delivery.cpp", "&& o.horizon_ns <= now_ns;", "&& o.horizon_ns >= now_ns;"),
    ("the cut is not recorded", "src/core/engine/batch_builder.hpp", "{ header_.cut = judged; }", "{ static_cast<void>(judged); }"),
    ("what a cut left is not frozen", "src/core/engine/agenda.cpp", "left().size()});\n  for (const Touched& t : left()) {",
     "std::size_t{0}});\n  for (const Touched& t : left().first(0)) {"),
    ("urgent subjects wait for routine ones", "src/core/engine/agenda.cpp", "  ready_[static_cast<std::size_t>(t.event_class)].set(t.track);",
     "  ready_[3 - static_cast<std::size_t>(t.event_class)].set(t.track);"),
    ("segments go although nothing left can be replayed", "src/edge/journal/writer_segments.cpp", "  while (segments_.size() > 2 && bytes > options_.journal_bytes &&\n         frozen_batch_ + 1 >= segments_[1].first_batch) {",
     "  while (segments_.size() > 2 && bytes > options_.journal_bytes) {"),
    ("an outcome is counted twice", "src/core/engine/shard_work.cpp", "    step_.batch.resolve_earlier(exit);\n", "    step_.batch.resolve_earlier(exit);\n    step_.batch.resolve_earlier(exit);\n"),
    ("a torn tail is taken for the end", "src/edge/journal/reader.cpp", "  r.torn_tail = true;\n", ""),
    ("an attempt forgets its key", "src/core/deliver/delivery.cpp", "intents_[order].root = intent.root != 0 ? intent.root : sequence;", "intents_[order].root = 0;"),
    ("what may have been done is repeated after a restart", "src/core/deliver/delivery.cpp", "reason != Reason::unknown_after_restart &&", "reason != Reason::none &&"),
    ("classes wait in one queue", "src/core/engine/waiting.hpp", "    calendar_.add(keep(header, observation), static_cast<std::size_t>(header.event_class),",
     "    calendar_.add(keep(header, observation), 0,"),
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
    ("a jump of own position is believed at once", "src/core/perceive/own_position.cpp", "seconds_between(voice.refused_from_ns, ns) >= config.own_agree_s", "seconds_between(voice.refused_from_ns, ns) >= 0.0 * config.own_agree_s"),
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
    ("a block is packed by what the one before held", "src/edge/journal/packing.hpp", "      words_[slot][i] = 0;\n", "      static_cast<void>(i);\n"),
    ("shedding is forgotten by a restart", "src/core/engine/load.hpp", "    out.put(state_);", "    out.put(ModeChange{});"),
    ("a sensor denies what it cannot see", "src/core/perceive/sensor_frame.cpp", "  if (range < sensor.range_min + margin || range > sensor.range_max - margin) {", "  if (range < sensor.range_min + margin || range > 1e6 * sensor.range_max - margin) {"),
    ("a late report is worked as a new one", "src/core/perceive/contacts_association.cpp", "  const bool late = ns < spots_[index].ns;", "  const bool late = false;"),
    ("what is known of contacts is not frozen", "src/core/perceive/contacts_frozen.cpp", "  out.put(counts_);\n", "  out.put(Counts{});\n"),
    ("a sweep that was cut before is not looked at", "src/core/engine/judgement.cpp", "  // Consequences of time passing count from this step's own beginning.\n", "  if (step_.cut) { return; }\n"),
    ("runs that accept nothing fill the disk", "src/edge/journal/writer.cpp", "  take_idle_place(bytes);\n", ""),
    ("behind a damage nothing follows", "src/edge/journal/reader.cpp", "    r.loose = true;\n    tried = at;\n", "    tried = at;\n"),
    ("a confirmed track that is heard makes room", "src/core/perceive/eviction.cpp", "(t.kind)].confirm_updates) {", "(t.kind)].confirm_updates + 9) {"),
    ("own ship's place is given away", "src/model/track_room.hpp", ": capacity > 1 ? 1 : 0;", ": 0;"),
    ("who may give way is forgotten by a restart", "src/core/perceive/eviction.cpp", "      out.put(standing_[i]);\n", "      out.put(std::uint8_t{0});\n"),
    ("a flood of addresses takes the place of an aircraft that is heard", "src/edge/codec/aircraft_table.cpp", "now_ns - aircraft_[to].heard_ns <= kStillHeardNs", "now_ns - aircraft_[to].heard_ns < 0"),
    ("a sync is left out", "src/platform/machine_storage.cpp", "  return errno_unless(::fdatasync(file) == 0);", "  return 0;"),
    ("a failed write's rest stays behind a gap", "src/edge/journal/writer.cpp", "int error = open_.file.truncate(open_.at);", "int error = 0;"),
    ("a gap swallows the batch behind its state", "src/edge/journal/writer.cpp", "  while (leave_out(batches, batch)) {", "  while (leave_out(batches, batch + 1)) {"),
    ("a replay goes over a gap without its state", "src/node/replay.cpp", "      if (!stepped.restart(ahead, ahead_hash)) {", "      if (false) {"),
    ("going back leads to what failed", "src/edge/firmware/boot_steps.cpp", "  if (state.slots[slot].end != VEDETTE_TRIAL_CONFIRMED) {", "  if (!heads[slot]) {"),
    ("a version that does not come up never gives way", "src/edge/firmware/boot_choice.h", "own->starts >= VEDETTE_STARTS", "own->starts > 200"),
    ("an install that is cut leaves a new version that is called good", "src/edge/firmware/boot_steps.cpp",
     "  state.slots[idle] = {VEDETTE_TRIAL_NONE, 0};\n  return idle;", "  return idle;"),
    ("evidence leaves out what only the next segment names", "src/edge/journal/evidence.cpp",
     "  return has(names_.causes, event.sequence) || has(names_of_next_.causes, event.sequence);", "  return has(names_.causes, event.sequence);"),
    ("durable is told before the write", "src/edge/journal/writer.cpp", "  const std::size_t used = sizeof(BlockHeader) + length;\n",
     "  const std::size_t used = sizeof(BlockHeader) + length;\n"
     "  durable_.store(what.last.first_sequence + what.last.input_count + what.last.derived_count, std::memory_order_release);\n"),
]


def run(*command):
    return subprocess.run(list(map(str, command)), cwd=copy, capture_output=True, text=True, timeout=600)


def build(target):
    done = run("cmake", "--build", "--preset", "release", "--target", target)
    return "" if done.returncode == 0 else done.stdout[-2000:]


def found():
    """By whom, and what does not build. The simulator is made only for what the unit tests let pass."""
    if trouble := build("vedette_unit"):
        return "", trouble
    if run("build/release/tests/vedette_unit", "--abort-after=1").returncode != 0:
        return "unit tests", ""
    if trouble := build("vedette_sim"):
        return "", trouble
    with tempfile.TemporaryDirectory() as folder:
        return "simulator" if run("build/release/tests/vedette_sim", f"{folder}/node", 1, 60).returncode != 0 else "", ""


for name, path, old, new in mutations:
    assert (root / path).read_text().count(old) == 1, f"{name}: {path} has changed; write the mutation anew"
if half is None:
    halves = [subprocess.Popen([sys.executable, __file__, name_part, str(n)]) for n in range(2)]
    sys.exit(max([process.wait() for process in halves]))
copy.mkdir(parents=True, exist_ok=True)
files = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
for name in filter(None, files):
    target, content = copy / name, (root / name).read_bytes()
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != content:
        target.write_bytes(content)
        target.chmod((root / name).stat().st_mode)
assert run("cmake", "--preset", "release", "-DVEDETTE_TESTS=ON").returncode == 0
assert found() == ("", ""), "the tree itself does not pass"
missed = 0
for name, path, old, new in [m for m in mutations if name_part in m[0]][half::2]:
    source = copy / path
    original = source.read_text()
    source.write_text(original.replace(old, new))
    by, trouble = found()
    source.write_text(original)
    if trouble:
        print(f"{name}: does not build\n{trouble}")
    print(f"{'found by the ' + by if by else 'MISSED'}: {name}", flush=True)
    missed += 0 if by else 1
sys.exit(1 if missed else 0)
