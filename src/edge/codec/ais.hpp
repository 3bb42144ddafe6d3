// Purpose: AIS messages (ITU-R M.1371-5, annex 8) from their packed bits.
// In: the bits of one whole message. Out: AisMessage or a cause. Bound: kAisBits.
// Runs on: the ingress thread; no allocation; total on any bits.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "model/observation.hpp"
#include "model/refusal.hpp"

namespace vedette::codec {

inline constexpr std::size_t kAisBits = 1280;  // five slots carry 1,064 (M.1371-5, annex 2, 3.3.7)

inline constexpr std::uint16_t kAisNoSpeed = 0xFFFF;

// Values as transmitted; "not available" as the standard defines it, named beside each field.
struct AisMessage {
  std::uint8_t type;       // 1-5, 9, 14, 18, 19, 21, 24, 27
  std::uint8_t repeat;     // 0..3
  std::uint32_t mmsi;      // 30 bits
  std::uint8_t status;     // 0..15, 15 = not defined
  std::int8_t turn;        // ROT_AIS; -128 = not available
  std::uint16_t speed;     // 0.1 kn; kAisNoSpeed = not available; 1022 (type 9: 10220) or more
  bool accuracy;           // true: better than 10 m
  std::int32_t longitude;  // 1/10000 min; 181 degrees = not available
  std::int32_t latitude;   // 1/10000 min; 91 degrees = not available
  std::uint16_t course;    // 0.1 degree; 3600 = not available
  std::uint16_t heading;   // degree; 511 = not available
  std::uint8_t second;     // 60 = not available, 61..63 = manual, dead reckoning, inoperative
  std::uint8_t maneuver;   // 0 = not available, 1 = none, 2 = special
  bool raim;
  // Types 5, 19, 21, 24
  std::uint32_t imo;
  char callsign[8];
  char name[36];  // type 21 adds up to 14 characters of extension
  std::uint8_t ship_type;
  std::uint16_t to_bow, to_stern;
  std::uint8_t to_port, to_starboard;
  std::uint8_t epfd;
  std::uint8_t eta_month, eta_day, eta_hour, eta_minute;
  std::uint8_t draught;  // 0.1 m; 0 = not available
  char destination[24];
  bool dte;
  // Type 4
  std::uint16_t year;
  std::uint8_t month, day, hour, minute;
  // Type 18
  bool cs, display, dsc, band, msg22, assigned;
  // Type 21
  std::uint8_t aid_type;
  bool off_position, virtual_aid;
  std::uint8_t regional;
  // Type 24
  std::uint8_t part;  // 0 = A, 1 = B
  char vendor[4];
  std::uint8_t model, serial_high;
  std::uint32_t serial;
  std::uint32_t mothership;
  // Type 9
  std::uint16_t altitude;  // m; 4095 = not available, 4094 = 4,094 m or more
  // Type 14
  char text[164];
  // Type 27
  bool old_position;  // more than 5 s old
};

// Position, speed and course of type 27 are in steps of 0.1 minutes, knots and degrees.
// Fills `message`, which is valid only if the cause is none.
RefusalCause decode_ais(Bytes packed, std::size_t bit_count, AisMessage& message);

// False for a message without anything that belief holds.
bool to_observation(const AisMessage& message, Observation& out);

constexpr bool ais_has_position(const AisMessage& m) {
  return m.longitude >= -180 * 600000 && m.longitude <= 180 * 600000 &&
         m.latitude >= -90 * 600000 && m.latitude <= 90 * 600000 && m.type != 5 && m.type != 24 &&
         m.type != 14;
}

// 1/10000 minute to degrees * 1e7, rounded half away from zero.
constexpr std::int32_t ais_to_e7(std::int32_t value) {
  const std::int64_t scaled = static_cast<std::int64_t>(value) * 100;  // 1e7/600000 = 100/6
  return static_cast<std::int32_t>((scaled + (scaled >= 0 ? 3 : -3)) / 6);
}

// Maritime identities have nine digits, of which the first give the kind of station (ITU-R M.585).
IdentityKind kind_of_mmsi(std::uint32_t mmsi);

}  // namespace vedette::codec
