// What a message says, against what is said by hand; its errors, with their places.
#include "core/assess/message.hpp"

#include <algorithm>
#include <cstring>

#include "load_site.hpp"
#include "plan/seal.hpp"
#include "promises/small_site.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::array<FieldReader, kSubjectKinds> kReaders{read_track, read_track, read_source,
                                                          read_sink, read_node};

// Single quotes in the message become double ones.
std::string site_with(std::string message, const std::string& of = "track") {
  std::replace(message.begin(), message.end(), '\'', '"');
  return "site = \"s\"\ntimezone = \"UTC\"\n[source.in]\ndriver = \"udp\"\nlisten = "
         "\"127.0.0.1:1\"\ncodec = \"ais\"\n[assess.a]\nof = \"" +
         of +
         "\"\nwhen = \"own.speed >= 0 m/s or true\"\n[decide.d]\non = \"a\"\nrun = [\"other\", "
         "\"tell\"]\n[action.other]\nsink = \"l\"\n[action.tell]\nsink = \"l\"\nmessage = '" +
         message + "'\n[sink.l]\ndriver = \"log\"\n";
}

// A ship near own ship, known well.
struct Scene {
  Scene() {
    view.world = &world;
    view.set(SubjectKind::track, &track);
    view.set(SubjectKind::own, &own);
    track.kind = IdentityKind::vessel;
    track.key = track_key(IdentityKind::vessel, 230035780);
    track.updates = 5;
    track.velocity_east = 5.0;
    track.ship_type = 82;
    track.nav_status = 15;
    std::strcpy(track.name, "PANDORA");
    track.particulars.length_dm = 1835;
    own.kind = IdentityKind::own;
  }

  std::string say(const std::string& message) {
    std::vector<std::uint8_t> bytes;
    const plan::Plan* plan = tests::load_site(site_with(message), bytes);
    REQUIRE_MESSAGE(plan != nullptr, message);
    world.plan = plan;
    view.level = 2.0;
    view.confidence = 0.85;
    char out[limits::kMessageRoom];
    std::memset(out, 'x', sizeof out);
    assess::write_message(*plan->actions()->Get(1)->pieces(), view, out);
    REQUIRE(out[sizeof out - 1] == '\0');
    return out;
  }

  Track track{}, own{};
  std::array<Tracker, static_cast<std::size_t>(IdentityKind::count)> trackers{};
  assess::World world{
      {1'704'096'296'000'000'000, trackers}, &own, Mode::normal, {}, kReaders, nullptr, {}};
  assess::View view;
};

}  // namespace

TEST_CASE("a message writes values in their units, and a fallback where one is unknown") {
  struct Said {
    std::string message, text;
  };
  Scene scene;
  for (const Said& s :
       {Said{"{track.name or track.identity} makes {track.speed in kn}", "PANDORA makes 9.7 kn"},
        Said{"{track.callsign or track.identity}", "230035780"},
        Said{"{track.callsign or track.destination or 'a ship'}!", "a ship!"},
        Said{"{track.callsign}, {own.name or track.callsign}.", "unknown, unknown."},
        Said{"{track.speed}, {track.speed in m/s}, {track.speed in km/h}",
             "5.0 m/s, 5.0 m/s, 18 km/h"},
        Said{"{track.length} {track.length in nmi} {track.length in km} {track.length in ft}",
             "184 m 0.10 nmi 0.2 km 602 ft"},
        Said{"{track.course in deg}", "90 deg"},
        Said{"a {track.ship_type}, {track.nav_status or 'status unknown'}",
             "a tanker, status unknown"},
        Said{"{track.kind} {level} {confidence} {track.lost} {track.updates} {track.updates / 2}",
             "vessel warn 85 % no 5 2.5"},
        Said{"{now in time}, then {now + 90 min in time}", "08:04, then 09:34"},
        Said{"{time_of_day} on a {weekday}", "08:04 on a monday"},
        Said{"{track.speed * 10 min in nmi}", "1.62 nmi"},
        Said{"{{braces}} {track.name}", "{braces} PANDORA"},
        Said{"{cpa(track, own) in m or 'no approach'}", "no approach"}}) {
    const std::string text = scene.say(s.message);
    CHECK_MESSAGE(text == s.text, s.message);
  }
  scene.track.kind = IdentityKind::aircraft;
  scene.track.key = track_key(IdentityKind::aircraft, 0x4B1612);
  CHECK(scene.say("{track.identity}") == "4b1612");
  scene.track.key = track_key(IdentityKind::aircraft, 0x00A512);
  CHECK(scene.say("{track.identity}") == "00a512");
}

TEST_CASE("a message that grows too long is cut at a character, and says so") {
  Scene scene;
  const std::string words(190, 'a');
  CHECK(scene.say(words + "{track.name}") == words + "PANDORA");
  CHECK(scene.say(words + "bbb{track.name}") == words + "bbbPANDORA");
  CHECK(scene.say(words + "bbbb{track.name}") == words + "bbbbPAN\u2026");
  std::string ships;
  for (int i = 0; i < 60; ++i) {
    ships += "\u8239";
  }
  const std::string cut = scene.say(ships + "{track.name}{track.name}{track.name}{track.name}");
  CHECK(cut.size() <= limits::kMessageBytes);
  CHECK(cut.starts_with(ships));
  CHECK(cut.ends_with("\u2026"));
}

TEST_CASE("a field, unit or subject that a message cannot have is refused at its place") {
  struct Wrong {
    std::string message, said;
    std::size_t column;
  };
  for (const Wrong& w :
       {Wrong{"{track.nam}", "did you mean \"name\"?", 8},
        Wrong{"at {track.speed in nmi}", "units of speed: m/s, kn, km/h", 20},
        Wrong{"{track.name in m}", "leave out", 16},
        Wrong{"{tcpa(track, own) in time}", "now + ", 22}, Wrong{"{track.name or}", "expected", 0},
        Wrong{"{track.name", "expected", 12}, Wrong{"a } b", "without", 3},
        Wrong{"{source.age}", "there is no source", 2},
        Wrong{"{track.name == 'A'}", "expected", 13},
        Wrong{"{track.name or 'x}", "does not end", 16}, Wrong{"{}", "unexpected character", 2}}) {
    const plan::Compiled c = plan::compile_site(site_with(w.message), "");
    REQUIRE_MESSAGE(!c.problems.empty(), w.message);
    const std::string all = c.problems[0].message + "; " + c.problems[0].help;
    CHECK_MESSAGE((w.column == 0 || all.find(w.said) != std::string::npos),
                  (w.message + ": " + all));
    if (w.column != 0) {
      CHECK_MESSAGE(c.problems[0].column == 11 + w.column, (w.message + ": " + all));
    }
  }
  CHECK(plan::compile_site(site_with("{source.age in s} {own.name}", "source.in"), "")
            .problems.empty());
  // Two subjects for one action.
  const std::string two = site_with("{track.name}") +
                          "[assess.b]\nof = \"node\"\nwhen = \"node.mode > 0\"\n[decide.e]\non = "
                          "\"b\"\nrun = \"tell\"\n";
  const plan::Compiled c = plan::compile_site(two, "");
  REQUIRE(c.problems.size() == 1);
  CHECK(c.problems[0].message.find("different subjects") != std::string::npos);
  std::string without = two;
  without.replace(without.find("{track.name}"), 12, "{own.name} ");
  CHECK(plan::compile_site(without, "").problems.empty());
}

TEST_CASE("a later attempt says what the first said, whatever the track is called by then") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = tests::load_site(
      R"(
site = "again"
[source.a]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.a]
on = "seen"
run = "tell"
[action.tell]
sink = "log"
retries = 2
message = "{track.name or 'somebody'} at {track.updates}"
[sink.log]
driver = "log"
)",
      bytes);
  REQUIRE(plan != nullptr);
  tests::ShardInMemory engine(*plan);
  std::vector<std::string> said;
  std::vector<std::uint64_t> sequences;
  const auto run = [&](std::int64_t now_ns) {
    for (auto b = engine.step(now_ns); !b.empty(); b = engine.step(now_ns)) {
      for_each_event(b, [&](const EventHeader& e, Bytes payload) {
        if (e.kind == EventKind::action) {
          said.emplace_back(payload_as<ActionIntent>(payload).message);
          sequences.push_back(e.sequence);
          CHECK(e.payload_bytes < sizeof(ActionIntent));  // no zeros behind the text
          CHECK(is_event(e.kind, e.payload_bytes));
        }
      });
    }
  };
  engine.put(tests::ship(1, 0), tests::kStart);
  run(tests::kStart);
  REQUIRE(said.size() == 1);
  CHECK(said[0] == "somebody at 1");
  Observation named = tests::ship(1, 1);
  std::strcpy(named.name, "ULLA");
  named.set(Field::name);
  engine.put(named, tests::kStart + tests::kSecond);
  engine.put_outcome(sequences[0], tests::kStart + tests::kSecond, Exit::abandonment);
  for (int s = 1; s < 5; ++s) {
    run(tests::kStart + s * tests::kSecond);
  }
  REQUIRE(said.size() == 2);
  CHECK(said[1] == said[0]);
}
