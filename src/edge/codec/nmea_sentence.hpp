// Purpose: reads NMEA 0183 sentences of navigation receivers, instruments and radars (NMEA 0183
// v4.10, IEC 61162-1). In: a sentence's address and fields, with a valid checksum. Out:
// NmeaMessage, or a cause. Runs on: the ingress thread; no allocation; total on any text.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/observation.hpp"
#include "model/refusal.hpp"

namespace vedette::codec {

enum class NmeaType : std::uint8_t {
  rmc,
  gga,
  gll,
  vtg,
  hdt,
  zda,
  gns,
  gsv,  // navigation receivers
  hdg,
  hdm,
  ths,
  rot,
  mwv,
  mwd,
  vhw,
  dpt,
  dbt,
  dbs,
  dbk,  // instruments
  ttm,
  tll  // radars
};

// A radar's own tracked target (TTM, TLL).
struct NmeaTarget {
  bool has_number, has_range, has_bearing, has_cpa, has_tcpa;
  bool relative;  // the bearing is from the bow
  bool has_true_bearing;
  bool course_relative;  // so are speed and course, or they are relative to own ship
  char status;           // T tracked, Q being acquired, L lost; 0: not said
  std::uint16_t number;
  double range;    // m
  double bearing;  // degrees
  double true_bearing;
  double cpa;   // m
  double tcpa;  // s, negative when past
  char name[24];
};

struct NmeaMessage {
  NmeaType type;
  char talker[3];
  bool has_position, has_speed, has_course, has_heading, has_altitude, has_time, has_date, has_hdop;
  bool has_satellites, has_variation, has_turn, has_water_speed, has_wind_speed, has_wind_angle;
  bool has_depth, has_offset, has_signal;
  bool valid;        // the sender's status or mode reports a good fix
  double latitude;   // degrees
  double longitude;  // degrees
  double altitude;   // m above mean sea level (GGA, GNS)
  double speed;      // m/s over ground
  double course;     // degrees true
  double heading;    // degrees, deviation and variation of its own sentence taken off
  bool heading_magnetic;
  bool has_true_heading;
  double true_heading;          // degrees, by a variation that may come from another sentence
  double variation;             // degrees, east positive
  double turn;                  // degrees a minute, to starboard positive
  double water_speed;           // m/s
  double wind_speed;            // m/s
  double wind_angle;            // degrees
  std::uint8_t wind_reference;  // as N2kMessage has it
  double depth;                 // m below transducer, surface (DBS) or keel (DBK)
  double offset;                // m, DPT: to the surface positive, to the keel negative
  double hdop;
  std::uint8_t quality;  // GGA field 6
  std::uint8_t satellites;
  std::uint8_t signal_db;  // mean carrier to noise density of the satellites that it hears, dB-Hz
  std::int64_t time_of_day_ns;
  std::int64_t days;  // since 1970-01-01, if has_date
  NmeaTarget target;
};

// `address`: talker and formatter, five characters, as in "GPRMC". Unsupported: an unknown
// formatter.
RefusalCause read_sentence(std::string_view address, std::string_view fields, NmeaMessage& out);
bool to_observation(const NmeaMessage& message, Observation& out);
std::string_view name_of(NmeaType type);

// For the table of readers.
struct Fields;
RefusalCause read_hdg(const Fields& f, NmeaMessage& m);
RefusalCause read_hdm(const Fields& f, NmeaMessage& m);
RefusalCause read_ths(const Fields& f, NmeaMessage& m);
RefusalCause read_rot(const Fields& f, NmeaMessage& m);
RefusalCause read_mwv(const Fields& f, NmeaMessage& m);
RefusalCause read_mwd(const Fields& f, NmeaMessage& m);
RefusalCause read_vhw(const Fields& f, NmeaMessage& m);
RefusalCause read_dpt(const Fields& f, NmeaMessage& m);
RefusalCause read_depth(const Fields& f, NmeaMessage& m);
RefusalCause read_ttm(const Fields& f, NmeaMessage& m);
RefusalCause read_tll(const Fields& f, NmeaMessage& m);

}  // namespace vedette::codec
