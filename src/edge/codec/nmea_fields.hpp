// Purpose: the fields of an NMEA 0183 sentence and the readers of one field. In: the text between
// address and checksum. Out: values in SI units, or a cause. Runs on: the ingress thread; total on
// any text.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "edge/codec/nmea_sentence.hpp"

namespace vedette::codec {

inline constexpr double kKnot = 1852.0 / 3600.0;

// One sentence's fields by position, without blanks around them; missing ones read as empty.
struct Fields {
  static constexpr std::size_t kMost = 24;
  std::string_view at[kMost];
  std::size_t count = 0;

  explicit Fields(std::string_view text) {
    bool more = true;
    while (more && count < kMost) {
      const std::size_t before = text.size();
      const std::string_view field = next_field(text, ',');
      more = field.size() < before;  // whether a comma followed
      at[count++] = trimmed(field);
    }
  }

 private:
  static std::string_view trimmed(std::string_view field) {
    while (!field.empty() && is_blank(field.front())) {
      field.remove_prefix(1);
    }
    while (!field.empty() && is_blank(field.back())) {
      field.remove_suffix(1);
    }
    return field;
  }
  static bool is_blank(char c) { return c == ' ' || c == '\t'; }
};

constexpr RefusalCause first_of(RefusalCause a, RefusalCause b) {
  return a != RefusalCause::none ? a : b;
}

// Four fields from `first`: "ddmm.mmmm", N or S, "dddmm.mmmm", E or W.
RefusalCause read_position(const Fields& f, std::size_t first, NmeaMessage& m);
// "hhmmss[.ss]"
RefusalCause read_time(std::string_view text, NmeaMessage& m);
// None for zeros, which stand for "not available".
RefusalCause read_date(std::string_view day, std::string_view month, std::string_view year,
                       NmeaMessage& m);
// A number within [low, high], times `scale`. An empty field leaves `has` as it is.
RefusalCause read_value(std::string_view text, double scale, double low, double high, bool& has,
                        double& out);
// Degrees with E or W, east positive.
RefusalCause read_offset(std::string_view degrees, std::string_view side, bool& has, double& out);

}  // namespace vedette::codec
