// Promise 2: every event exits exactly once, within its horizon, under any load: accepted = waiting
// + transient + success + retraction + abandonment at every batch.
#include <map>

#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

TEST_CASE(
    "more actions than there is room for, answers that never come and answers that come late") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = small_site(bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  std::map<std::uint64_t, int> exits;  // in their own batch
  std::vector<std::uint64_t> under_way;
  std::uint64_t accepted = 0;
  const auto step_all = [&](std::int64_t now) {
    for (auto b = engine.step(now); !b.empty(); b = engine.step(now)) {
      BatchHeader h;
      std::memcpy(&h, b.data(), sizeof h);
      CHECK(h.accepted == h.waiting + h.transient + h.exits[0] + h.exits[1] + h.exits[2]);
      CHECK(h.waiting == 0);  // everything admitted has left or is under way at the seal
      for_each_event(b, [&](const EventHeader& e, Bytes) {
        ++accepted;
        if (e.state.phase() == Phase::resolved) {
          CHECK(++exits[e.sequence] == 1);
        } else {
          CHECK(e.state.phase() == Phase::transient);
          under_way.push_back(e.sequence);
        }
      });
    }
  };
  for (int i = 0; i < 30; ++i) {  // thirty ships at once, four places for actions
    engine.put(ship(static_cast<std::uint64_t>(1 + i), 0), kStart, 1);
  }
  step_all(kStart);
  CHECK(under_way.size() == 4);
  const engine::Progress& p = engine.shard().progress();
  CHECK(p.transient == 4);
  CHECK(p.exits[2] == 26);  // abandoned for lack of a place
  engine.put_outcome(under_way[0], kStart, Exit::success);
  engine.put_outcome(under_way[1], kStart, Exit::abandonment);
  step_all(kStart + kSecond);
  CHECK(p.transient == 2);
  step_all(kStart + 3 * kSecond);  // past the horizon of the two without an outcome
  CHECK(p.transient == 0);
  CHECK(p.exits[2] == 26 + 1 + 2);
  const std::uint64_t retracted = p.exits[1];
  engine.put_outcome(under_way[2], kStart + 3 * kSecond, Exit::success);  // too late
  step_all(kStart + 4 * kSecond);
  CHECK(p.exits[1] == retracted + 1);
  CHECK(engine.shard().late_outcomes() == 1);
  CHECK(accepted == p.accepted);
  CHECK(p.accepted == p.exits[0] + p.exits[1] + p.exits[2]);
  CHECK(exits.size() + under_way.size() == p.accepted);
}
