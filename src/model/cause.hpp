// Purpose: why a node is not whole: each cause by name, the mode that it stands for, and what it
// means for whoever reads it. The mode of a node is the worst that its causes stand for.
// In: what the engine, ingress and the disk's threads see. Out: `mode` and `causes` of status.
// Bound: one bit a cause; sources and sinks are told by their own names beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vedette {

enum class Cause : std::uint8_t {
  // Of the engine: its own data says so, and a replay says it again.
  overload = 0,
  safe,
  held,             // observations wait because an operator said so
  tracks_full,      // the track table
  contacts_full,    // the tracks that sensors make
  deliveries_full,  // actions under way
  own_in_doubt,     // where own ship is
  // Of the node around it.
  parts_full,     // messages of several parts, under way
  aircraft_full,  // what ADS-B decoding remembers
  journal,
  image,
  clock,
  network,
  source,
  sink,
  count
};
inline constexpr std::size_t kCauseKinds = static_cast<std::size_t>(Cause::count);
static_assert(kCauseKinds <= 64, "one bit each");

// What a node's mode is called, from best to worst. The engine's own Mode (model/derived.hpp), by
// which it sheds, is a part of it.
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

std::string_view name_of(Cause cause);
std::string_view name_of(Standing standing);

}  // namespace vedette
