// Purpose: a typed, validated observation: what a codec made of one frame, in SI units and degrees.
// Integers, so that it is the same bytes on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

namespace vedette {

// What is identified, and by which numbering.
enum class IdentityKind : std::uint8_t {
  none = 0,
  own = 1,           // this platform; identity 0
  vessel = 2,        // MMSI
  aid = 3,           // aid to navigation, MMSI
  base_station = 4,  // MMSI
  aircraft = 5,      // ICAO 24-bit address
  vehicle = 6,       // MAVLink system id
  contact = 7,       // seen by a sensor, transmits nothing; the node's own number
  count
};

// Bits of Observation::fields; a field whose bit is clear is not available.
enum class Field : std::uint32_t {
  position = 1U << 0,
  altitude = 1U << 1,
  speed = 1U << 2,
  course = 1U << 3,
  heading = 1U << 4,
  vertical_speed = 1U << 5,
  name = 1U << 6,
  callsign = 1U << 7,
  ship_type = 1U << 8,
  nav_status = 1U << 9,
  water_speed = 1U << 10,
  wind = 1U << 11,  // wind_speed and wind_angle
  battery = 1U << 12,
  position_sigma = 1U << 13,
  time = 1U << 14,         // unix_ns is the sender's clock
  presence = 1U << 15,     // heard, nothing else known
  plot_polar = 1U << 16,   // range and azimuth from the sensor
  plot_plane = 1U << 17,   // east and north of the sensor
  scan_start = 1U << 18,   // a scan of the sensor begins here
  group_end = 1U << 19,    // the last report of its datagram
  time_of_day = 1U << 20,  // time_of_day is the sensor's clock
  particulars = 1U << 21,  // some of them
  satellites = 1U << 22,   // that the receiver's position is from
  signal = 1U << 23,       // how strongly it hears them
};

constexpr std::uint32_t bits_of(std::initializer_list<Field> fields) {
  std::uint32_t bits = 0;
  for (const Field field : fields) {
    bits |= static_cast<std::uint32_t>(field);
  }
  return bits;
}

// What a thing says of itself beside its name. Zero where it has not, so the codes count from 1.
struct Particulars {
  std::uint32_t imo = 0;
  std::uint16_t length_dm = 0;  // 0.1 m
  std::uint16_t beam_dm = 0;
  std::uint16_t draught_cm = 0;
  std::uint16_t squawk_next = 0;    // the four octal digits as a decimal number, plus 1
  std::uint8_t emergency_next = 0;  // DO-260B 2.2.3.2.7.8.1.1, plus 1
  std::uint8_t category = 0;        // emitter category: type code * 8 + number (DO-260B 2.2.3.2.5)
  char destination[24] = {};        // padded with zero bytes
  std::uint8_t reserved[2] = {};

  // Takes over what `newer` says.
  void update(const Particulars& newer);
  bool operator==(const Particulars&) const = default;
};

struct Observation {
  std::uint64_t identity = 0;
  std::int64_t unix_ns = 0;  // sender's UTC, if Field::time
  std::uint32_t fields = 0;
  std::uint32_t message = 0;             // AIS type, PGN, MAVLink message id, ADS-B type code
  std::int32_t latitude_e7 = 0;          // degrees * 1e7, [-90, 90]
  std::int32_t longitude_e7 = 0;         // degrees * 1e7, [-180, 180]
  std::int32_t altitude_mm = 0;          // above the source's own datum
  std::uint32_t position_sigma_mm = 0;   // one standard deviation, each axis
  std::int32_t speed_mm_s = 0;           // over ground, >= 0
  std::int32_t course_e6 = 0;            // degrees true * 1e6, [0, 360)
  std::int32_t heading_e6 = 0;           // degrees true * 1e6, [0, 360)
  std::int32_t vertical_speed_mm_s = 0;  // up positive
  std::int32_t water_speed_mm_s = 0;
  std::int32_t wind_speed_mm_s = 0;
  std::int32_t wind_angle_e6 = 0;  // degrees * 1e6, in the sender's reference
  std::int32_t battery_e3 = 0;     // remaining share * 1000
  std::int32_t plot[2] = {};       // mm and degrees * 1e6 clockwise from north; or mm and mm
  std::uint32_t time_of_day = 0;   // since midnight UTC, 1/128 s, below 86400 s
  IdentityKind kind = IdentityKind::none;
  std::uint8_t ship_type = 0;    // ITU-R M.1371 table 53
  std::uint8_t nav_status = 15;  // ITU-R M.1371 table 45
  std::uint8_t own_report = 0;   // from our own transponder by wire, not by radio
  std::uint8_t satellites = 0;
  std::uint8_t signal_db = 0;  // mean carrier to noise density of those heard, dB-Hz
  std::uint8_t reserved[4] = {};
  std::uint16_t sensor = 0;  // ASTERIX system area code * 256 + system identification code
  char name[24] = {};        // padded with zero bytes
  char callsign[16] = {};
  Particulars particulars;

  bool has(Field f) const { return (fields & static_cast<std::uint32_t>(f)) != 0; }
  // A sensor's report of something unidentified, or of the sensor's own position.
  bool is_plot() const {
    return kind == IdentityKind::contact &&
           (has(Field::plot_polar) || has(Field::plot_plane) || has(Field::position));
  }
  void set(Field f) { fields |= static_cast<std::uint32_t>(f); }
};
static_assert(std::is_trivially_copyable_v<Observation>);
static_assert(std::has_unique_object_representations_v<Observation>, "no padding may be hashed");

std::string_view name_of(IdentityKind kind);

}  // namespace vedette
