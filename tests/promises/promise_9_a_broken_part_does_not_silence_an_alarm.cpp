// Promise 9: a disk that does not take an alarm's intent in time lets the alarm through, marked;
// that it left so is an event, which a replay repeats.
#include <string>
#include <vector>

#include "edge/sink/act.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

const plan::Plan* site_with(std::vector<std::uint8_t>& bytes, const std::string& durable) {
  return load_site(R"(
site = "alarms"
[limits]
pending_actions = 8
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
horizon = "2 s"
)" + durable + "[sink.log]\ndriver = \"log\"\n",
                   bytes);
}

// A shard and its sink, on a disk of which only the last durable event is known.
struct Watch {
  explicit Watch(const std::string& action) : plan(site_with(bytes, action)) {
    REQUIRE(plan != nullptr);
    Arena arena(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size() * 8);
    log.init(arena, 64, 1 << 16);
    outcomes.init(arena, 64, 1 << 14);
    REQUIRE(act.init(arena, *plan, devices, &log) == "");
    shard.emplace(*plan);
  }
  // One step of the shard; its orders go to the sink, the sink's events to the shard.
  void step(std::int64_t now_ns) {
    const std::vector<std::uint8_t> batch = shard->step(now_ns);
    if (!batch.empty()) {
      batches.push_back(batch);
      for_each_event(batch, [&](const EventHeader& e, Bytes payload) {
        kinds[static_cast<std::size_t>(e.kind)] += 1;
        if (e.kind == EventKind::action && e.state.phase() == Phase::transient) {
          act.submit({e, payload_as<ActionIntent>(payload), e.sequence, e.observed_ns, 0}, durable,
                     now_ns, outcomes);
        } else if (e.kind == EventKind::resolution) {
          act.withdraw(payload_as<Resolution>(payload).sequence);
        }
      });
    }
    act.step(durable, now_ns, outcomes);
    for (Bytes event = outcomes.peek(); !event.empty(); event = outcomes.peek()) {
      REQUIRE(shard->put_input(event));
      outcomes.release();
    }
    for (Bytes line = log.peek(); !line.empty(); line = log.peek()) {
      lines.emplace_back(reinterpret_cast<const char*>(line.data()), line.size());
      log.release();
    }
  }
  std::size_t count(EventKind kind) const { return kinds[static_cast<std::size_t>(kind)]; }

  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan;
  std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(1 << 16);
  platform::DeviceKeeper devices;
  Lane log, outcomes;
  sink::Act act;
  std::optional<ShardInMemory> shard;
  std::uint64_t durable = 0;
  std::vector<std::string> lines;
  std::vector<std::vector<std::uint8_t>> batches;
  std::array<std::size_t, kEventKindNumbers> kinds{};
};

constexpr std::string_view kMark = "\"recorded\":false";

void check_replay(const Watch& watch) {
  ShardInMemory again(*watch.plan);
  std::vector<std::uint64_t> memory(1 << 18);
  Arena arena(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size() * 8);
  Lane made;
  made.init(arena, 4, 2 * engine::batch_bytes_bound(*watch.plan));
  for (const std::vector<std::uint8_t>& batch : watch.batches) {
    const Bytes replayed = again.shard().replay(batch, made);
    REQUIRE(replayed.size() == batch.size());
    CHECK(std::memcmp(replayed.data(), batch.data(), batch.size()) == 0);
    made.peek();
    made.release();
  }
}

}  // namespace

TEST_CASE("without a disk an alarm leaves within 50 ms, marked, and a replay repeats that") {
  Watch watch("");
  watch.shard->put(ship(1, 0), kStart);
  std::int64_t now = kStart;
  for (; watch.lines.empty() && now < kStart + kSecond; now += kMillisecond) {
    watch.step(now);
  }
  REQUIRE(watch.lines.size() == 1);
  CHECK(now - kStart <= 52 * kMillisecond);
  CHECK(now - kStart > 50 * kMillisecond);
  CHECK(watch.lines[0].find(kMark) != std::string::npos);
  CHECK(watch.lines[0].find("possible_duplicate") == std::string::npos);
  for (int i = 0; i < 4; ++i, now += kSecond) {
    watch.step(now);
  }
  CHECK(watch.lines.size() == 1);
  CHECK(watch.count(EventKind::unrecorded) == 1);
  CHECK(watch.count(EventKind::outcome) == 1);
  CHECK(watch.act.counters(0).unrecorded.load() == 1);
  CHECK(watch.shard->shard().delivery().size() == 0);
  check_replay(watch);
}

TEST_CASE("recorded in time, an alarm leaves at once and without a mark") {
  Watch watch("record_within = \"200 ms\"\n");
  watch.shard->put(ship(1, 0), kStart);
  watch.step(kStart);
  watch.step(kStart + 199 * kMillisecond);
  CHECK(watch.lines.empty());
  watch.durable = watch.shard->shard().progress().last_sequence;
  watch.step(kStart + 199 * kMillisecond);
  REQUIRE(watch.lines.size() == 1);
  CHECK(watch.lines[0].find(kMark) == std::string::npos);
  watch.step(kStart + 200 * kMillisecond);
  CHECK(watch.count(EventKind::unrecorded) == 0);
  CHECK(watch.count(EventKind::outcome) == 1);
}

TEST_CASE("an action that must not happen unrecorded waits for the disk, or for its horizon") {
  Watch watch("durable = \"before\"\n");
  watch.shard->put(ship(1, 0), kStart);
  for (std::int64_t now = kStart; now < kStart + 3 * kSecond; now += 10 * kMillisecond) {
    watch.step(now);
  }
  CHECK(watch.lines.empty());
  CHECK(watch.shard->shard().delivery().size() == 0);
}

TEST_CASE("what could not say that it leaves unrecorded waits until it can") {
  Watch watch("");
  watch.shard->put(ship(1, 0), kStart);
  watch.step(kStart);
  while (std::uint8_t* at = watch.outcomes.reserve(64)) {
    std::memset(at, 0, 64);
    watch.outcomes.commit(64);
  }
  watch.act.step(0, kStart + kSecond, watch.outcomes);
  CHECK(watch.log.size() == 0);
  CHECK(watch.act.waiting() == 1);
  while (!watch.outcomes.peek().empty()) {
    watch.outcomes.release();
  }
  watch.step(kStart + kSecond);
  watch.step(kStart + kSecond);
  CHECK(watch.lines.size() == 1);
  CHECK(watch.count(EventKind::unrecorded) == 1);
}

TEST_CASE("after a run that was killed an alarm is marked as a possible duplicate") {
  Watch watch("");
  EventHeader killed{};
  killed.observed_ns = killed.received_ns = kStart;
  killed.kind = EventKind::unrecorded;
  killed.event_class = EventClass::high;
  killed.source = kNoSource;
  REQUIRE(watch.shard->put_input(killed, Unrecorded{0}));
  watch.shard->put(ship(1, 0), kStart);
  watch.step(kStart);
  watch.step(kStart + kSecond);
  REQUIRE(watch.lines.size() == 1);
  CHECK(watch.lines[0].find("\"possible_duplicate\":true") != std::string::npos);
  check_replay(watch);
}
