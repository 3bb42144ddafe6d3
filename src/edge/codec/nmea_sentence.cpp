#include "edge/codec/nmea_sentence.hpp"

#include "base/math.hpp"
#include "base/text.hpp"

namespace vedette::codec {
namespace {

constexpr double kKnot = 1852.0 / 3600.0;

// "ddmm.mmmm" and a hemisphere; false when unreadable or outside the globe.
bool parse_angle(std::string_view value, std::string_view hemisphere, char positive, char negative,
                 double limit, double& out) {
  if (hemisphere.size() != 1 || (hemisphere[0] != positive && hemisphere[0] != negative)) {
    return false;
  }
  const auto number = parse_decimal(value);
  if (!number || *number < 0.0) {
    return false;
  }
  const double degrees = static_cast<double>(to_int64(*number / 100.0));
  const double minutes = *number - degrees * 100.0;
  const double angle = degrees + minutes / 60.0;
  if (minutes >= 60.0 || angle > limit) {
    return false;
  }
  out = hemisphere[0] == negative ? -angle : angle;
  return true;
}

enum class Read { empty, ok, bad };

Read parse_number(std::string_view text, double& out) {
  if (text.empty()) {
    return Read::empty;
  }
  const auto number = parse_decimal(text);
  if (!number) {
    return Read::bad;
  }
  out = *number;
  return Read::ok;
}

// "hhmmss[.ss]"
bool parse_time_of_day(std::string_view text, std::int64_t& out) {
  if (text.size() < 6) {
    return false;
  }
  const auto hour = parse_unsigned(text.substr(0, 2));
  const auto minute = parse_unsigned(text.substr(2, 2));
  const auto second = parse_decimal(text.substr(4));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second < 0.0 ||
      *second >= 61.0) {
    return false;
  }
  out = (static_cast<std::int64_t>(*hour) * 3600 + static_cast<std::int64_t>(*minute) * 60) *
            1000000000 +
        to_int64(*second * 1e9 + 0.5);
  return true;
}

// One sentence's fields by position; missing ones read as empty.
struct Fields {
  std::string_view at[24];
  std::size_t count = 0;

  explicit Fields(std::string_view text) {
    bool more = true;
    while (more && count < 24) {
      const std::size_t before = text.size();
      at[count] = next_field(text, ',');
      more = at[count++].size() < before;  // whether a comma followed
    }
  }
};

// Each reader returns a refusal cause, or none.
RefusalCause read_position(const Fields& f, std::size_t first, NmeaMessage& m) {
  if (f.at[first].empty() && f.at[first + 2].empty()) {
    return RefusalCause::none;
  }
  m.has_position = parse_angle(f.at[first], f.at[first + 1], 'N', 'S', 90.0, m.latitude) &&
                   parse_angle(f.at[first + 2], f.at[first + 3], 'E', 'W', 180.0, m.longitude);
  return m.has_position ? RefusalCause::none : RefusalCause::malformed;
}

RefusalCause read_time(std::string_view text, NmeaMessage& m) {
  if (text.empty()) {
    return RefusalCause::none;
  }
  m.has_time = parse_time_of_day(text, m.time_of_day_ns);
  return m.has_time ? RefusalCause::none : RefusalCause::malformed;
}

RefusalCause read_date(std::string_view day, std::string_view month, std::string_view year,
                       NmeaMessage& m) {
  const auto d = parse_unsigned(day);
  const auto mo = parse_unsigned(month);
  const auto y = parse_unsigned(year);
  if (!d || !mo || !y || *d < 1 || *d > 31 || *mo < 1 || *mo > 12 || *y > 2261) {
    return RefusalCause::malformed;
  }
  const auto full = static_cast<std::int64_t>(*y < 100 ? (*y < 80 ? *y + 2000 : *y + 1900) : *y);
  m.days = days_from_civil(full, static_cast<int>(*mo), static_cast<int>(*d));
  m.has_date = true;
  return RefusalCause::none;
}

RefusalCause read_value(std::string_view text, double scale, double low, double high, bool& has,
                        double& out) {
  double number = 0.0;
  const Read read = parse_number(text, number);
  if (read == Read::bad) {
    return RefusalCause::malformed;
  }
  if (read == Read::ok) {
    if (number < low || number > high) {
      return RefusalCause::out_of_range;
    }
    has = true;
    out = number * scale;
  }
  return RefusalCause::none;
}

RefusalCause first_of(RefusalCause a, RefusalCause b) {
  return a != RefusalCause::none ? a : b;
}

RefusalCause read_rmc(const Fields& f, NmeaMessage& m) {
  m.valid = f.at[1] == "A";
  RefusalCause cause = first_of(read_time(f.at[0], m), read_position(f, 2, m));
  cause = first_of(cause, read_value(f.at[6], kKnot, 0.0, 2000.0, m.has_speed, m.speed));
  cause = first_of(cause, read_value(f.at[7], 1.0, 0.0, 360.0, m.has_course, m.course));
  if (f.at[8].size() == 6) {
    cause = first_of(
        cause, read_date(f.at[8].substr(0, 2), f.at[8].substr(2, 2), f.at[8].substr(4, 2), m));
  }
  return cause;
}

RefusalCause read_gga(const Fields& f, NmeaMessage& m) {
  RefusalCause cause = first_of(read_time(f.at[0], m), read_position(f, 1, m));
  const auto quality = parse_unsigned(f.at[5]);
  const auto satellites = parse_unsigned(f.at[6]);
  m.quality = static_cast<std::uint8_t>(quality && *quality <= 8 ? *quality : 0);
  m.satellites = static_cast<std::uint8_t>(satellites && *satellites <= 99 ? *satellites : 0);
  m.valid = m.quality != 0;
  cause = first_of(cause, read_value(f.at[7], 1.0, 0.0, 100.0, m.has_hdop, m.hdop));
  return first_of(cause, read_value(f.at[8], 1.0, -1000.0, 100000.0, m.has_altitude, m.altitude));
}

RefusalCause read_gll(const Fields& f, NmeaMessage& m) {
  m.valid = f.count < 6 || f.at[5] == "A";  // the status field came with version 2.0
  return first_of(read_position(f, 0, m), read_time(f.at[4], m));
}

RefusalCause read_vtg(const Fields& f, NmeaMessage& m) {
  m.valid = f.count < 9 || f.at[8] != "N";
  RefusalCause cause = read_value(f.at[0], 1.0, 0.0, 360.0, m.has_course, m.course);
  cause = first_of(cause, read_value(f.at[4], kKnot, 0.0, 2000.0, m.has_speed, m.speed));
  if (!m.has_speed) {
    cause = first_of(cause, read_value(f.at[6], 1.0 / 3.6, 0.0, 4000.0, m.has_speed, m.speed));
  }
  return cause;
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
    {"RMC", NmeaType::rmc, 9, read_rmc}, {"GGA", NmeaType::gga, 9, read_gga},
    {"GLL", NmeaType::gll, 4, read_gll}, {"VTG", NmeaType::vtg, 6, read_vtg},
    {"HDT", NmeaType::hdt, 1, read_hdt}, {"ZDA", NmeaType::zda, 4, read_zda},
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

bool to_observation(const NmeaMessage& m, Observation& out) {
  out.kind = IdentityKind::own;
  out.identity = 0;
  out.message = static_cast<std::uint32_t>(m.type);
  if (m.has_time && m.has_date) {
    out.unix_ns = m.days * 86400 * 1000000000 + m.time_of_day_ns;
    out.set(Field::time);
  }
  if (!m.valid) {
    return out.fields != 0;
  }
  if (m.has_position) {
    out.latitude_e7 = to_int32(m.latitude * 1e7 + (m.latitude < 0 ? -0.5 : 0.5));
    out.longitude_e7 = to_int32(m.longitude * 1e7 + (m.longitude < 0 ? -0.5 : 0.5));
    out.set(Field::position);
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
  if (m.has_heading) {
    out.heading_e6 = to_int32(wrap_360(m.heading) * 1e6);
    out.set(Field::heading);
  }
  return out.fields != 0;
}

}  // namespace vedette::codec
