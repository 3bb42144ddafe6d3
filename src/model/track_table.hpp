// Purpose: the node's tracks: a fixed table, found by key, slots given out lowest first so that the
// table's layout is a function of the events alone.
// Bound: the plan's tracks. When full: acquire() returns kNone. Runs on: the engine thread.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "base/id_map.hpp"
#include "model/track.hpp"

namespace vedette {

class TrackTable {
 public:
  static constexpr std::uint32_t kNone = IdMap::kNone;

  static std::size_t bytes_needed(std::size_t capacity) {
    return arena_bytes<Track>(capacity) + arena_bytes<std::uint64_t>((capacity + 63) / 64) +
           IdMap::bytes_needed(capacity) + arena_bytes<std::uint32_t>(kGuesses);
  }
  void init(Arena& arena, std::size_t capacity) {
    tracks_ = arena.make<Track>(capacity);
    used_ = arena.make<std::uint64_t>((capacity + 63) / 64);
    map_.init(arena, capacity);
    guesses_ = arena.make<std::uint32_t>(kGuesses);
  }

  std::uint32_t find(std::uint64_t key) const { return map_.find(key); }

  void prefetch_find(std::uint64_t key) const { map_.prefetch(key); }
  // Where the track probably is: for asking memory before the map has answered, and for nothing
  // else.
  std::uint32_t guess(std::uint64_t key) const { return guesses_[guess_of(key)]; }
  void remember(std::uint64_t key, std::uint32_t index) { guesses_[guess_of(key)] = index; }
  // The track is worked on soon: its lines come from memory together, not one after the other.
  void prefetch(std::uint32_t index) const { vedette::prefetch(&tracks_[index], sizeof(Track)); }

  // Lowest free slot, zeroed, with its key set.
  std::uint32_t acquire(std::uint64_t key) {
    for (std::size_t word = 0; word < used_.size(); ++word) {
      if (used_[word] != ~std::uint64_t{0}) {
        const auto bit = static_cast<std::size_t>(std::countr_one(used_[word]));
        const std::size_t index = word * 64 + bit;
        if (index >= tracks_.size()) {
          return kNone;
        }
        place(static_cast<std::uint32_t>(index), key);
        return static_cast<std::uint32_t>(index);
      }
    }
    return kNone;
  }
  // For thawing: a given slot.
  void place(std::uint32_t index, std::uint64_t key) {
    used_[index / 64] |= std::uint64_t{1} << (index % 64);
    map_.insert(key, index);
    tracks_[index] = {};
    tracks_[index].key = key;
    high_water_ = index >= high_water_ ? index + 1 : high_water_;
  }
  void release(std::uint32_t index) {
    map_.erase(tracks_[index].key);
    tracks_[index] = {};
    used_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
  }
  void clear() {
    for (std::uint32_t i = 0; i < high_water_; ++i) {
      if (in_use(i)) {
        release(i);
      }
    }
    high_water_ = 0;
  }

  bool in_use(std::uint32_t index) const { return (used_[index / 64] >> (index % 64) & 1) != 0; }
  Track& operator[](std::uint32_t index) { return tracks_[index]; }
  const Track& operator[](std::uint32_t index) const { return tracks_[index]; }
  std::size_t size() const { return map_.size(); }
  std::size_t capacity() const { return tracks_.size(); }
  // For thawing: a sweep walks the same slots as before the freeze.
  void set_high_water(std::uint32_t slots) {
    high_water_ = slots > high_water_ && slots <= tracks_.size() ? slots : high_water_;
  }
  std::uint32_t high_water() const { return high_water_; }  // slots ever used

 private:
  // Few enough to stay near the processor while the tracks themselves do not.
  static constexpr std::size_t kGuesses = 2048;
  static std::size_t guess_of(std::uint64_t key) { return spread(key) & (kGuesses - 1); }

  std::span<Track> tracks_;
  std::span<std::uint64_t> used_;
  IdMap map_;
  std::span<std::uint32_t> guesses_;
  std::uint32_t high_water_ = 0;
};

}  // namespace vedette
