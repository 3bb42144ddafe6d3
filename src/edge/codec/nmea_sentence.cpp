#include "edge/codec/nmea_sentence.hpp"

#include "base/math.hpp"
#include "edge/codec/nmea_fields.hpp"

namespace vedette::codec {
namespace {

// A receiver without a fix writes what it likes where the fix would be (8960.0000, 999.9): such
// fields are not available, and the sentence is no worse for them.
RefusalCause without_fix(const NmeaMessage& m, RefusalCause cause) {
  return m.valid ? cause : RefusalCause::none;
}

RefusalCause read_rmc(const Fields& f, NmeaMessage& m) {
  m.valid = f.at[1] == "A";
  RefusalCause when = read_time(f.at[0], m);
  if (f.at[8].size() == 6) {
    when = first_of(when,
                    read_date(f.at[8].substr(0, 2), f.at[8].substr(2, 2), f.at[8].substr(4, 2), m));
  }
  RefusalCause fix = read_position(f, 2, m);
  fix = first_of(fix, read_value(f.at[6], kKnot, 0.0, 2000.0, m.has_speed, m.speed));
  fix = first_of(fix, read_value(f.at[7], 1.0, 0.0, 360.0, m.has_course, m.course));
  fix = first_of(fix, read_offset(f.at[9], f.at[10], m.has_variation, m.variation));
  return first_of(when, without_fix(m, fix));
}

// Receivers write 99.99 and more for a dilution that they do not know.
RefusalCause read_dilution(std::string_view satellites, std::string_view hdop, NmeaMessage& m) {
  const auto many = parse_unsigned(satellites);
  m.has_satellites = many && *many <= 99;
  m.satellites = static_cast<std::uint8_t>(m.has_satellites ? *many : 0);
  const RefusalCause cause = read_value(hdop, 1.0, 0.0, 10000.0, m.has_hdop, m.hdop);
  m.has_hdop = m.has_hdop && m.hdop < 99.0;
  return cause;
}

RefusalCause read_gga(const Fields& f, NmeaMessage& m) {
  const auto quality = parse_unsigned(f.at[5]);
  m.quality = static_cast<std::uint8_t>(quality && *quality <= 8 ? *quality : 0);
  m.valid = m.quality != 0;
  RefusalCause fix = first_of(read_position(f, 1, m), read_dilution(f.at[6], f.at[7], m));
  fix = first_of(fix, read_value(f.at[8], 1.0, -1000.0, 100000.0, m.has_altitude, m.altitude));
  return first_of(read_time(f.at[0], m), without_fix(m, fix));
}

// time, position, a mode for each satellite system, satellites, dilution, height
RefusalCause read_gns(const Fields& f, NmeaMessage& m) {
  m.valid = f.at[5].find_first_of("ADPRFEM") != std::string_view::npos;
  RefusalCause fix = first_of(read_position(f, 1, m), read_dilution(f.at[6], f.at[7], m));
  fix = first_of(fix, read_value(f.at[8], 1.0, -1000.0, 100000.0, m.has_altitude, m.altitude));
  return first_of(read_time(f.at[0], m), without_fix(m, fix));
}

// sentences, this one's number, satellites in view; number, elevation, azimuth and signal of four.
// One that is not tracked has no signal.
RefusalCause read_gsv(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  std::uint32_t sum = 0, heard = 0;
  for (std::size_t i = 6; i < f.count && i <= 18; i += 4) {
    if (f.at[i].empty()) {
      continue;
    }
    const auto signal = parse_unsigned(f.at[i]);
    if (!signal || *signal > 99) {
      return RefusalCause::out_of_range;
    }
    sum += static_cast<std::uint32_t>(*signal);
    heard += *signal != 0 ? 1 : 0;
  }
  m.has_signal = heard != 0;
  m.signal_db = static_cast<std::uint8_t>(m.has_signal ? sum / heard : 0);
  return RefusalCause::none;
}

RefusalCause read_gll(const Fields& f, NmeaMessage& m) {
  m.valid = f.count < 6 || f.at[5] == "A";  // the status field came with version 2.0
  return first_of(without_fix(m, read_position(f, 0, m)), read_time(f.at[4], m));
}

RefusalCause read_vtg(const Fields& f, NmeaMessage& m) {
  m.valid = f.count < 9 || f.at[8] != "N";
  RefusalCause cause = read_value(f.at[0], 1.0, 0.0, 360.0, m.has_course, m.course);
  cause = first_of(cause, read_value(f.at[4], kKnot, 0.0, 2000.0, m.has_speed, m.speed));
  if (!m.has_speed) {
    cause = first_of(cause, read_value(f.at[6], 1.0 / 3.6, 0.0, 4000.0, m.has_speed, m.speed));
  }
  return without_fix(m, cause);
}

RefusalCause read_hdt(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  return read_value(f.at[0], 1.0, 0.0, 360.0, m.has_heading, m.heading);
}

RefusalCause read_zda(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  const RefusalCause cause = read_time(f.at[0], m);
  return f.at[1].empty() ? cause : first_of(cause, read_date(f.at[1], f.at[2], f.at[3], m));
}

struct SentenceReader {
  std::string_view formatter;
  NmeaType type;
  std::size_t least_fields;
  RefusalCause (*read)(const Fields&, NmeaMessage&);
};

constexpr SentenceReader kReaders[] = {
    {"RMC", NmeaType::rmc, 9, read_rmc},   {"GGA", NmeaType::gga, 9, read_gga},
    {"GLL", NmeaType::gll, 4, read_gll},   {"VTG", NmeaType::vtg, 6, read_vtg},
    {"HDT", NmeaType::hdt, 1, read_hdt},   {"ZDA", NmeaType::zda, 4, read_zda},
    {"GNS", NmeaType::gns, 9, read_gns},   {"HDG", NmeaType::hdg, 1, read_hdg},
    {"HDM", NmeaType::hdm, 1, read_hdm},   {"THS", NmeaType::ths, 1, read_ths},
    {"ROT", NmeaType::rot, 1, read_rot},   {"MWV", NmeaType::mwv, 4, read_mwv},
    {"MWD", NmeaType::mwd, 5, read_mwd},   {"VHW", NmeaType::vhw, 5, read_vhw},
    {"DPT", NmeaType::dpt, 1, read_dpt},   {"DBT", NmeaType::dbt, 3, read_depth},
    {"DBS", NmeaType::dbs, 3, read_depth}, {"DBK", NmeaType::dbk, 3, read_depth},
    {"TTM", NmeaType::ttm, 4, read_ttm},   {"TLL", NmeaType::tll, 5, read_tll},
    {"GSV", NmeaType::gsv, 3, read_gsv},
};

}  // namespace

RefusalCause read_sentence(std::string_view address, std::string_view text, NmeaMessage& out) {
  for (const SentenceReader& reader : kReaders) {
    if (reader.formatter != address.substr(2)) {
      continue;
    }
    const Fields fields(text);
    if (fields.count < reader.least_fields) {
      return RefusalCause::too_short;
    }
    out = {};
    out.type = reader.type;
    out.talker[0] = address[0];
    out.talker[1] = address[1];
    return reader.read(fields, out);
  }
  return RefusalCause::unsupported;
}

std::string_view name_of(NmeaType type) {
  for (const SentenceReader& reader : kReaders) {
    if (reader.type == type) {
      return reader.formatter;
    }
  }
  return "unknown";
}

namespace {

void take_place(const NmeaMessage& m, Observation& out) {
  out.latitude_e7 = to_int32(m.latitude * 1e7 + (m.latitude < 0 ? -0.5 : 0.5));
  out.longitude_e7 = to_int32(m.longitude * 1e7 + (m.longitude < 0 ? -0.5 : 0.5));
  out.set(Field::position);
}

// A radar's target is a contact: its sensor is the one without sac and sic.
bool target_seen(const NmeaMessage& m, Observation& out) {
  const NmeaTarget& t = m.target;
  out.kind = IdentityKind::contact;
  if (!m.valid) {
    return false;
  }
  if (m.has_position) {
    take_place(m, out);
  } else if (t.has_range && t.has_true_bearing) {
    out.plot[0] = to_int32(t.range * 1e3 + 0.5);
    out.plot[1] = to_int32(wrap_360(t.true_bearing) * 1e6 + 0.5);
    out.set(Field::plot_polar);
  }
  return out.is_plot();
}

void take_instruments(const NmeaMessage& m, Observation& out) {
  if (m.has_true_heading) {
    out.heading_e6 = to_int32(wrap_360(m.true_heading) * 1e6);
    out.set(Field::heading);
  }
  if (m.has_water_speed) {
    out.water_speed_mm_s = to_int32(m.water_speed * 1000.0 + (m.water_speed < 0 ? -0.5 : 0.5));
    out.set(Field::water_speed);
  }
  if (m.has_wind_speed && m.has_wind_angle) {
    out.wind_speed_mm_s = to_int32(m.wind_speed * 1000.0 + 0.5);
    out.wind_angle_e6 = to_int32(wrap_360(m.wind_angle) * 1e6);
    out.set(Field::wind);
  }
}

}  // namespace

bool to_observation(const NmeaMessage& m, Observation& out) {
  out.message = static_cast<std::uint32_t>(m.type);
  if (m.type >= NmeaType::ttm) {
    return target_seen(m, out);
  }
  out.kind = IdentityKind::own;
  out.identity = 0;
  if (m.has_time && m.has_date) {
    out.unix_ns = m.days * 86400 * 1000000000 + m.time_of_day_ns;
    out.set(Field::time);
  }
  if (m.has_satellites) {
    out.satellites = m.satellites;
    out.set(Field::satellites);
  }
  if (m.has_signal) {
    out.signal_db = m.signal_db;
    out.set(Field::signal);
  }
  if (!m.valid) {
    return out.fields != 0;
  }
  if (m.has_position) {
    take_place(m, out);
    if (m.has_hdop && m.hdop > 0.0) {
      // User equivalent range error of 3 m an axis, times the receiver's own dilution.
      out.position_sigma_mm = to_uint32(m.hdop * 3000.0);
      out.set(Field::position_sigma);
    }
  }
  if (m.has_altitude) {
    out.altitude_mm = to_int32(m.altitude * 1000.0);
    out.set(Field::altitude);
  }
  if (m.has_speed) {
    out.speed_mm_s = to_int32(m.speed * 1000.0 + 0.5);
    out.set(Field::speed);
  }
  if (m.has_course) {
    out.course_e6 = to_int32(wrap_360(m.course) * 1e6);
    out.set(Field::course);
  }
  take_instruments(m, out);
  return out.fields != 0;
}

}  // namespace vedette::codec
