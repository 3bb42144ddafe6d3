// Purpose: the node's tracks: a fixed table, found by key. The lowest free slot is taken first, so
// that the layout is a function of the events alone.
// Bound: the plan's tracks. When full: acquire() returns kNone. Runs on: the engine thread.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "base/id_map.hpp"
#include "model/track.hpp"

namespace vedette {

// A track in a frozen state.
struct FrozenTrack {
  std::uint64_t slot;
  Track track;
};
// False for bytes that no engine makes of a track, whatever its events: indexing or computing by
// them would be undefined.
bool plausible(const Track& track);

class TrackTable {
 public:
  static constexpr std::uint32_t kNone = IdMap::kNone;

  static std::size_t bytes_needed(std::size_t capacity) {
    return arena_bytes<Track>(capacity) + arena_bytes<std::uint64_t>((capacity + 63) / 64) +
           IdMap::bytes_needed(capacity);
  }
  void init(Arena& arena, std::size_t capacity) {
    tracks_ = arena.make<Track>(capacity);
    used_ = arena.make<std::uint64_t>((capacity + 63) / 64);
    map_.init(arena, capacity);
  }

  std::uint32_t find(std::uint64_t key) const { return map_.find(key); }

  void prefetch_find(std::uint64_t key) const { map_.prefetch(key); }
  // Fetches all its lines at once, not one after the other.
  void prefetch(std::uint32_t index) const { vedette::prefetch(&tracks_[index], sizeof(Track)); }

  // Lowest free slot, zeroed, with its key set.
  std::uint32_t acquire(std::uint64_t key) {
    for (std::size_t word = first_free_word_; word < used_.size(); ++word) {
      if (used_[word] != ~std::uint64_t{0}) {
        first_free_word_ = word;
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
  void release(std::uint32_t index) {
    map_.erase(tracks_[index].key);
    --of_kind_[static_cast<std::size_t>(tracks_[index].key >> 56) % of_kind_.size()];
    first_free_word_ = index / 64 < first_free_word_ ? index / 64 : first_free_word_;
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

  // Restores a frozen track; false for a slot or track that no engine can have frozen.
  bool put(std::uint32_t slot, const Track& track) {
    if (slot >= tracks_.size() || in_use(slot) || find(track.key) != kNone || !plausible(track)) {
      return false;
    }
    place(slot, track.key);
    tracks_[slot] = track;
    return true;
  }
  void used_up_to(std::uint32_t high_water) { high_water_ = high_water; }

  bool in_use(std::uint32_t index) const { return (used_[index / 64] >> (index % 64) & 1) != 0; }
  Track& operator[](std::uint32_t index) { return tracks_[index]; }
  const Track& operator[](std::uint32_t index) const { return tracks_[index]; }
  std::size_t size() const { return map_.size(); }
  std::size_t size_of(IdentityKind kind) const { return of_kind_[static_cast<std::size_t>(kind)]; }
  std::size_t capacity() const { return tracks_.size(); }
  std::uint32_t high_water() const { return high_water_; }  // slots ever used

 private:
  void place(std::uint32_t index, std::uint64_t key) {
    used_[index / 64] |= std::uint64_t{1} << (index % 64);
    map_.insert(key, index);
    tracks_[index] = {};
    tracks_[index].key = key;
    ++of_kind_[static_cast<std::size_t>(key >> 56) % of_kind_.size()];
    high_water_ = index >= high_water_ ? index + 1 : high_water_;
  }

  std::span<Track> tracks_;
  std::span<std::uint64_t> used_;
  IdMap map_;
  std::array<std::uint32_t, static_cast<std::size_t>(IdentityKind::count)> of_kind_{};
  std::size_t first_free_word_ = 0;  // none before it has a free slot
  std::uint32_t high_water_ = 0;
};

}  // namespace vedette
