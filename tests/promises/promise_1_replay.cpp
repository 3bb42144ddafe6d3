// Promise 1: feeding a journal to the same plan gives the same resolutions, actions and belief, bit
// for bit.
#include <random>

#include "load_site.hpp"
#include "node/replay.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"
#include "tracking_world.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

// A minute of traffic; returns each step's batch.
std::vector<std::vector<std::uint8_t>> watch(ShardInMemory& engine, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<std::uint8_t>> batches;
  for (int i = 0; i < 240; ++i) {
    const std::int64_t now = kStart + i * kSecond / 4;
    for (std::uint64_t n = random() % 6; n > 0; --n) {
      const std::uint64_t mmsi = 1 + random() % 40;
      const int north = static_cast<int>(random() % 50);
      engine.put(ship(mmsi, north), now, random() % 2);
    }
    for (auto b = engine.step(now); !b.empty(); b = engine.step(now)) {
      batches.push_back(b);
      for_each_event(b, [&](const EventHeader& e, Bytes) {
        if (e.kind == EventKind::action && e.state.phase() == Phase::transient &&
            random() % 3 != 0) {
          engine.put_outcome(e.sequence, now, Exit::success);
        }
      });
    }
  }
  engine.shard().seal_quiet();
  batches.push_back(engine.step(kStart + 60 * kSecond));
  return batches;
}

std::vector<std::uint8_t> frozen(const engine::Shard& shard, const plan::Plan& plan) {
  std::vector<std::uint8_t> state(engine::frozen_bytes_bound(plan));
  Freezer freezer(state);
  shard.freeze(freezer);
  state.resize(freezer.used());
  return state;
}

}  // namespace

TEST_CASE("a journal replays from its beginning and from any state on the way, to the same bytes") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = small_site(bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  const auto batches = watch(engine, 5);
  REQUIRE(batches.size() > 100);
  const auto end = frozen(engine.shard(), *plan);
  node::Stepped whole;
  whole.init(*plan, 1, 1);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    REQUIRE(whole.apply(batches[i]) == "");
    if (i % 40 == 17) {  // thaw here and continue in parallel
      node::Stepped part;
      part.init(*plan, 1, 1);
      REQUIRE(part.thaw(frozen(whole.shard(), *plan)));
      for (std::size_t j = i + 1; j < batches.size(); ++j) {
        REQUIRE(part.apply(batches[j]) == "");
      }
      CHECK(frozen(part.shard(), *plan) == end);
    }
  }
  CHECK(frozen(whole.shard(), *plan) == end);
}

TEST_CASE("what tells nothing has no batch of its own, and replays all the same") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = small_site(bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart, 1);
  std::vector<std::vector<std::uint8_t>> batches;
  std::int64_t now = kStart;
  // Past four seconds, to where the last batch, of a round of the self-check, lies behind.
  for (; now < kStart + 4 * kSecond || engine.shard().quiet_steps() == 0; now += kSecond / 100) {
    REQUIRE(now < kStart + 5 * kSecond);
    for (auto b = engine.step(now); !b.empty(); b = engine.step(now)) {
      batches.push_back(b);
    }
  }
  CHECK(batches.size() < 10);  // sixteen ticks, their sweeps, five stints of the self-check
  engine.put(ship(1, 1), now, 1);
  batches.push_back(engine.step(now));
  CHECK(engine.shard().quiet_steps() == 0);
  node::Stepped whole;
  whole.init(*plan, 1, 1);
  std::uint32_t quiet = 0;
  for (const std::vector<std::uint8_t>& batch : batches) {
    quiet += payload_as<BatchHeader>(Bytes(batch)).quiet;
    REQUIRE(whole.apply(batch) == "");
  }
  CHECK(quiet >= 16);
  CHECK(frozen(whole.shard(), *plan) == frozen(engine.shard(), *plan));
}

TEST_CASE("a batch with any one byte changed does not replay, or is refused") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = small_site(bytes);
  ShardInMemory engine(*plan);
  const auto batches = watch(engine, 6);
  node::Stepped stepped;
  stepped.init(*plan, 1, 1);
  // A short batch with an observation: it enters the digest only at the seal.
  const auto fits = [](const std::vector<std::uint8_t>& batch) {
    bool observed = false;
    for_each_event(batch, [&](const EventHeader& e, Bytes) {
      observed = observed || e.kind == EventKind::observation;
    });
    return observed && batch.size() < 1024;
  };
  std::size_t chosen = 30;
  while (!fits(batches[chosen])) {
    ++chosen;
    REQUIRE(chosen < batches.size());
  }
  for (std::size_t i = 0; i < chosen; ++i) {
    REQUIRE(stepped.apply(batches[i]) == "");
  }
  const auto state = frozen(stepped.shard(), *plan);
  for (std::size_t at = 0; at < batches[chosen].size(); at += 7) {
    auto changed = batches[chosen];
    changed[at] ^= 0x10;
    // The journal's reader refuses malformed events before a replay sees them.
    if (!for_each_event(changed, [](const EventHeader&, Bytes) {})) {
      continue;
    }
    node::Stepped again;
    again.init(*plan, 1, 1);
    REQUIRE(again.thaw(state));
    CHECK_MESSAGE(again.apply(changed) != "", at);
  }
}

TEST_CASE("a watch of contacts whose batches are cut anywhere replays to the same bytes") {
  const std::vector<SimulatedSensor> sensors{{0, 0, 2000, 0, 360, 1.0, 5, 0.2, 0.8}};
  TrackingWorld world(3, 12, 1000.0, sensors, 3e-6, 0.0);
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(world.site("[assess.near]\nof = \"track\"\n"
                                                "when = \"track.updates >= 3\"\n"),
                                     bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  node::Stepped again;
  again.init(*plan, 1, 1);
  std::mt19937_64 random(9);
  const engine::Urgency urgency{
      [](void* context) { return (*static_cast<std::mt19937_64*>(context))() % 6 == 0; }, &random};
  int cuts = 0;
  for (int i = 0; i < 600; ++i) {
    std::vector<Observation> scan;
    for (const Report& r : world.next()) {
      scan.push_back(r.observation);
    }
    const auto now = TrackingWorld::kStartNs + static_cast<std::int64_t>(world.now_s() * 1e9);
    REQUIRE(engine.put_datagram(scan, now, 0));
    do {
      const auto batch = engine.step(now, urgency);
      BatchHeader header;
      REQUIRE(batch.size() >= sizeof header);
      std::memcpy(&header, batch.data(), sizeof header);
      cuts += header.cut != kNotCut ? 1 : 0;
      REQUIRE(again.apply(batch) == "");
    } while (engine.backlog() != 0);  // judgements may be left for the next step
  }
  CHECK(cuts > 100);
}
