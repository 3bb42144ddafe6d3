// Purpose: how many tracks of a kind are in a zone, for count(KIND, ZONE): those with a position
// that are not lost, and no tentative contacts. In: each track before it is judged, and when it
// leaves. Out: the counts. Bound: limits::kZoneCounts, a bit of Track::counted each. Runs on: the
// engine thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/assess/condition.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

class ZoneCounts {
 public:
  static constexpr SectionName kSection{"zone-counts", 1};

  static std::size_t bytes_needed(const plan::Plan&) { return 0; }
  void init(Arena&, const Site& site) {
    plan_ = site.plan;
    zones_ = site.zones;
  }
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  // Counts the track where it is now.
  void note(Track& track, const Track* own);
  void leave(Track& track) { set(track, 0); }
  std::span<const std::uint32_t> counts() const { return counts_; }

  static std::size_t frozen_bytes_bound(const plan::Plan&) { return sizeof counts_; }
  void freeze(Freezer& out, const TrackTable&) const { out.put(counts_); }
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const { digest.mix(std::uint64_t{counts_[0]}); }
  std::size_t slices(const TrackTable&) const { return 1; }
  void slice(std::size_t, const TrackTable&, SliceDigest& out) const { out.mix(counts_); }
  bool unfinished() const { return false; }

 private:
  void set(Track& track, std::uint64_t counted);

  const plan::Plan* plan_ = nullptr;
  std::span<const Zone> zones_;
  std::array<std::uint32_t, limits::kZoneCounts> counts_{};  // in the order of the plan
};

}  // namespace vedette::engine
