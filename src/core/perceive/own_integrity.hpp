// Purpose: what speaks against the position that a receiver on board reports: it stands still while
// own ship moves, leads away from the course and speed reported with it, or from what log and
// compass give; lies off the post's declared place, is not heard, or its satellites fade.
// In: own ship's observations by voice (own_position.hpp), node time. Out: doubts of own position.
// Bound: one record for each source of the plan. When full: never. Runs on: the engine thread; no
// allocation; the same bits on every CPU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "model/carry.hpp"
#include "model/limits.hpp"
#include "model/observation.hpp"
#include "model/site.hpp"
#include "model/track.hpp"

namespace vedette::perceive {

class OwnIntegrity {
 public:
  // An observation of own ship by a receiver, the source `voice`. `leapt`: its position is beyond
  // reach, which is a jump and no drift.
  void hear(const OwnRules& rules, std::size_t voice, const Observation& observation,
            std::int64_t ns, double sigma_m, bool leapt);
  // A position by anybody else on board.
  void hear_other(std::int64_t ns) { position_ns_ = ns; }
  // Bits of Doubt that hold at this time.
  unsigned doubts(const OwnRules& rules, std::int64_t ns) const;
  static constexpr unsigned kDoubts =
      static_cast<unsigned>(Doubt::frozen) | static_cast<unsigned>(Doubt::drift) |
      static_cast<unsigned>(Doubt::off_place) | static_cast<unsigned>(Doubt::stale) |
      static_cast<unsigned>(Doubt::weak);

  // Of a few voices each; the times are in the last.
  static constexpr std::size_t kSlices = limits::kSources / limits::kVoicesASlice + 1;
  void slice(std::size_t at, SliceDigest& out) const {
    if (at + 1 < kSlices) {
      static_assert(limits::kSources % limits::kVoicesASlice == 0);
      constexpr std::size_t kBytes = limits::kVoicesASlice * sizeof(Voice);
      static_assert(kBytes <= limits::kSliceBytes);
      out.mix(bytes_of(voices_).subspan(at * kBytes, kBytes));
      return;
    }
    out.mix(bytes_of(water_));
    for (const std::int64_t ns : {position_ns_, frozen_ns_, drift_ns_, off_place_ns_, weak_ns_}) {
      out.mix(ns);
    }
  }

  // Moves each voice to where the plan has its source now.
  void carry(Carry& carry);
  bool plausible() const;

 private:
  // A quantity beside what it usually is.
  struct Level {
    std::int64_t ns;       // of the last value; 0: none yet
    std::int64_t from_ns;  // of the first
    double now, usual;     // means of some seconds, of some minutes
  };
  // Own ship's way over ground, less that through the water.
  struct Current {
    std::int64_t ns;       // of the last value; 0: none yet
    std::int64_t from_ns;  // of the first
    double east, north;    // m/s, mean of some minutes
    double away_east;      // m, by how much it has led away from that mean
    double away_north;
  };
  // By log and compass, of whichever sources.
  struct Water {
    std::int64_t heading_ns, speed_ns;  // 0: none yet
    double east, north;                 // the heading, of length 1
    double speed;                       // m/s
  };
  struct Voice {
    std::int64_t fix_ns;        // 0: it never gave a position
    std::int64_t changed_ns;    // since when it has given that one
    std::int64_t same_from_ns;  // since when it gives one position while own ship moves
    std::int64_t motion_ns;     // of its last speed and course; 0: none
    double east, north;         // m/s, that it reported then
    double drift_east;          // m, by how much its positions have led away from that way
    double drift_north;
    Level satellites, signal;
    Current current;
    std::int32_t latitude_e7, longitude_e7;
  };

  void take_fix(const OwnRules& rules, Voice& voice, const Observation& o, std::int64_t ns,
                double sigma_m, bool leapt);
  static void follow_way(Voice& voice, const Observation& o, std::int64_t ns, bool leapt);
  void take_water(const Observation& o, std::int64_t ns);
  void follow_current(const OwnRules& rules, Voice& voice, std::int64_t ns);
  void take_level(Level& level, double value, double least, std::int64_t ns);
  bool moves(std::int64_t ns) const;

  std::array<Voice, limits::kSources> voices_{};
  Water water_{};
  std::int64_t position_ns_ = 0;  // of any voice
  // When each was found last; 0: never.
  std::int64_t frozen_ns_ = 0;
  std::int64_t drift_ns_ = 0;
  std::int64_t off_place_ns_ = 0;
  std::int64_t weak_ns_ = 0;
};
static_assert(std::is_trivially_copyable_v<OwnIntegrity>);
static_assert(sizeof(OwnIntegrity) % 8 == 0);

}  // namespace vedette::perceive
