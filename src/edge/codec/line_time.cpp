#include "edge/codec/line_time.hpp"

#include <cstring>

#include "base/math.hpp"
#include "base/text.hpp"
#include "model/limits.hpp"

namespace vedette::codec {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kDateTime = 19;  // characters of "2011-04-25T10:16:43"
constexpr std::size_t kCompact = 15;   // of "20110425T101643"
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
  if (text.size() < kCompact) {
    return std::nullopt;
  }
  // As RFC 3339 writes it.
  char buffer[kDateTime + kFraction + 1];
  std::size_t used = kDateTime;
  const bool compact = text.find_first_not_of("0123456789") == 8;  // "20110425T101643"
  if (!compact && text.size() < kDateTime) {
    return std::nullopt;
  }
  const std::size_t read = compact ? kCompact : kDateTime;
  if (compact) {
    std::size_t at = 0;
    for (const char c : std::string_view("0000-00-00T00:00:00")) {
      buffer[at] = c;
      ++at;
    }
    constexpr std::size_t kPlaces[] = {0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 14, 15, 17, 18};
    for (std::size_t i = 0; i < kCompact; ++i) {
      buffer[kPlaces[i]] = text[i];
    }
  } else {
    std::memcpy(buffer, text.data(), kDateTime);
    buffer[4] = buffer[4] == '/' ? '-' : buffer[4];
    buffer[7] = buffer[7] == '/' ? '-' : buffer[7];
  }
  if (std::string_view("- ,;_\t").find(buffer[10]) != std::string_view::npos) {
    buffer[10] = 'T';
  }
  std::string_view rest = text.substr(read);
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
  return local && east && *local >= *east ? std::optional(*local - *east) : std::nullopt;
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
