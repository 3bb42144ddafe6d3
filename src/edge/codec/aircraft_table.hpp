// Purpose: the ADS-B decoder's state of each aircraft: its last even and odd half, its last place.
// In: an address heard, a place found. Out: the aircraft's record. Bound: `placed` aircraft with a
// place, `fresh` without. When full: evicts the least recently heard fresh aircraft, so that a
// flood of new addresses competes only with new ones; replaces a placed one only if it was unheard
// for kStillHeardNs, else the newcomer stays fresh. Counts both. Runs on: the ingress thread; no
// allocation after init().
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "base/id_map.hpp"
#include "model/limits.hpp"

namespace vedette::codec {

class AircraftTable {
 public:
  static constexpr std::int64_t kPairNs = 10'000'000'000;         // airborne pair (DO-260B A.1.7.5)
  static constexpr std::int64_t kSurfacePairNs = 25'000'000'000;  // surface pair, likewise
  static constexpr std::int64_t kStillHeardNs = 60'000'000'000;

  struct Aircraft {
    std::array<std::int64_t, 2> half_ns;  // receipt of the even and the odd half, 0 = never
    std::array<std::uint32_t, 2> half_latitude, half_longitude;
    std::array<bool, 2> half_surface;
    double latitude, longitude;
    std::int64_t placed_ns;  // 0 = never
    std::int64_t heard_ns;
    std::uint32_t icao;
    std::uint32_t older, newer;  // neighbours in its list, by last heard
  };

  static std::size_t bytes_needed(std::size_t placed = limits::kPlacedAircraft,
                                  std::size_t fresh = limits::kFreshAircraft);
  void init(Arena& arena, std::size_t placed = limits::kPlacedAircraft,
            std::size_t fresh = limits::kFreshAircraft);

  // Finds or creates the aircraft's record.
  Aircraft& heard(std::uint32_t icao, std::int64_t now_ns);
  // Stores a place. May move the record, which invalidates the reference.
  void place(Aircraft& aircraft, double latitude, double longitude, std::int64_t now_ns);

  // The place stored last, of any aircraft; false when it is older than `age_ns`.
  bool last_place(std::int64_t now_ns, std::int64_t age_ns, double& latitude,
                  double& longitude) const;

  std::size_t placed() const { return placed_.count; }
  std::size_t fresh() const { return fresh_.count; }
  // Fresh aircraft evicted while their other half could still arrive.
  std::uint64_t forgotten() const { return forgotten_; }
  // Places of aircraft that had to stay fresh.
  std::uint64_t turned_away() const { return turned_away_; }

 private:
  static constexpr std::uint32_t kNone = IdMap::kNone;
  // Slots of one kind: those in use from the least to the most recently heard, then the free ones.
  struct List {
    std::uint32_t first = 0, capacity = 0;  // slots
    std::uint32_t used = 0;                 // slots ever used
    std::uint32_t free = kNone;             // linked by `newer`
    std::uint32_t oldest = kNone, newest = kNone;
    std::size_t count = 0;
  };
  List& list_of(std::uint32_t slot) { return slot < placed_.capacity ? placed_ : fresh_; }
  std::uint32_t take_free(List& list);
  void append(List& list, std::uint32_t slot);
  void unlink(List& list, std::uint32_t slot);

  std::span<Aircraft> aircraft_;
  IdMap map_;
  List placed_, fresh_;
  std::uint64_t forgotten_ = 0;
  std::uint64_t turned_away_ = 0;
  double last_latitude_ = 0.0, last_longitude_ = 0.0;
  std::int64_t last_ns_ = 0;  // 0 = never
};

}  // namespace vedette::codec
