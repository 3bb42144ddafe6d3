// Purpose: the track: the belief about one thing in the world.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/geo.hpp"
#include "model/observation.hpp"

namespace vedette {

enum class TrackState : std::uint8_t {
  empty = 0,
  tentative = 1,
  confirmed = 2,
  coasting = 3,
  lost = 4
};

// Why the track's position or existence is in doubt.
enum class Doubt : std::uint16_t {
  jump = 1 << 0,      // own ship: reported at an impossible position, which is not believed
  disagree = 1 << 1,  // own ship: its sources differ by more than their errors allow
  second = 1 << 2,    // heard at a second place; the first is kept
  sudden = 1 << 3,    // first heard near own ship, after it should have been heard farther away
  // Of own ship, found by OwnIntegrity:
  frozen = 1 << 4,     // a receiver repeats one position while own ship moves
  drift = 1 << 5,      // its positions lead away from the way that own ship goes
  off_place = 1 << 6,  // farther from `[own] at` than `within`
  stale = 1 << 7,      // no receiver is heard
  weak = 1 << 8,       // satellites or their signal fade; no doubt of the position yet
};

// One record of belief. No padding: these bytes are hashed, frozen and stored.
struct Track {
  std::uint64_t key;          // track_key(kind, identity)
  std::uint64_t first_event;  // provenance: sequence numbers of observations
  std::uint64_t position_event;
  std::uint64_t previous_event;  // of the last position but one
  std::uint64_t identity_event;  // name, call sign, type
  std::int64_t created_ns;
  std::int64_t observed_ns;   // of the last accepted position
  std::int64_t filter_ns;     // time of the filter's state: last position or velocity
  std::int64_t heard_ns;      // of anything accepted
  double latitude;            // degrees, filter estimate at filter_ns
  double longitude;           // degrees, [-180, 180)
  double velocity_east;       // m/s
  double velocity_north;      // m/s
  double variance_position;   // m^2, each axis
  double covariance;          // m^2/s
  double variance_velocity;   // m^2/s^2
  double altitude;            // m, NaN when unknown
  double vertical_speed;      // m/s, NaN when unknown
  double heading;             // degrees true, NaN when unknown
  double water_speed;         // m/s, NaN when unknown
  double wind_speed;          // m/s, NaN when unknown
  double wind_angle;          // degrees, NaN when unknown
  double battery;             // share 0..1, NaN when unknown
  double turning;             // probability that a contact turns; NaN when unknown
  double last_nis;            // normalised innovation squared of the last position, 2 degrees
  double candidate_latitude;  // of the last gated position
  double candidate_longitude;
  std::int64_t candidate_ns;
  std::uint32_t updates;  // accepted positions
  std::uint32_t gated;    // refused positions, total
  std::uint32_t gated_in_row;
  std::uint32_t source_mask;  // bit i: source i contributed
  // Key of the track that names this contact, or of the contact at this named track.
  std::uint64_t partner;       // key; 0 none
  std::uint32_t partner_slot;  // of the contact, in the contact store
  std::uint32_t sensor_mask;   // bit i: sensor i of the plan has seen it
  std::uint32_t misfits;       // consecutive reports away from the partner
  std::uint32_t denied;        // consecutive reports or looks without a sensor's detection there
  std::uint32_t elsewhere;     // refused positions that agree with each other
  TrackState state;
  IdentityKind kind;
  std::uint8_t ship_type;     // 0 when unknown
  std::uint8_t nav_status;    // 15 when unknown
  std::uint16_t doubt;        // bits of Doubt
  std::uint8_t acknowledged;  // by an operator
  std::uint8_t reserved[5];
  char name[24];
  char callsign[16];
  Particulars particulars;
  std::uint64_t counted;  // bit i: counted in the plan's count i
  std::uint8_t reserved_too[16];
  // Derived from latitude and longitude alone; last, because the digest leaves them out.
  double ecef[3];       // m, WGS 84, at height 0
  double normal[3];     // unit vector up at that place
  Parallel parallel;    // of the latitude rounded to a sixteenth of a degree
  KnownAngle meridian;  // likewise of the longitude
};
inline constexpr std::size_t kTrackDigestBytes = offsetof(Track, ecef);
static_assert(kTrackDigestBytes % 64 == 0, "whole rounds of the digest");
static_assert(std::is_trivially_copyable_v<Track>);
static_assert(sizeof(Track) % 8 == 0);

constexpr bool doubted(const Track& t, Doubt doubt) {
  return (t.doubt & static_cast<std::uint16_t>(doubt)) != 0;
}
// Whether the position is not to be relied on.
constexpr bool position_in_doubt(const Track& t) {
  constexpr auto kSure = static_cast<unsigned>(Doubt::sudden) | static_cast<unsigned>(Doubt::weak);
  return (t.doubt & ~kSure) != 0;
}
constexpr void set_doubt(Track& t, Doubt doubt, bool on) {
  const auto bit = static_cast<unsigned>(doubt);
  t.doubt = static_cast<std::uint16_t>(on ? t.doubt | bit : t.doubt & ~bit);
}

constexpr std::uint64_t track_key(IdentityKind kind, std::uint64_t identity) {
  return static_cast<std::uint64_t>(kind) << 56 | (identity & 0x00FFFFFFFFFFFFFFULL);
}
constexpr IdentityKind kind_of(std::uint64_t key) {
  return static_cast<IdentityKind>(key >> 56);
}
constexpr std::uint64_t identity_of(std::uint64_t key) {
  return key & 0x00FFFFFFFFFFFFFFULL;
}

std::string_view name_of(TrackState state);

}  // namespace vedette
