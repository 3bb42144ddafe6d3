// Purpose: the former place of a named track that was believed at an impossible position: either
// may be true, so both are kept and judged. In: a track that jumps, reports at its other place,
// time. Out: the other place, as a track. Bound: limits::kSecondPlaces. When full: the jump is not
// believed, and counted. Runs on: the engine thread; no allocation; the same bits on every CPU.
#pragma once

#include <cstdint>
#include <span>

#include "model/stage.hpp"

namespace vedette::perceive {

struct SecondPlace {
  Track track;            // its state there, still updated
  std::int64_t since_ns;  // of the jump
  std::uint32_t index;    // of the track in the table
  std::uint8_t used;
  std::uint8_t contested;  // both places have been heard since; the track stays at its former one
  std::uint8_t reserved[2];
};

class SecondPlaces {
 public:
  static constexpr SectionName kSection{"second-places", 3};

  static std::size_t bytes_needed(std::size_t tracks);
  static std::size_t bytes_needed(const plan::Plan& plan) {
    return bytes_needed(plan.limits()->tracks());
  }
  void init(Arena& arena, std::size_t tracks);
  void init(Arena& arena, const Site& site) { init(arena, site.plan->limits()->tracks()); }
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  // The entry of a track with Doubt::second; null for others.
  SecondPlace* find(const Track& track, std::uint32_t index) const;
  // Stores the track's present place; null when full.
  SecondPlace* add(Track& track, std::uint32_t index, std::int64_t now_ns);
  void drop(Track& track, std::uint32_t index);
  // Exchanges the track's place and its other one.
  static void swap(Track& track, SecondPlace& place);

  enum class Aged { nothing, dropped, moved };
  // Drops a place that was not heard for the tracker's half-life and lost_s. If that was the
  // track's own, it moves to the other.
  Aged age(Track& track, std::uint32_t index, const Tracker& tracker, std::int64_t now_ns);

  std::size_t size() const { return held_; }
  std::uint64_t refused() const { return refused_; }  // jumps refused for lack of room

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest&) const {}  // tracks enter the digest when they are judged
  std::size_t slices(const TrackTable&) const { return 1 + places_.size(); }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
    if (at == 0) {
      out.mix(refused_);
    } else if (places_[at - 1].used != 0) {
      out.mix(places_[at - 1]);
    }
  }
  bool unfinished() const { return false; }

 private:
  void forget_doubts(TrackTable& tracks) const;
  std::span<SecondPlace> places_;
  std::size_t held_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace vedette::perceive
