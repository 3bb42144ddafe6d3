// Purpose: whether to believe a report of own ship's position: by its source, by whether own ship
// can have got there, and by whether the sources agree.
// In: observations of own ship, and reports under our own MMSIs. Out: as perceive(), which gets the
// believed ones; doubts in own ship's track (Doubt, `elsewhere`). Bound: a last fix for each source
// of the plan and for our own transponders. When full: never. Runs on: the engine thread; no
// allocation; the same bits on every CPU.
#pragma once

#include <array>
#include <cstdint>

#include "core/perceive/own_integrity.hpp"
#include "core/perceive/perceive.hpp"
#include "model/stage.hpp"

namespace vedette::perceive {

class OwnPosition {
 public:
  static constexpr SectionName kSection{"own-position", 2};

  static std::size_t bytes_needed(const plan::Plan&) { return 0; }
  void init(Arena&, const Site& site) { sources_ = site.plan->sources()->size(); }
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  // Whether a report is about own ship, or claims to be.
  static bool concerns(const TrackingRules& config, const Observation& observation) {
    if (observation.kind == IdentityKind::own) {
      return true;
    }
    if (observation.kind < IdentityKind::vessel || observation.kind > IdentityKind::base_station) {
      return false;
    }
    for (std::size_t i = 0; i < config.own_count; ++i) {
      if (config.own_mmsi[i] == observation.identity) {
        return true;
      }
    }
    return false;
  }
  Perceived take(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
                 const EventHeader& event, const Observation& observation);

  // Doubts that begin and end with time; true if `change` is to be told.
  bool age(const TrackingRules& config, Track& own, std::int64_t ns, TrackChangeKind& change);

  bool in_doubt() const { return in_doubt_ != 0; }

  static std::size_t frozen_bytes_bound(const plan::Plan&) { return sizeof(OwnPosition); }
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const {
    digest.mix(in_doubt_);
    digest.mix(static_cast<std::uint64_t>(last_fix_ns_));
    digest.mix(static_cast<std::uint64_t>(last_refused_ns_));
    digest.mix(static_cast<std::uint64_t>(last_differed_ns_));
    digest.mix(static_cast<std::uint64_t>(receiver_ns_));
  }
  // digest() has the rest.
  std::size_t slices(const TrackTable&) const { return 1 + OwnIntegrity::kSlices; }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
    if (at == 0) {
      out.mix(voices_);
    } else {
      integrity_.slice(at - 1, out);
    }
  }
  bool unfinished() const { return false; }

 private:
  // A voice is a source that reports own position, by whichever sentences. All transponders
  // together are one more, which counts only when no other is heard.
  static constexpr std::size_t kTransponders = limits::kSources;
  static constexpr std::size_t kVoices = limits::kSources + 1;
  struct Voice {
    double latitude, longitude, sigma;
    std::int64_t fix_ns;           // 0: it never gave one
    std::int64_t refused_from_ns;  // start of its present run of refused positions
    std::int64_t
        differs_from_ns;    // since when it contradicts another voice in every fix; 0: it does not
    std::uint64_t refused;  // consecutive refused fixes that agree with each other
  };

  Perceived take_fix(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
                     const EventHeader& event, const Observation& observation, std::size_t v);
  bool settles(const TrackingRules& config, const Track& own, std::size_t v, const Voice& before,
               std::int64_t ns);
  Perceived refuse(const TrackingRules& config, Track& own, std::uint32_t index, std::int64_t ns);
  Perceived witness(const TrackingRules& config, TrackTable& tracks, const EventHeader& event,
                    const Observation& observation);
  double beyond_reach(const Track& own, const Tracker& tracker, const Voice& fix) const;
  bool follows(const Tracker& tracker, const Voice& fix, const Voice& before,
               const Parallel& near) const;
  bool agree(const TrackingRules& config, const Track& own, const Voice& a, const Voice& b) const;
  bool fresh(std::size_t v, std::int64_t ns, double within_s) const {
    return voices_[v].fix_ns != 0 && seconds_between(voices_[v].fix_ns, ns) <= within_s;
  }
  // Those that the plan has, then the transponders.
  std::size_t next_voice(std::size_t v) const { return v + 1 == sources_ ? kTransponders : v + 1; }
  bool majority_at(const TrackingRules& config, const Track& own, std::size_t v) const;
  static bool differs(const Voice& voice);
  bool outvoted(const TrackingRules& config, const Track& own, std::size_t v) const;
  void compare(const TrackingRules& config, const Track& own, std::size_t v);
  void note_doubts(Track& own, std::int64_t ns, Perceived& result);
  void note_age(const TrackingRules& config, Track& own, std::int64_t ns, Perceived& result);
  static void hear(Voice& voice, const Tracker& tracker, const Observation& o, std::int64_t ns);

  std::array<Voice, kVoices> voices_{};
  OwnIntegrity integrity_;
  std::int64_t last_fix_ns_ = 0;       // of any voice
  std::int64_t last_refused_ns_ = 0;   // 0: none since own ship was last reacquired
  std::int64_t last_differed_ns_ = 0;  // 0: none
  std::int64_t receiver_ns_ = 0;       // last believed fix of a receiver
  std::uint64_t in_doubt_ = 0;
  std::size_t sources_ = limits::kSources;  // of the plan
};

}  // namespace vedette::perceive
