#include "node/post.hpp"

#include <vector>

#include "model/derived.hpp"
#include "test.hpp"

using namespace vedette;

TEST_CASE("what finds a lane full is counted and leaves no trace in it; what is taken comes out") {
  std::vector<std::uint64_t> memory(Lane::bytes_needed(4, 1024) / 8 + 32);
  Arena arena(memory.data(), memory.size() * 8);
  Lane lane;
  lane.init(arena, 4, 1024, Lane::Ends::together);
  std::atomic<std::uint64_t> full{0};
  Overrun overrun{};
  EventHeader header{};
  header.kind = EventKind::fault;
  header.payload_bytes = sizeof overrun;
  int taken = 0;
  for (int i = 1; i <= 20; ++i) {
    overrun.took_ns = i;
    taken += node::post(lane, header, bytes_of(overrun), full) ? 1 : 0;
  }
  REQUIRE(taken > 0);
  CHECK(full == 20U - static_cast<unsigned>(taken));
  for (int i = 1; i <= taken; ++i) {
    const Bytes record = lane.peek();
    REQUIRE(record.size() >= event_bytes(sizeof overrun));
    const auto* event = reinterpret_cast<const EventHeader*>(record.data());
    CHECK(event->kind == EventKind::fault);
    CHECK(payload_as<Overrun>(*event).took_ns == i);
    lane.release();
  }
  CHECK(lane.peek().empty());
  CHECK(node::post(lane, header, bytes_of(overrun), full));
}
