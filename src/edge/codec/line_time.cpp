#include "edge/codec/line_time.hpp"

#include <cstring>

#include "base/math.hpp"
#include "base/text.hpp"
#include "model/limits.hpp"

namespace vedette::codec {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kDateTime = 19;  // characters of "2011-04-25T10:16:43"
constexpr std::size_t kFraction = 10;  // with its point: to the nanosecond

// "", "Z", "+02", "+0200", "-07:00": ns east of UTC.
std::optional<std::int64_t> offset_of(std::string_view zone) {
  if (zone.empty() || zone == "Z" || zone == "z") {
    return 0;
  }
  const bool west = zone[0] == '-';
  if ((!west && zone[0] != '+') || zone.size() < 3) {
    return std::nullopt;
  }
  const auto hours = parse_unsigned(zone.substr(1, 2));
  std::string_view rest = zone.substr(3);
  if (rest.starts_with(':')) {
    rest.remove_prefix(1);
  }
  const auto minutes = rest.empty() ? std::optional<std::uint64_t>(0) : parse_unsigned(rest);
  if (!hours || !minutes || *hours > 14 || *minutes > 59 || (!rest.empty() && rest.size() != 2)) {
    return std::nullopt;
  }
  const auto east = static_cast<std::int64_t>(*hours * 60 + *minutes) * 60 * kSecondNs;
  return west ? -east : east;
}

}  // namespace

std::optional<std::int64_t> written_time(std::string_view text) {
  if (const auto usual = parse_time(text)) {
    return usual;
  }
  if (text.size() < kDateTime) {
    return std::nullopt;
  }
  // As RFC 3339 writes it.
  char buffer[kDateTime + kFraction + 1];
  std::memcpy(buffer, text.data(), kDateTime);
  if (buffer[10] == '-' || buffer[10] == ' ') {
    buffer[10] = 'T';
  }
  std::size_t used = kDateTime;
  std::string_view rest = text.substr(kDateTime);
  if (!rest.empty() && (rest[0] == '.' || rest[0] == ',')) {
    std::size_t digits = rest.find_first_not_of("0123456789", 1);
    digits = digits == std::string_view::npos ? rest.size() : digits;
    const std::size_t kept = digits < kFraction ? digits : kFraction;
    std::memcpy(buffer + used, rest.data(), kept);
    buffer[used] = '.';
    used += kept;
    rest.remove_prefix(digits);
  }
  buffer[used++] = 'Z';
  const auto local = parse_time({buffer, used});
  const auto east = offset_of(rest);
  return local && east ? std::optional(*local - *east) : std::nullopt;
}

std::optional<std::int64_t> unix_ns_of(std::string_view text) {
  constexpr double kMilliseconds = 1e11;  // in seconds the year 5138
  constexpr double kMicroseconds = 1e14;
  const auto number = parse_decimal(text);
  if (!number || *number < 0.0) {
    return std::nullopt;
  }
  const double scale = *number < kMilliseconds ? 1e6 : *number < kMicroseconds ? 1e3 : 1.0;
  const double microseconds = *number * scale;
  if (!(microseconds >= static_cast<double>(limits::kTimeFromS) * 1e6 &&
        microseconds < static_cast<double>(limits::kTimeToS) * 1e6)) {
    return std::nullopt;
  }
  return to_int64(microseconds + 0.5) * 1000;
}

std::optional<std::int64_t> time_of_day(std::string_view text) {
  const bool colons = text.size() >= 8 && text[2] == ':' && text[5] == ':';
  if (text.size() < 6) {
    return std::nullopt;
  }
  const auto hour = parse_unsigned(text.substr(0, 2));
  const auto minute = parse_unsigned(text.substr(colons ? 3 : 2, 2));
  const auto second = parse_decimal(text.substr(colons ? 6 : 4));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second < 0.0 ||
      *second >= 61.0) {
    return std::nullopt;
  }
  return (static_cast<std::int64_t>(*hour) * 3600 + static_cast<std::int64_t>(*minute) * 60) *
             kSecondNs +
         to_int64(*second * 1e9 + 0.5);
}

}  // namespace vedette::codec
