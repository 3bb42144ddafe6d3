// Purpose: fixed-capacity map from a 64-bit key to a 32-bit index (open addressing, linear probe).
// Bound: `capacity` entries in a table of at least twice that. When full: insert() returns false.
// Iteration order is exposed only by for_each_of(), whose callers must not depend on it, so that
// table layout cannot leak into results.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/arena.hpp"

namespace vedette {

// Spreads keys that differ little; the result's low bits index a table.
constexpr std::size_t spread(std::uint64_t key) {
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32);
}

class IdMap {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  static std::size_t bytes_needed(std::size_t capacity) {
    return arena_bytes<Slot>(std::bit_ceil(capacity * 2));
  }
  void init(Arena& arena, std::size_t capacity) {
    slots_ = arena.make<Slot>(std::bit_ceil(capacity * 2));
    capacity_ = capacity;
    clear();
  }
  void clear() {
    for (Slot& slot : slots_) {
      slot = {0, kNone};
    }
    size_ = 0;
  }

  std::uint32_t find(std::uint64_t key) const {
    for (std::size_t at = home(key);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].index == kNone || slots_[at].key == key) {
        return slots_[at].index;
      }
    }
  }

  void prefetch(std::uint64_t key) const { vedette::prefetch(&slots_[home(key)]); }

  bool insert(std::uint64_t key, std::uint32_t index) {
    if (size_ == capacity_) {
      return false;
    }
    std::size_t at = home(key);
    while (slots_[at].index != kNone && slots_[at].key != key) {
      at = (at + 1) & (slots_.size() - 1);
    }
    size_ += slots_[at].index == kNone ? 1 : 0;
    slots_[at] = {key, index};
    return true;
  }

  void erase(std::uint64_t key) {
    const std::size_t wrap = slots_.size() - 1;
    std::size_t at = home(key);
    while (slots_[at].index != kNone && slots_[at].key != key) {
      at = (at + 1) & wrap;
    }
    if (slots_[at].index == kNone) {
      return;
    }
    --size_;
    // Backward shift keeps every probe chain unbroken without tombstones.
    for (std::size_t next = (at + 1) & wrap; slots_[next].index != kNone;
         next = (next + 1) & wrap) {
      const std::size_t wanted = home(slots_[next].key);
      if (((next - wanted) & wrap) >= ((next - at) & wrap)) {
        slots_[at] = slots_[next];
        at = next;
      }
    }
    slots_[at] = {0, kNone};
  }

  std::size_t size() const { return size_; }

  // Visits the indexes of the keys with one home, in an order that depends on the map's past.
  std::size_t homes() const { return slots_.size(); }
  template <typename Visit>
  void for_each_of(std::size_t home, Visit&& visit) const {
    for (std::size_t at = home; slots_[at].index != kNone; at = (at + 1) & (slots_.size() - 1)) {
      if (this->home(slots_[at].key) == home) {
        visit(slots_[at].index);
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t key;
    std::uint32_t index;
  };
  std::size_t home(std::uint64_t key) const { return spread(key) & (slots_.size() - 1); }
  std::span<Slot> slots_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

}  // namespace vedette
