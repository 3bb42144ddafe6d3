#include "core/engine/waiting.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "one_stage.hpp"
#include "test.hpp"

using namespace vedette;
using engine::Waiting;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongest = 60 * kSecond;
constexpr std::int64_t kGrain = kLongest / 4000 + 1;  // closer deadlines count as equal

struct World {
  explicit World(std::size_t capacity)
      : of("site = \"waiting\"\n[limits]\nwaiting_events = " + std::to_string(capacity) +
           "\n[source.in]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"ais\"\n"
           "horizon = \"60 s\"\n"),
        waiting(of.stage()) {}
  void add(std::uint64_t sequence, EventClass event_class, std::int64_t deadline_ns) {
    EventHeader header{};
    header.sequence = sequence;
    header.kind = EventKind::observation;
    header.payload_bytes = sizeof(Observation);
    header.event_class = event_class;
    header.source = 0;
    header.state = StateWord::make(Phase::accepted);
    Observation observation{};
    observation.identity = sequence;
    waiting.add(header, observation, deadline_ns);
  }
  // Removes everything in order of work; returns the sequences.
  std::vector<std::uint64_t> drain() {
    std::vector<std::uint64_t> order;
    while (waiting.first() != Waiting::kNone) {
      order.push_back(waiting[waiting.first()].header.sequence);
      waiting.remove(waiting.first());
    }
    return order;
  }
  tests::OneStage<Waiting> of;
  Waiting& waiting;
};

}  // namespace

TEST_CASE("what waits goes by class, then by deadline, then as it came") {
  World w(16);
  w.add(1, EventClass::bulk, 1 * kSecond);
  w.add(2, EventClass::normal, 9 * kSecond);
  w.add(3, EventClass::normal, 5 * kSecond);
  w.add(4, EventClass::critical, 50 * kSecond);
  w.add(5, EventClass::normal, 5 * kSecond);
  w.add(6, EventClass::high, 40 * kSecond);
  CHECK(w.drain() == std::vector<std::uint64_t>{4, 6, 3, 5, 2, 1});
  CHECK(w.waiting.size() == 0);
}

TEST_CASE(
    "each event is found by its number, with what it holds, until it is removed, and full is "
    "full") {
  World w(8);
  for (std::uint64_t n = 1; n <= 8; ++n) {
    CHECK_FALSE(w.waiting.full());
    w.add(n * 11, EventClass::normal, static_cast<std::int64_t>(n) * kSecond);
  }
  CHECK(w.waiting.full());
  const std::uint32_t slot = w.waiting.find(44);
  REQUIRE(slot != Waiting::kNone);
  CHECK(w.waiting[slot].observation.identity == 44);
  CHECK(w.waiting.deadline_ns(slot) == 4 * kSecond);
  w.waiting.remove(slot);
  CHECK(w.waiting.find(44) == Waiting::kNone);
  CHECK_FALSE(w.waiting.full());
  w.add(99, EventClass::critical, kSecond);  // reuses the free slot
  CHECK(w.waiting.full());
  CHECK(w.waiting.find(99) == slot);
  CHECK(w.waiting.find(55) != Waiting::kNone);
}

TEST_CASE("an event is overdue from its deadline on, and none is before") {
  World w(8);
  w.add(1, EventClass::normal, 5 * kSecond);
  w.add(2, EventClass::bulk, 3 * kSecond);
  CHECK(w.waiting.overdue(3 * kSecond - 1) == Waiting::kNone);
  CHECK(w.waiting.overdue(3 * kSecond) == w.waiting.find(2));
  CHECK(w.waiting.overdue(5 * kSecond) == w.waiting.find(1));  // the more urgent class first
}

TEST_CASE("a thousand random events come in the order of a sorted list, also behind a restart") {
  std::mt19937_64 random(26);
  World w(1000);
  struct Expected {
    EventClass event_class;
    std::int64_t deadline_ns;
    std::uint64_t sequence;
  };
  std::vector<Expected> expected;
  w.waiting.advance(kSecond);
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    // Whole seconds: equal deadlines share a grain only on purpose.
    const auto deadline_ns = static_cast<std::int64_t>(2 + random() % 58) * kSecond;
    expected.push_back({static_cast<EventClass>(random() % 4), deadline_ns, n});
    w.add(n, expected.back().event_class, deadline_ns);
  }
  static_assert(kGrain < kSecond);
  const auto state = w.of.frozen();
  World thawed(1000);
  REQUIRE(thawed.of.thaw(state, 1000));
  CHECK_FALSE(World(1000).of.thaw(state, 999));  // a sequence that was never assigned
  CHECK_FALSE(World(999).of.thaw(state, 1000));
  std::stable_sort(expected.begin(), expected.end(), [](const Expected& a, const Expected& b) {
    return a.event_class != b.event_class ? a.event_class < b.event_class
                                          : a.deadline_ns < b.deadline_ns;
  });
  std::vector<std::uint64_t> order;
  for (const Expected& e : expected) {
    order.push_back(e.sequence);
  }
  CHECK(thawed.drain() == order);
  CHECK(w.drain() == order);
}
