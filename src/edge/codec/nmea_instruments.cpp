// Instruments and a radar's own targets: compass, log, wind, echo sounder, TTM and TLL.
#include "base/math.hpp"
#include "edge/codec/nmea_fields.hpp"

namespace vedette::codec {
namespace {

constexpr double kFoot = 0.3048;
constexpr double kFathom = 6.0 * kFoot;
constexpr double kMile = 1609.344;
constexpr double kNauticalMile = 1852.0;

RefusalCause read_heading(std::string_view text, bool magnetic, NmeaMessage& m) {
  m.heading_magnetic = magnetic;
  return read_value(text, 1.0, 0.0, 360.0, m.has_heading, m.heading);
}

// Of a wind speed, m/s; 0: no such unit.
double unit_of_wind(std::string_view unit) {
  return unit == "N"   ? kKnot
         : unit == "K" ? 1.0 / 3.6
         : unit == "M" ? 1.0
         : unit == "S" ? kMile / 3600.0
                       : 0.0;
}

// Of a radar's distances, m: K, N or S for kilometres, nautical and statute miles.
double unit_of_range(std::string_view unit) {
  return unit == "K" ? 1000.0 : unit == "S" ? kMile : kNauticalMile;
}

void read_name(std::string_view text, NmeaTarget& target) {
  const std::size_t most = sizeof target.name - 1;
  text.copy(target.name, text.size() < most ? text.size() : most);
}

}  // namespace

// heading, deviation, E or W, variation, E or W
RefusalCause read_hdg(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  bool has_deviation = false;
  double deviation = 0.0;
  RefusalCause cause = read_heading(f.at[0], true, m);
  cause = first_of(cause, read_offset(f.at[1], f.at[2], has_deviation, deviation));
  cause = first_of(cause, read_offset(f.at[3], f.at[4], m.has_variation, m.variation));
  if (has_deviation || m.has_variation) {
    m.heading = wrap_360(m.heading + deviation + m.variation);
    m.heading_magnetic = !m.has_variation;
  }
  return cause;
}

RefusalCause read_hdm(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  return read_heading(f.at[0], true, m);
}

// heading, mode
RefusalCause read_ths(const Fields& f, NmeaMessage& m) {
  m.valid = f.at[1] != "V";
  return read_heading(f.at[0], false, m);
}

RefusalCause read_rot(const Fields& f, NmeaMessage& m) {
  m.valid = f.at[1] != "V";
  return read_value(f.at[0], 1.0, -10000.0, 10000.0, m.has_turn, m.turn);
}

// angle, R or T (both from the bow), speed, its unit, status
RefusalCause read_mwv(const Fields& f, NmeaMessage& m) {
  m.valid = f.at[4] != "V";
  m.wind_reference = f.at[1] == "T" ? 3 : 2;
  const double unit = unit_of_wind(f.at[3]);
  const RefusalCause cause = read_value(f.at[0], 1.0, 0.0, 360.0, m.has_wind_angle, m.wind_angle);
  if (f.at[2].empty()) {
    return cause;
  }
  return unit == 0.0 ? RefusalCause::malformed
                     : first_of(cause, read_value(f.at[2], unit, 0.0, 1000.0, m.has_wind_speed,
                                                  m.wind_speed));
}

// direction true, T, magnetic, M, knots, N, m/s, M
RefusalCause read_mwd(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  m.wind_reference = f.at[0].empty() ? 1 : 0;
  RefusalCause cause =
      read_value(f.at[f.at[0].empty() ? 2 : 0], 1.0, 0.0, 360.0, m.has_wind_angle, m.wind_angle);
  cause = first_of(cause, read_value(f.at[6], 1.0, 0.0, 500.0, m.has_wind_speed, m.wind_speed));
  if (!m.has_wind_speed) {
    cause =
        first_of(cause, read_value(f.at[4], kKnot, 0.0, 1000.0, m.has_wind_speed, m.wind_speed));
  }
  return cause;
}

// heading true, T, magnetic, M, knots, N, km/h, K
RefusalCause read_vhw(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  RefusalCause cause = read_heading(f.at[0], false, m);
  if (!m.has_heading) {
    cause = first_of(cause, read_heading(f.at[2], true, m));
  }
  cause =
      first_of(cause, read_value(f.at[4], kKnot, -100.0, 1000.0, m.has_water_speed, m.water_speed));
  if (!m.has_water_speed) {
    cause = first_of(
        cause, read_value(f.at[6], 1.0 / 3.6, -200.0, 2000.0, m.has_water_speed, m.water_speed));
  }
  return cause;
}

// depth below the transducer, offset
RefusalCause read_dpt(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  return first_of(read_value(f.at[0], 1.0, 0.0, 15000.0, m.has_depth, m.depth),
                  read_value(f.at[1], 1.0, -1000.0, 1000.0, m.has_offset, m.offset));
}

// DBT, DBS, DBK: feet, f, metres, M, fathoms, F
RefusalCause read_depth(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  RefusalCause cause = read_value(f.at[2], 1.0, 0.0, 15000.0, m.has_depth, m.depth);
  if (!m.has_depth) {
    cause = first_of(cause, read_value(f.at[0], kFoot, 0.0, 50000.0, m.has_depth, m.depth));
  }
  if (!m.has_depth) {
    cause = first_of(cause, read_value(f.at[4], kFathom, 0.0, 10000.0, m.has_depth, m.depth));
  }
  return cause;
}

// number, distance, bearing, T or R, speed, course, T or R, CPA, minutes to it, unit, name, status,
// reference, time, way of acquisition
RefusalCause read_ttm(const Fields& f, NmeaMessage& m) {
  NmeaTarget& t = m.target;
  const double unit = unit_of_range(f.at[9]);
  const auto number = parse_unsigned(f.at[0]);
  t.has_number = number && *number <= 9999;
  t.number = static_cast<std::uint16_t>(t.has_number ? *number : 0);
  t.status = f.at[11].empty() ? '\0' : f.at[11][0];
  m.valid = t.status != 'L';
  t.relative = f.at[3] == "R";
  t.course_relative = f.at[6] == "R";
  read_name(f.at[10], t);
  RefusalCause cause = read_value(f.at[1], unit, 0.0, 1000.0, t.has_range, t.range);
  cause = first_of(cause, read_value(f.at[2], 1.0, 0.0, 360.0, t.has_bearing, t.bearing));
  cause = first_of(cause, read_value(f.at[4], unit / 3600.0, 0.0, 10000.0, m.has_speed, m.speed));
  cause = first_of(cause, read_value(f.at[5], 1.0, 0.0, 360.0, m.has_course, m.course));
  cause = first_of(cause, read_value(f.at[7], unit, 0.0, 10000.0, t.has_cpa, t.cpa));
  cause = first_of(cause, read_value(f.at[8], 60.0, -100000.0, 100000.0, t.has_tcpa, t.tcpa));
  return first_of(cause, read_time(f.at[13], m));
}

// number, latitude, N or S, longitude, E or W, name, time, status, reference
RefusalCause read_tll(const Fields& f, NmeaMessage& m) {
  NmeaTarget& t = m.target;
  const auto number = parse_unsigned(f.at[0]);
  t.has_number = number && *number <= 9999;
  t.number = static_cast<std::uint16_t>(t.has_number ? *number : 0);
  t.status = f.at[7].empty() ? '\0' : f.at[7][0];
  m.valid = t.status != 'L';
  read_name(f.at[5], t);
  return first_of(read_position(f, 1, m), read_time(f.at[6], m));
}

}  // namespace vedette::codec
