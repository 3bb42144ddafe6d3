// Purpose: observations to tracks: association by identity, gating, a constant-velocity filter, and
// ageing. In: one observation with its event. Out: the track touched, how the event leaves, what
// changed. Bound: the track table. When full: abandons the event as belief-full or kind-full;
// eviction.hpp makes room. Runs on: the engine thread; no allocation; the same bits on every CPU.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/perceive/second_places.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/observation.hpp"
#include "model/site.hpp"
#include "model/track_table.hpp"

namespace vedette::perceive {

inline constexpr std::size_t kPerceivedChanges = 5;

struct Perceived {
  std::uint32_t track = TrackTable::kNone;
  Exit exit = Exit::abandonment;
  Reason reason = Reason::none;
  std::array<TrackChangeKind, kPerceivedChanges> changes{};  // in order of occurrence
  std::size_t change_count = 0;
};

// Consecutive refused positions, each near the last, after which the track moves there and its
// former place becomes the second (second_places.hpp).
inline constexpr std::uint32_t kReacquireAfter = 3;
// After this long without a refused position, a name counts as used at one place again.
inline constexpr double kElsewhereS = 120.0;
// A position older than the last by up to this much is superseded, not an error.
inline constexpr std::int64_t kSkewNs = 5'000'000'000;

// For own ship, only OwnPosition (own_position.hpp) calls this.
Perceived perceive(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
                   const EventHeader& event, const Observation& observation);

struct Sighting {
  const EventHeader* event;
  const Observation* observation;
};
// Same result as one by one, but faster for several tracks, whose cache misses and filters overlap.
inline constexpr std::size_t kTogether = 4;
void perceive(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
              std::span<const Sighting> sightings, std::span<Perceived> out);

// Ages a track to coasting, lost, retired; returns whether it changed. A retired track stays in the
// table until the caller releases it, after all observers know.
bool age_track(const TrackingRules& config, Track& track, std::int64_t now_ns,
               TrackChangeKind& change);

}  // namespace vedette::perceive
