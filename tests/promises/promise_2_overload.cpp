// Promise 2 under overload: late events are shed in the declared order, each with its reason, and
// the node recovers.
#include <map>
#include <string>

#include "plan/plan.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

const plan::Plan* busy_site(std::vector<std::uint8_t>& bytes) {
  return load_site(R"(
site = "busy"
[limits]
recover = "4 s"
[source.urgent]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
class = "high"
horizon = "8 s"
[source.routine]
driver = "udp"
listen = "127.0.0.1:2"
codec = "ais"
class = "bulk"
horizon = "8 s"
sample = 4
[assess.always]
of = "track"
when = "track.updates >= 1"
[assess.else]
of = "track"
when = "track.updates >= 1"
safe = false
[assess.near]
of = "track"
when = "distance(track, own) < 1 km"
cheap_when = "track.speed >= 0 m/s"
[decide.d]
on = "near"
run = "near"
[decide.a]
on = "always"
run = "needed"
[decide.b]
on = "always"
run = "nice"
[decide.c]
on = "else"
run = "nice"
[action.needed]
sink = "log"
[action.nice]
sink = "log"
safe = false
[action.near]
sink = "log"
[sink.log]
driver = "log"
)",
                   bytes);
}

struct Watch {
  explicit Watch(const plan::Plan& plan) : engine(plan) {}

  void at(std::int64_t now_ns) {
    reasons.clear();
    actions.clear();
    for (auto b = engine.step(now_ns); !b.empty(); b = engine.step(now_ns)) {
      for_each_event(b, [&](const EventHeader& e, Bytes payload) {
        if (e.kind == EventKind::observation) {
          ++reasons[e.state.reason()];
        } else if (e.kind == EventKind::action) {
          ++actions[payload_as<ActionIntent>(payload).action];
        } else if (e.kind == EventKind::mode) {
          modes.push_back(payload_as<ModeChange>(payload).mode);
          CHECK((payload_as<ModeChange>(payload).cause != 0) ==
                (payload_as<ModeChange>(payload).late_ns != 0));
        }
      });
    }
  }

  ShardInMemory engine;
  std::map<Reason, int> reasons;
  std::map<int, int> actions;  // by index in the plan
  std::vector<Mode> modes;
};

}  // namespace

TEST_CASE("late bulk makes overload: what is too late is shed, of the rest each n-th is worked") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = busy_site(bytes);
  REQUIRE(plan != nullptr);
  Watch watch(*plan);
  watch.engine.put(ship(1, 0), kStart - 5 * kSecond, 1, EventClass::bulk);
  for (std::uint64_t i = 0; i < 8; ++i) {
    watch.engine.put(ship(10 + i, 0), kStart - 3 * kSecond, 1, EventClass::bulk);
  }
  for (std::uint64_t i = 0; i < 8; ++i) {
    watch.engine.put(ship(20 + i, 0), kStart, 1, EventClass::bulk);
  }
  watch.at(kStart);
  CHECK(watch.modes == std::vector<Mode>{Mode::overload});
  CHECK(watch.reasons[Reason::shed] == 9);
  CHECK(watch.reasons[Reason::applied] == 2);
  CHECK(watch.reasons[Reason::sampled_out] == 6);
  CHECK(watch.actions[0] == 2);  // decisions continue
  CHECK(watch.actions[1] == 4);
  for (int i = 1; i < 16; ++i) {
    watch.at(kStart + i * kSecond / 4);
  }
  CHECK(watch.modes.size() == 1);  // hysteresis: not yet
  watch.at(kStart + 17 * kSecond / 4);
  CHECK(watch.modes == std::vector<Mode>{Mode::overload, Mode::normal});
  watch.engine.put(ship(40, 0), kStart + 5 * kSecond, 1, EventClass::bulk);
  watch.at(kStart + 5 * kSecond);
  CHECK(watch.reasons[Reason::applied] == 1);
}

TEST_CASE(
    "a late urgent event makes safe mode: only what the site wants always is judged and done") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = busy_site(bytes);
  Watch watch(*plan);
  watch.engine.put(ship(1, 0), kStart - 5 * kSecond, 0, EventClass::high);
  watch.at(kStart);
  CHECK(watch.modes == std::vector<Mode>{Mode::safe});
  CHECK(watch.reasons[Reason::applied] == 1);  // late, but worked
  CHECK(watch.actions[0] == 1);
  CHECK(watch.actions[1] == 0);
  // Recovers in two steps, each after its time.
  for (int i = 1; i < 40; ++i) {
    watch.at(kStart + i * kSecond / 4);
  }
  CHECK(watch.modes == std::vector<Mode>{Mode::safe, Mode::overload, Mode::normal});
  watch.engine.put(ship(2, 0), kStart + 10 * kSecond, 0, EventClass::high);
  watch.at(kStart + 10 * kSecond);
  CHECK(watch.actions[1] >= 2);
}

TEST_CASE("an event past its horizon is given up, however urgent") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = busy_site(bytes);
  Watch watch(*plan);
  watch.engine.put(ship(1, 0), kStart - 9 * kSecond, 0, EventClass::high);
  watch.at(kStart);
  CHECK(watch.reasons[Reason::horizon] == 1);
  CHECK(watch.engine.shard().progress().exits[2] == 1);
}

TEST_CASE("in overload a judgement's cheaper condition stands in for it") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = busy_site(bytes);
  REQUIRE(plan != nullptr);
  Watch watch(*plan);
  watch.engine.put(ship(4, 0), kStart, 1, EventClass::bulk);
  watch.at(kStart);
  CHECK(watch.actions[2] == 0);  // own position is unknown
  watch.engine.put(ship(1, 0), kStart - 5 * kSecond, 1, EventClass::bulk);
  for (int i = 0; i < 4; ++i) {  // one in four is worked
    watch.engine.put(ship(4, 0), kStart, 1, EventClass::bulk);
  }
  watch.at(kStart);
  REQUIRE(watch.modes == std::vector<Mode>{Mode::overload});
  CHECK(watch.actions[2] == 1);
}

TEST_CASE("a cheaper condition that is not cheaper is an error that names both costs") {
  const plan::Compiled compiled = plan::compile_site(
      "site = \"x\"\n[source.a]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"ais\"\n"
      "[assess.a]\nof = \"track\"\nwhen = \"track.updates > 1\"\n"
      "cheap_when = \"cpa(track, own) < 1 nmi\"\n",
      "");
  REQUIRE(compiled.problems.size() == 1);
  CHECK(compiled.problems[0].line == 9);
  CHECK(compiled.problems[0].message.find("202") != std::string::npos);
}
