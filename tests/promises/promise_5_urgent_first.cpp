// Promise 5: a critical event never waits for routine work longer than one bounded work item, and a
// replay repeats the preemption.
#include <string>
#include <vector>

#include "load_site.hpp"
#include "node/replay.hpp"
#include "plan/plan.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
constexpr int kRoutine = 40;

constexpr std::string_view kSite = R"(
site = "urgent"
[limits]
tracks = 128
batch_events = 64
[source.distress]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
class = "critical"
[source.traffic]
driver = "udp"
listen = "127.0.0.1:2"
codec = "ais"
class = "bulk"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.tell]
on = "seen"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
)";

Observation ship(std::uint64_t mmsi) {
  Observation o;
  o.kind = IdentityKind::vessel;
  o.identity = mmsi;
  o.set(Field::position);
  o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + mmsi * 1000);
  o.longitude_e7 = 240'000'000;
  return o;
}

// Puts an urgent event and reports it at the `at`-th query.
struct Interruption {
  tests::ShardInMemory* engine;
  int at;
  int asked = 0;
  int after = 0;  // further queries before the cut

  static bool waiting(void* context) {
    auto& self = *static_cast<Interruption*>(context);
    if (++self.asked == self.at) {
      self.engine->put(ship(999), kStart, 0, EventClass::critical);
    }
    self.after += self.asked > self.at ? 1 : 0;
    return self.asked >= self.at;
  }
};

std::vector<EventHeader> events_of(const std::vector<std::uint8_t>& batch) {
  std::vector<EventHeader> events;
  for_each_event(batch, [&](const EventHeader& e, Bytes) { events.push_back(e); });
  return events;
}

constexpr std::string_view kSilent = R"(
[assess.silent]
of = "track"
when = "track.age > 5 s"
)";
constexpr std::int64_t kSilentAfter = 10'000'000'000;

// Makes every routine ship known and judged.
void settle(tests::ShardInMemory& engine) {
  for (int i = 0; i < kRoutine; ++i) {
    engine.put(ship(static_cast<std::uint64_t>(100 + i)), kStart, 1, EventClass::bulk);
  }
  while (engine.backlog() != 0 || engine.shard().unfinished()) {
    engine.step(kStart);
  }
}

struct Judged {
  int ticks = 0, silent = 0;
};
Judged step(tests::ShardInMemory& engine, std::int64_t now_ns) {
  Judged judged;
  const std::vector<std::uint8_t> batch = engine.step(now_ns);
  if (batch.empty()) {  // quiet
    return judged;
  }
  judged.ticks = static_cast<int>(payload_as<BatchHeader>(Bytes(batch)).ticked);
  for (const EventHeader& e : events_of(batch)) {
    judged.silent += e.kind == EventKind::assessment ? 1 : 0;
  }
  return judged;
}

}  // namespace

TEST_CASE("wherever a critical event arrives, the batch is cut there and the next begins with it") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = tests::load_site(kSite, bytes);
  REQUIRE(plan != nullptr);
  int cuts = 0;
  for (int at = 1; at < 3 * kRoutine; ++at) {
    tests::ShardInMemory engine(*plan);
    for (int i = 0; i < kRoutine; ++i) {
      engine.put(ship(static_cast<std::uint64_t>(100 + i)), kStart, 1, EventClass::bulk);
    }
    Interruption interruption{&engine, at};
    std::vector<std::vector<std::uint8_t>> batches;
    batches.push_back(engine.step(kStart, {Interruption::waiting, &interruption}));
    const bool arrived = interruption.asked >= at;
    cuts += arrived ? 1 : 0;
    CHECK(interruption.after == 0);  // not one work item between arrival and cut
    for (auto b = engine.step(kStart + 1); !b.empty(); b = engine.step(kStart + 1)) {
      batches.push_back(b);
    }
    if (arrived) {
      const auto next = events_of(batches[1]);
      CHECK(next[0].event_class == EventClass::critical);
      // Its judgement comes first: its consequences precede the routine work.
      std::uint32_t inputs = 0;
      std::memcpy(&inputs, batches[1].data() + offsetof(BatchHeader, input_count), sizeof inputs);
      REQUIRE(next.size() > inputs);
      CHECK(next[inputs].cause == next[0].sequence);
    }
    // The cut loses and repeats nothing.
    std::size_t observations = 0, actions = 0;
    node::Stepped again;
    again.init(*plan, 1, 1);
    for (const auto& batch : batches) {
      for (const EventHeader& e : events_of(batch)) {
        observations += e.kind == EventKind::observation ? 1 : 0;
        actions += e.kind == EventKind::action ? 1 : 0;
      }
      CHECK(again.apply(batch) == "");
    }
    CHECK(observations == kRoutine + (arrived ? 1 : 0));
    CHECK(actions == observations);
    CHECK(again.shard().progress().digest == engine.shard().progress().digest);
  }
  CHECK(cuts >= 2 * kRoutine - 2);  // between inputs, and between judgements
}

TEST_CASE("a step with a tick judges no track, and each step of the sweep behind it a few") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = tests::load_site(std::string(kSite) + std::string(kSilent), bytes);
  REQUIRE(plan != nullptr);
  tests::ShardInMemory engine(*plan);
  settle(engine);
  const Judged first = step(engine, kStart + kSilentAfter);
  CHECK(first.ticks == 1);
  CHECK(first.silent == 0);
  const int a_step = static_cast<int>(limits::sweep_tracks(128));
  for (int judged = 0; judged < kRoutine; judged += a_step) {
    REQUIRE(engine.shard().unfinished());
    const Judged next = step(engine, kStart + kSilentAfter);
    CHECK(next.ticks == 0);
    CHECK(next.silent == a_step);
  }
  CHECK(!engine.shard().unfinished());
}

TEST_CASE("a tick with every step does not put the sweep off for good") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = tests::load_site(std::string(kSite) + std::string(kSilent), bytes);
  REQUIRE(plan != nullptr);
  tests::ShardInMemory engine(*plan);
  settle(engine);
  const Judged first = step(engine, kStart + kSilentAfter);
  CHECK(first.ticks == 1);
  CHECK(first.silent == 0);
  // Every track has its turn, and only one sweep follows the last tick.
  const int a_step = static_cast<int>(limits::sweep_tracks(128));
  int silent = 0;
  for (int i = 2; silent < kRoutine; ++i) {
    const Judged next = step(engine, kStart + i * kSilentAfter);
    CHECK(next.ticks == 1);
    REQUIRE(next.silent == a_step);
    silent += next.silent;
  }
  CHECK(silent == kRoutine);
  int steps = 0;
  for (; engine.shard().unfinished(); ++steps) {
    step(engine, kStart + 2);
  }
  CHECK(steps <= kRoutine / a_step + 2);
}

TEST_CASE("what a cut left behind is in the frozen state") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = tests::load_site(kSite, bytes);
  tests::ShardInMemory engine(*plan);
  for (int i = 0; i < kRoutine; ++i) {
    engine.put(ship(static_cast<std::uint64_t>(100 + i)), kStart, 1, EventClass::bulk);
  }
  Interruption interruption{&engine, kRoutine + 10};
  engine.step(kStart, {Interruption::waiting, &interruption});
  CHECK(engine.shard().unfinished());
  std::vector<std::uint8_t> frozen(engine::frozen_bytes_bound(*plan));
  Freezer freezer(frozen);
  engine.shard().freeze(freezer);
  node::Stepped thawed;
  thawed.init(*plan, 1, 1);
  REQUIRE(thawed.thaw(Bytes(frozen.data(), freezer.used())));
  for (auto b = engine.step(kStart + 1); !b.empty(); b = engine.step(kStart + 1)) {
    CHECK(thawed.apply(b) == "");
  }
  CHECK(thawed.shard().progress().digest == engine.shard().progress().digest);
}
