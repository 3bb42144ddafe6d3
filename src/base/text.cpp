#include "base/text.hpp"

namespace vedette {

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || done.ec != std::errc() || done.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || done.ec != std::errc() || done.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> parse_decimal(std::string_view text) {
  // Own parser: std::from_chars for double may allocate in this library version.
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::uint64_t digits = 0;
  int count = 0;
  int decimals = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    ++count;
    if (digits < 100000000000000000ULL) {  // 17 digits are more than a double holds
      digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
      decimals += point ? 1 : 0;
    } else if (!point) {
      return std::nullopt;
    }
  }
  if (count == 0) {
    return std::nullopt;
  }
  double scale = 1.0;
  for (int i = 0; i < decimals; ++i) {
    scale *= 10.0;
  }
  const double value = static_cast<double>(digits) / scale;
  return negative ? -value : value;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  // YYYY-MM-DDTHH:MM:SS[.fraction]Z
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':' ||
      text.back() != 'Z') {
    return std::nullopt;
  }
  const auto year = parse_unsigned(text.substr(0, 4));
  const auto month = parse_unsigned(text.substr(5, 2));
  const auto day = parse_unsigned(text.substr(8, 2));
  const auto hour = parse_unsigned(text.substr(11, 2));
  const auto minute = parse_unsigned(text.substr(14, 2));
  const auto second = parse_unsigned(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second || *year < 1970 || *year > 2261 ||
      *month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 23 || *minute > 59 ||
      *second > 60) {
    return std::nullopt;
  }
  std::int64_t fraction_ns = 0;
  const std::string_view tail = text.substr(19, text.size() - 20);
  if (!tail.empty()) {
    if (tail[0] != '.' || tail.size() < 2 || tail.size() > 10) {
      return std::nullopt;
    }
    std::int64_t unit = 100000000;
    for (const char c : tail.substr(1)) {
      if (c < '0' || c > '9') {
        return std::nullopt;
      }
      fraction_ns += (c - '0') * unit;
      unit /= 10;
    }
  }
  const std::int64_t days = days_from_civil(static_cast<std::int64_t>(*year),
                                            static_cast<int>(*month), static_cast<int>(*day));
  const std::int64_t seconds = days * 86400 + static_cast<std::int64_t>(*hour) * 3600 +
                               static_cast<std::int64_t>(*minute) * 60 +
                               static_cast<std::int64_t>(*second);
  return seconds * 1000000000 + fraction_ns;
}

bool parse_hex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != 2 * out.size()) {
    return false;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace vedette
