#include "core/engine/ready_set.hpp"

#include <random>
#include <vector>

#include "core/engine/calendar.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::engine;

TEST_CASE("every way to release gives every ready instance once, ascending") {
  for (const std::size_t capacity : {std::size_t{70}, std::size_t{5000}, ReadySet::kCapacity}) {
    std::vector<std::uint64_t> memory(ReadySet::bytes_needed(capacity) / 8 + 8);
    Arena arena(memory.data(), memory.size() * 8);
    ReadySet set;
    set.init(arena, capacity);
    std::mt19937_64 random(capacity);
    for (const std::uint64_t one_in : {1U, 2U, 7U, 1000U}) {
      for (const ReleaseKernel kernel : release_kernels()) {
        set.use(kernel);
        std::vector<std::uint16_t> wanted;
        for (std::uint32_t id = 0; id < capacity; ++id) {
          if (random() % one_in == 0) {
            set.set(id);
            if (random() % 16 == 0) {
              set.clear(id);
            } else {
              wanted.push_back(static_cast<std::uint16_t>(id));
            }
          }
        }
        std::vector<std::uint16_t> queue(wanted.size() + ReadySet::kSlack);
        const std::size_t released = set.release(queue);
        queue.resize(released);
        CHECK(queue == wanted);
        std::vector<std::uint16_t> none(ReadySet::kSlack);
        CHECK(set.release(none) == 0);
      }
    }
  }
}

TEST_CASE("a calendar gives the earliest first, to its grain, whatever is added and removed") {
  constexpr std::size_t kSlots = 500;
  constexpr std::int64_t kGrain = 10;
  std::vector<std::uint64_t> memory(Calendar::bytes_needed(kSlots) / 8 + 8);
  Arena arena(memory.data(), memory.size() * 8);
  Calendar calendar;
  calendar.init(arena, kSlots, kGrain);
  std::mt19937_64 random(3);
  std::vector<std::int64_t> at(kSlots, -1);  // -1: absent
  std::int64_t now = 1'000'000;
  calendar.advance(now);
  for (int i = 0; i < 200'000; ++i) {
    const auto slot = static_cast<std::uint32_t>(random() % kSlots);
    if (at[slot] >= 0) {
      calendar.remove(slot);
      at[slot] = -1;
    } else {
      // Some beyond the ring's reach.
      at[slot] =
          now + static_cast<std::int64_t>(random() % (random() % 20 == 0 ? 200'000 : 30'000));
      calendar.add(slot, 2, at[slot]);
    }
    calendar.advance(now);
    const std::uint32_t first = calendar.first(2);
    std::int64_t earliest = -1;
    for (const std::int64_t t : at) {
      earliest = t >= 0 && (earliest < 0 || t < earliest) ? t : earliest;
    }
    REQUIRE((first == Calendar::kNone) == (earliest < 0));
    if (earliest >= 0 && earliest < now + 4000 * kGrain) {
      REQUIRE(at[first] / kGrain == earliest / kGrain);
    }
    if (random() % 8 == 0) {
      now += static_cast<std::int64_t>(random() % 300);
      while (calendar.first(2) != Calendar::kNone && at[calendar.first(2)] <= now) {
        at[calendar.first(2)] = -1;
        calendar.remove(calendar.first(2));
      }
    }
  }
}
