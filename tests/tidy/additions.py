"""Adds a codec, an event kind and a stage to a copy of the tree, each by the files that CONTRIBUTING.md names and no others.

What is compiled of the copy must then decode by the codec, describe the event, and show both in names, help and pages.
Usage: additions.py BUILD_FOLDER, of a build of this tree: its objects are linked for what an addition does not touch."""
import concurrent.futures, json, pathlib, re, shlex, shutil, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(sys.argv[1]).resolve()

# Where an addition goes: (file, anchor text, text before or instead of it). A new file has no anchor.
codec = [
    ("src/edge/codec/toy.hpp", None, """#pragma once
#include "edge/codec/plain_codec.hpp"
namespace vedette::codec {
struct ToyMessage {
  std::uint32_t number;
};
inline bool to_observation(const ToyMessage& m, Observation& out) {
  out.kind = IdentityKind::vehicle;
  out.identity = m.number;
  out.set(Field::presence);
  return true;
}
inline void describe(const ToyMessage& m, JsonWriter<std::string>& json) {
  json.member("kind", "toy").member("number", m.number);
}
class ToyCodec : public PlainCodec {
 public:
  using Message = ToyMessage;
  static constexpr CodecKind kKind = CodecKind::toy;
  template <typename To>
  void take(Bytes line, std::int64_t, const To& to) {
    if (line.size() != 1 || line[0] < '0' || line[0] > '9') {
      to.refused(RefusalCause::malformed, line);
    } else {
      to.message(ToyMessage{static_cast<std::uint32_t>(line[0] - '0')}, line);
    }
  }
};
}  // namespace vedette::codec
"""),
    ("src/model/codec_kinds.hpp", r", count \};", ", toy, count };"),
    ("src/model/codec_kinds.hpp", r"\};\n\nconstexpr const CodecFacts& facts_of",
     '{CodecKind::toy, "toy", "plaything", Framing::lines, "lines of one digit", "the digit", "none"},\n@'),
    ("src/edge/codec/codecs.hpp", r'#include "edge/codec/asterix.hpp"\n', '@#include "edge/codec/toy.hpp"\n'),
    ("src/edge/codec/codecs.hpp", r">;\nstatic_assert\(Codecs::in_order", ", ToyCodec@"),
]
event = [
    ("src/model/event_kinds.hpp", r"\};\ninline constexpr std::size_t kEventKindNumbers", "toy_event = 63,\n@"),
    ("src/model/event_kinds.hpp", r"struct Observation;\n", "@struct ToyPayload;\n"),
    ("src/model/event_kinds.hpp", r"\};\n\n// Calls `visit` with each row",
     'EventRow<EventKind::toy_event, ToyPayload>{"toy-event", Tail::none, Kept::as_evidence, "somebody plays"},\n@'),
    ("src/model/derived.hpp", r"template <typename T>\nconstexpr bool kIsPayload", "struct ToyPayload {\n  std::uint64_t players;\n};\n@"),
    ("src/model/describe_event.cpp", r"\}  // namespace\n\nBytes raw_of",
     'void describe(const ToyPayload& t, const Context&, Json& json) {\n  json.member("players", t.players);\n}\n@'),
]
stage = [
    ("src/core/engine/toy.hpp", None, """#pragma once
#include "model/stage.hpp"
namespace vedette::engine {
class Toy {
 public:
  static constexpr SectionName kSection{"toy", 1};
  static std::size_t bytes_needed(const plan::Plan&) { return 0; }
  void init(Arena&, const Site&) {}
  static DerivedBound derived_bound(const plan::Plan&) { return {8, 16}; }
  static std::size_t frozen_bytes_bound(const plan::Plan&) { return 8; }
  void freeze(Freezer& out, const TrackTable&) const { out.put(played_); }
  bool thaw(Thawer& in, Thawing&) { return (played_ = in.get<std::uint64_t>()) < 9; }
  void digest(WordsDigest& digest) const { digest.mix(played_); }
  std::size_t slices(const TrackTable&) const { return 1; }
  void slice(std::size_t, const TrackTable&, SliceDigest& out) const { out.mix(played_); }
  bool unfinished() const { return false; }

 private:
  std::uint64_t played_ = 0;
};
}  // namespace vedette::engine
"""),
    ("src/core/engine/stages.hpp", r'#include "core/engine/waiting.hpp"\n', '@#include "core/engine/toy.hpp"\n'),
    ("src/core/engine/stages.hpp", r",\s+SelfCheck>;", ", SelfCheck, Toy>;"),
]
# Sources to recompile: everything that the pages, `vedette decode` and descriptions need of the files above.
sources = ["src/edge/codec/codec.cpp", "src/plan/schema.cpp", "src/cli/decode.cpp", "src/cli/docs.cpp", "src/model/describe_event.cpp"]
stage_program = r"""
#include "core/engine/stages.hpp"
using namespace vedette;
static_assert(engine::Stateful<engine::Toy>);
int main() { return engine::Stages::knows({"toy", 1}) && !engine::Stages::knows({"toys", 1}) ? 0 : 1; }
"""
program = r"""
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/codec/codec.hpp"
#include "model/describe_event.hpp"
using namespace vedette;
namespace vedette::cli {  // in place of what would link all commands
int fail(bool, const std::string&, int code, const std::string&, const std::string&, const std::string&) { return code; }
int fail_unread(bool, const std::string&, const std::string&, const platform::Unread&) { return kBadData; }
}  // namespace vedette::cli
int main(int, char** arguments) {
  const int code = cli::decode("plaything", arguments[1], 0, false);
  for (const char* page : {"codecs", "events", "site-file"}) {
    cli::docs(page);
  }
  EventHeader event{};
  event.sequence = 7;
  event.kind = EventKind::toy_event;
  const ToyPayload payload{3};
  alignas(8) static const std::uint8_t no_plan[64] = {};
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  event.source = kNoSource;
  event_members(event, bytes_of(payload), *reinterpret_cast<const plan::Plan*>(no_plan), json);
  json.end_object();
  cli::print_text(text + "\n");
  return code == 0 && is_event(event.kind, 8) && !is_event(event.kind, 16) && is_kept_as_evidence(event.kind) &&
                 codec_named("toy") == CodecKind::toy ? 0 : 1;
}
"""
expected = ['{"n":1,"ok":true,"kind":"toy","number":4}', '{"n":2,"ok":false,"cause":"malformed","bytes":1}',
            "| `toy`, `plaything` | lines of one digit | the digit | none |", "| `toy-event` | 63 | 8 | yes | somebody plays |",
            "adsb asterix toy plaything.", '"kind":"toy-event"', '"players":3']
problems = []


def check(good, what):
    if not good:
        problems.append(what)


def apply(tree, edits):
    for name, anchor, text in edits:
        path = tree / name
        if anchor is None:
            path.write_text(text)
            continue
        before = path.read_text()
        after, n = re.subn(anchor, lambda m: text.replace("@", m[0]) if "@" in text else text, before)
        check(n == 1, f"tests/tidy/additions.py: {name} has {n} places for {text.split()[0]}: the table has another form now")
        path.write_text(after)


def compile_one(tree, command, source, into):
    done = subprocess.run([*command, "-c", str(source), "-o", str(into)], capture_output=True, text=True)
    check(done.returncode == 0, f"{source.relative_to(tree)} does not compile with an addition:\n{done.stderr[:3000]}")


# CONTRIBUTING.md names the same files, and no other file names a codec.
guide = (root / "CONTRIBUTING.md").read_text()
for title, edits in (("To add a codec", codec), ("To add an event kind", event), ("To add a stage", stage)):
    section = guide.split(f"## {title}\n")[1].split("\n## ")[0]
    wanted = {name.replace("toy", "NAME") for name, _, _ in edits}
    named = set(re.findall(r"`(src/[a-zA-Z_/]+\.[hc]pp)`", section)) - {"src/edge/codec/plain_codec.hpp", "src/model/stage.hpp"}
    check(named == wanted, f"CONTRIBUTING.md, {title}: names {sorted(named)}, and it takes {sorted(wanted)}")
rows = re.findall(r'\{CodecKind::(\w+), "(\w+)", "(\w*)"', (root / "src/model/codec_kinds.hpp").read_text())
names = "|".join({name for row in rows for name in row if name})
for path in sorted(root.glob("src/**/*.?pp")):
    where = str(path.relative_to(root))
    if where == "src/model/codec_kinds.hpp" or where.startswith("src/edge/codec/"):
        continue
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if match := re.search(rf'CodecKind::({names})\b|"({names})"', line.split("//")[0]):
            check(False, f"{where}:{n}: {match[0]}: ask facts_of() or the decoder, so that another codec needs nothing here")

with tempfile.TemporaryDirectory(prefix="vedette-additions-") as folder:
    tree = pathlib.Path(folder)
    shutil.copytree(root / "src", tree / "src")
    apply(tree, codec + event + stage)
    (tree / "main.cpp").write_text(program)
    (tree / "toys").write_text("4\nx\n")
    flags = next(shlex.split(c["command"]) for c in json.loads((build / "compile_commands.json").read_text()) if c["file"].endswith("src/edge/codec/codec.cpp"))
    start = next(i for i, a in enumerate(flags) if re.search(r"(g|clang|c)\+\+[-0-9]*$", a))
    command = [a.replace(str(root / "src"), str(tree / "src")) for a in flags[start:flags.index("-o")] if not a.startswith("-O")]
    (tree / "stage.cpp").write_text(stage_program)
    compile_one(tree, [*command, "-fsyntax-only"], tree / "src/core/engine/shard_frozen.cpp", "/dev/null")
    compile_one(tree, command, tree / "stage.cpp", tree / "stage.o")
    work = [(tree / s, tree / (s.replace("/", "_") + ".o")) for s in [*sources, "main.cpp"]]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: compile_one(tree, command, *one), work))
    if not problems:
        # The rest comes from the build, because unchanged files do not depend on the additions.
        wrap = re.search(r"-Wl,--undefined=__wrap_malloc\S*", (build / "build.ninja").read_text())
        done = subprocess.run([command[0], *[str(o) for _, o in work], *([wrap[0]] if wrap else []), str(build / "libvedette_core.a"), "-lz", "-lzstd", "-o", str(tree / "toy")],
                              capture_output=True, text=True)
        check(done.returncode == 0, f"a program with the additions does not link:\n{done.stderr[-3000:]}")
    if not problems:
        done = subprocess.run([command[0], str(tree / "stage.o"), *([wrap[0]] if wrap else []), str(build / "libvedette_core.a"), "-o", str(tree / "stage")],
                              capture_output=True, text=True)
        check(done.returncode == 0 and subprocess.run([str(tree / "stage")]).returncode == 0, f"the shard does not know of the stage:\n{done.stderr[-2000:]}")
        done = subprocess.run([str(tree / "toy"), str(tree / "toys")], capture_output=True, text=True)
        check(done.returncode == 0, f"the additions are not what the tables say (exit code {done.returncode}): {done.stderr}")
        for text in expected:
            check(text in done.stdout, f"with the additions `{text}` is missing from decode, pages or descriptions")
print("\n".join(problems) or f"a codec takes {len({f for f, _, _ in codec})} files, an event kind {len({f for f, _, _ in event})}, a stage {len({f for f, _, _ in stage})}: those that CONTRIBUTING.md names")
sys.exit(1 if problems else 0)
