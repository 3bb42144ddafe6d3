// Purpose: observations to tracks: association by identity, gating, a constant-velocity filter, and
// the ageing of tracks.
// In: one observation with its event. Out: the track touched, how the event leaves, what changed.
// Bound: the track table. When full: the event is abandoned as belief-full or kind-full; what makes
// room meanwhile is eviction.hpp's.
// Runs on: the engine thread; no allocation; the same bits on every CPU.
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

inline constexpr std::size_t kPerceivedChanges = 4;

struct Perceived {
  std::uint32_t track = TrackTable::kNone;
  Exit exit = Exit::abandonment;
  Reason reason = Reason::none;
  std::array<TrackChangeKind, kPerceivedChanges> changes{};  // in the order they happened
  std::size_t change_count = 0;
};

// Refused positions in a row, each near the last, after which the thing is taken to be there, and
// the place before is kept beside (second_places.hpp).
inline constexpr std::uint32_t kReacquireAfter = 3;
// So long after the last refused position a name is no longer taken to be used at two places.
inline constexpr double kElsewhereS = 120.0;
// Positions observed before the last one by up to this much are superseded, not errors.
inline constexpr std::int64_t kSkewNs = 5'000'000'000;

// Of own ship, OwnPosition (own_position.hpp) asks this, and nobody else.
Perceived perceive(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
                   const EventHeader& event, const Observation& observation);

struct Sighting {
  const EventHeader* event;
  const Observation* observation;
};
// The same as each in turn, and of several tracks quicker: what their filters wait for, they wait
// for together.
inline constexpr std::size_t kTogether = 4;
void perceive(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
              std::span<const Sighting> sightings, std::span<Perceived> out);

// Coasting, lost and retired by age; returns the change, or nothing. A retired track is still in
// the table: the caller releases it after everybody has been told.
bool age_track(const TrackingRules& config, Track& track, std::int64_t now_ns,
               TrackChangeKind& change);

}  // namespace vedette::perceive
