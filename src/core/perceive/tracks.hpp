// Purpose: the track table as a stage: freezing, and carrying tracks to another plan. In: a frozen
// table. Out: the same tracks in the same slots; in a smaller table the most valuable, packed.
// Bound: the plan's tracks. Runs on: the engine thread; thaw() on cold ones.
#pragma once

#include "model/stage.hpp"

namespace vedette::perceive {

class Tracks {
 public:
  static constexpr SectionName kSection{"tracks", 2};

  static std::size_t bytes_needed(const plan::Plan& plan) {
    return TrackTable::bytes_needed(plan.limits()->tracks());
  }
  void init(Arena& arena, const Site& site) { table_.init(arena, site.plan->limits()->tracks()); }
  static DerivedBound derived_bound(const plan::Plan& plan);

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  // The tracks of a frozen section; empty if it is damaged.
  static std::span<const FrozenTrack> frozen(Bytes section);

  void digest(WordsDigest&) const {}  // tracks enter the digest when they are judged
  std::size_t slices(const TrackTable&) const { return 1 + std::size_t{table_.high_water()}; }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
    if (at == 0) {
      out.mix(std::uint64_t{table_.high_water()} << 32 | table_.size());
    } else if (const auto i = static_cast<std::uint32_t>(at - 1); table_.in_use(i)) {
      out.mix(table_[i]);
    }
  }
  bool unfinished() const { return false; }

  TrackTable& table() { return table_; }
  const TrackTable& table() const { return table_; }

 private:
  bool thaw_in_place(std::span<const FrozenTrack> tracks, std::uint32_t high_water);
  bool carry_over(std::span<const FrozenTrack> tracks, std::uint32_t high_water, Carry& carry);

  TrackTable table_;
};

}  // namespace vedette::perceive
