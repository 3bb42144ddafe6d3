#include "base/lane.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "test.hpp"

using vedette::Arena;
using vedette::Lane;

namespace {

// A lane as one pair of the node's threads uses it. Lanes here are small, so that each wraps and
// fills often.
struct Use {
  const char* name;
  std::size_t records, bytes;     // of the lane
  std::size_t shortest, longest;  // record, in bytes
  std::size_t at_once;            // records that the reader peeks before releasing
  bool by_half;                   // the reader waits until half of the lane is in use
};

constexpr Use kUses[] = {
    {"a source to the engine", 16, 2048, 64, 192, 2, false},
    {"batches to the journal", 8, 8192, 640, 2600, 5, false},
    {"batches to a journal that packs what waits", 32, 8192, 640, 1400, 4, true},
    {"durable batches to the mirror", 16, 8192, 640, 2600, 1, false},
    {"outcomes to the engine", 32, 4096, 128, 128, 1, false},
    {"commands to the engine", 4, 1024, 64, 320, 1, false},
    {"faults to the engine", 8, 1024, 128, 128, 1, false},
    {"lines of the log to the teller", 8, 1024, 8, 300, 1, false},
    {"what the engine tells", 8, 1024, 96, 256, 3, false},
};

std::size_t length_of(const Use& use, std::uint64_t number) {
  return use.shortest + number * 7919 % (use.longest - use.shortest + 1);
}

void fill(std::uint8_t* at, std::size_t bytes, std::uint64_t number) {
  std::memset(at, static_cast<int>(number * 31 % 251), bytes);
  std::memcpy(at, &number, sizeof number);
}

bool whole(const Use& use, std::span<const std::uint8_t> record, std::uint64_t number) {
  std::vector<std::uint8_t> wanted(length_of(use, number));
  fill(wanted.data(), wanted.size(), number);
  return std::equal(record.begin(), record.end(), wanted.begin(), wanted.end());
}

struct World {
  explicit World(const Use& use, Lane::Ends ends = Lane::Ends::apart)
      : memory(Lane::bytes_needed(use.records, use.bytes) + 256),
        arena(memory.data(), memory.size()) {
    lane.init(arena, use.records, use.bytes, ends);
  }
  std::vector<std::uint8_t> memory;
  Arena arena;
  Lane lane;
};

// Peeks and releases repeatedly; returns how many records were whole and in order.
std::uint64_t read(Lane& lane, const Use& use, std::uint64_t count, const std::atomic<bool>& over) {
  std::uint64_t next = 0;
  while (next < count && !over.load(std::memory_order_relaxed)) {
    const bool last = next + use.records > count;
    if (use.by_half && !last && !lane.half_full()) {
      std::this_thread::yield();
      continue;
    }
    std::size_t seen = 0;
    while (seen < use.at_once) {
      const auto record = lane.peek(seen);
      if (record.empty()) {
        break;
      }
      if (!whole(use, record, next + seen)) {
        return next;
      }
      ++seen;
    }
    if (seen == 0) {
      std::this_thread::yield();
      continue;
    }
    lane.release(seen);
    next += seen;
  }
  return next;
}

bool write(Lane& lane, const Use& use, std::uint64_t number) {
  const std::size_t bytes = length_of(use, number);
  std::uint8_t* const at = lane.reserve(use.longest);
  if (at == nullptr) {
    return false;
  }
  fill(at, bytes, number);
  lane.commit(bytes);
  return true;
}

}  // namespace

// Under the thread sanitizer this checks that acquire and release order every byte.
TEST_CASE("between two threads every record of every lane arrives once, whole and in order") {
  for (const Use& use : kUses) {
    World world(use);
    constexpr std::uint64_t kRecords = 4000;
    std::atomic<bool> over{false};
    std::uint64_t read_whole = 0;
    std::thread reader([&] {
      read_whole = read(world.lane, use, kRecords, over);
      over.store(true, std::memory_order_relaxed);
    });
    std::uint64_t full = 0;
    for (std::uint64_t n = 0; n < kRecords && !over.load(std::memory_order_relaxed);) {
      if (write(world.lane, use, n)) {
        ++n;
      } else {
        // The writer reads size and taken, then continues.
        full += world.lane.size() <= world.lane.capacity() && world.lane.taken() <= n ? 1 : 0;
        std::this_thread::yield();
      }
    }
    reader.join();
    INFO(std::string(use.name));
    CHECK(read_whole == kRecords);
    CHECK(full != 0);  // otherwise the full lane is untested
    CHECK(world.lane.peek().empty());
    CHECK(world.lane.size() == 0);
    CHECK(world.lane.taken() == kRecords);
  }
}

TEST_CASE("a lane that is full takes nothing and keeps what it has, and each credit comes back") {
  for (const Use& use : kUses) {
    for (const auto ends : {Lane::Ends::apart, Lane::Ends::together}) {
      INFO(std::string(use.name));
      World world(use, ends);
      std::uint64_t written = 0, read = 0;
      for (std::size_t round = 0; round < 40; ++round) {
        while (write(world.lane, use, written)) {
          ++written;
        }
        REQUIRE(world.lane.size() == written - read);
        REQUIRE(world.lane.size() <= world.lane.capacity());
        REQUIRE((world.lane.half_full() || 2 * world.lane.size() <= use.records));
        REQUIRE(world.lane.reserve(use.longest) == nullptr);
        const std::size_t most = std::min<std::size_t>(world.lane.size(), use.at_once + round % 2);
        for (std::size_t n = 0; n < world.lane.size(); ++n) {
          REQUIRE(whole(use, world.lane.peek(n), read + n));
        }
        world.lane.release(most);
        read += most;
        REQUIRE(world.lane.taken() == read);
      }
      world.lane.release(world.lane.size());
      CHECK(world.lane.peek().empty());
      CHECK_FALSE(world.lane.half_full());
    }
  }
}

TEST_CASE(
    "what is reserved and not committed is never seen, and a shorter record gives the rest back") {
  World world(kUses[0]);
  REQUIRE(world.lane.reserve(192) != nullptr);
  CHECK(world.lane.peek().empty());
  // As many short records as places, although each reserves space for a long one.
  std::size_t taken = 0;
  for (; std::uint8_t* at = world.lane.reserve(192); ++taken) {
    fill(at, 64, taken);
    world.lane.commit(64);
  }
  CHECK(taken == 16);
  CHECK(world.lane.peek(15).size() == 64);
}
