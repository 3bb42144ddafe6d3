#include "edge/codec/nmea_fields.hpp"

#include "base/math.hpp"
#include "edge/codec/line_time.hpp"

namespace vedette::codec {
namespace {

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

}  // namespace

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
  const auto time = text.find(':') == std::string_view::npos ? time_of_day(text) : std::nullopt;
  m.has_time = time.has_value();
  m.time_of_day_ns = time.value_or(0);
  return m.has_time ? RefusalCause::none : RefusalCause::malformed;
}

RefusalCause read_date(std::string_view day, std::string_view month, std::string_view year,
                       NmeaMessage& m) {
  const auto d = parse_unsigned(day);
  const auto mo = parse_unsigned(month);
  const auto y = parse_unsigned(year);
  if (d && mo && *d == 0 && *mo == 0) {
    return RefusalCause::none;
  }
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

RefusalCause read_offset(std::string_view degrees, std::string_view side, bool& has, double& out) {
  const RefusalCause cause = read_value(degrees, 1.0, 0.0, 180.0, has, out);
  if (has && side == "W") {
    out = -out;
  } else if (has && side != "E") {
    has = false;
    return RefusalCause::malformed;
  }
  return cause;
}

}  // namespace vedette::codec
