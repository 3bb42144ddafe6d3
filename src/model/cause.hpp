// Purpose: why a node is not whole: each cause by name, the mode it implies, and what it means for
// an operator. The mode of a node is the worst that its causes imply.
// In: what the engine, ingress and the disk's threads see. Out: `mode` and `causes` of status.
// Bound: one bit a cause; `causes` names the affected sources and sinks beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vedette {

enum class Cause : std::uint8_t {
  // The engine's: derived from its state, so a replay reproduces them.
  overload = 0,
  safe,
  held,             // an operator holds observations
  tracks_full,      // the track table
  contacts_full,    // contacts
  deliveries_full,  // actions under way
  own_in_doubt,     // own ship's position
  // The surrounding node's.
  parts_full,     // multi-part messages being assembled
  aircraft_full,  // the ADS-B decoder's memory of aircraft
  journal,
  image,
  clock,
  network,
  source,
  sink,
  mirror,        // a replay gave another digest than the engine
  alarms_full,   // the list of alarms; the engine's
  disk_slow,     // it takes events later than actions wait for it
  disk_filling,  // it is full within a day at the present rate
  pairs_full,    // pairs of tracks; the engine's
  count
};
inline constexpr std::size_t kCauseKinds = static_cast<std::size_t>(Cause::count);
static_assert(kCauseKinds <= 64, "one bit each");

// Name of a node's mode, from best to worst. Includes the engine's own Mode (model/derived.hpp),
// which governs shedding.
enum class Standing : std::uint8_t { normal = 0, degraded = 1, overload = 2, safe = 3 };

struct Causes {
  std::uint64_t bits = 0;

  constexpr bool has(Cause cause) const { return (bits >> static_cast<unsigned>(cause) & 1) != 0; }
  constexpr void set(Cause cause, bool there = true) {
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(cause);
    bits = there ? bits | bit : bits & ~bit;
  }
  friend constexpr bool operator==(Causes, Causes) = default;
};

struct CauseFacts {
  std::string_view name;
  Standing standing;
  std::string_view means;  // what the node does while it lasts
  std::string_view remedy;
};
const CauseFacts& facts_of(Cause cause);
Standing standing_of(Causes causes);  // the worst

std::string_view name_of(Cause cause);
std::string_view name_of(Standing standing);

}  // namespace vedette
