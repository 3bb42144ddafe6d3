// Purpose: reads NMEA 0183 sentences of a navigation receiver (NMEA 0183 v4.10, IEC 61162-1). In: a
// sentence's address and fields, with a valid checksum. Out: NmeaMessage, or a cause. Runs on: the
// ingress thread; no allocation; total on any text.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/observation.hpp"
#include "model/refusal.hpp"

namespace vedette::codec {

enum class NmeaType : std::uint8_t { rmc, gga, gll, vtg, hdt, zda };

struct NmeaMessage {
  NmeaType type;
  char talker[3];
  bool has_position, has_speed, has_course, has_heading, has_altitude, has_time, has_date, has_hdop;
  bool valid;        // the sender's status or mode reports a good fix
  double latitude;   // degrees
  double longitude;  // degrees
  double altitude;   // m above mean sea level (GGA)
  double speed;      // m/s over ground
  double course;     // degrees true
  double heading;    // degrees true
  double hdop;
  std::uint8_t quality;  // GGA field 6
  std::uint8_t satellites;
  std::int64_t time_of_day_ns;
  std::int64_t days;  // since 1970-01-01, if has_date
};

// `address`: talker and formatter, five characters, as in "GPRMC". Unsupported: an unknown
// formatter.
RefusalCause read_sentence(std::string_view address, std::string_view fields, NmeaMessage& out);
bool to_observation(const NmeaMessage& message, Observation& out);
std::string_view name_of(NmeaType type);

}  // namespace vedette::codec
