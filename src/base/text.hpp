// Purpose: text in a fixed buffer, numbers to and from text, with no allocation and no locale.
// Bound: the buffer. When full: further text is cut and truncated() says so.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace vedette {

class FixedText {
 public:
  explicit FixedText(std::span<char> buffer) : buffer_(buffer) {}

  void append(std::string_view text) {
    const std::size_t left = buffer_.size() - used_;
    const std::size_t n = text.size() < left ? text.size() : left;
    char* const at = buffer_.data() + used_;
    if (n >= 8 && n <= 16) {  // most pieces are short: two words that may overlap, and no call
      std::memcpy(at, text.data(), 8);
      std::memcpy(at + n - 8, text.data() + n - 8, 8);
    } else if (n < 8) {
      for (std::size_t i = 0; i < n; ++i) {
        at[i] = text[i];
      }
    } else {
      std::memcpy(at, text.data(), n);
    }
    used_ += n;
    truncated_ = truncated_ || n < text.size();
  }
  void clear() {
    used_ = 0;
    truncated_ = false;
  }
  std::string_view view() const { return {buffer_.data(), used_}; }
  bool truncated() const { return truncated_; }

 private:
  std::span<char> buffer_;
  std::size_t used_ = 0;
  bool truncated_ = false;
};

// Any type with append(std::string_view): FixedText on hot threads, std::string on cold ones.
template <typename Out>
void append_integer(Out& out, std::int64_t value, int min_digits = 0) {
  char buffer[48];
  char* const end = buffer + sizeof buffer;
  char* at = end;
  std::uint64_t left =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  do {
    *--at = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left != 0);
  while (end - at < min_digits && at != buffer + 1) {
    *--at = '0';
  }
  if (value < 0) {
    *--at = '-';
  }
  out.append(std::string_view(at, static_cast<std::size_t>(end - at)));
}

template <typename Out>
void append_unsigned(Out& out, std::uint64_t value, int base = 10) {
  char buffer[72];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base).ptr;
  out.append(std::string_view(buffer, static_cast<std::size_t>(end - buffer)));
}

// Fixed number of decimals; "nan" and "inf" are for the caller to avoid.
// `value` * 10^decimals as an integer, rounded half to even from the exact binary value as
// std::to_chars rounds; nothing beyond 63 bits. A tenth of the time that to_chars takes.
std::optional<std::int64_t> scaled_exactly(double value, int decimals);

template <typename Out>
void append_decimal(Out& out, double value, int decimals) {
  char buffer[64];
  if (const auto scaled = scaled_exactly(value, decimals)) {
    char* const end = buffer + sizeof buffer;
    char* at = end;
    auto left = static_cast<std::uint64_t>(*scaled < 0 ? -*scaled : *scaled);
    for (int digit = 0; left != 0 || digit <= decimals; ++digit, left /= 10) {
      if (digit == decimals && decimals != 0) {
        *--at = '.';
      }
      *--at = static_cast<char>('0' + left % 10);
    }
    if (std::signbit(value)) {
      *--at = '-';
    }
    out.append(std::string_view(at, static_cast<std::size_t>(end - at)));
    return;
  }
  const auto done =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals);
  out.append(done.ec == std::errc()
                 ? std::string_view(buffer, static_cast<std::size_t>(done.ptr - buffer))
                 : std::string_view("0"));
}

template <typename Out>
void append_hex(Out& out, std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    const char pair[2] = {kDigits[byte >> 4], kDigits[byte & 15]};
    out.append(std::string_view(pair, 2));
  }
}

// RFC 3339 in UTC with milliseconds or, when asked, nanoseconds; 1970 to 2262.
template <typename Out>
void append_time(Out& out, std::int64_t unix_ns, bool nanoseconds = false) {
  const std::int64_t seconds = (unix_ns >= 0 ? unix_ns : unix_ns - 999999999) / 1000000000;
  const std::int64_t fraction = unix_ns - seconds * 1000000000;
  std::int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
  const std::int64_t of_day = seconds - days * 86400;
  // Civil date from day count; era of 400 years, year starting in March.
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t doe = days - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const std::int64_t day = doy - (153 * mp + 2) / 5 + 1;
  const std::int64_t month = mp < 10 ? mp + 3 : mp - 9;
  append_integer(out, yoe + era * 400 + (month <= 2 ? 1 : 0), 4);
  out.append(std::string_view("-"));
  append_integer(out, month, 2);
  out.append(std::string_view("-"));
  append_integer(out, day, 2);
  out.append(std::string_view("T"));
  append_integer(out, of_day / 3600, 2);
  out.append(std::string_view(":"));
  append_integer(out, of_day / 60 % 60, 2);
  out.append(std::string_view(":"));
  append_integer(out, of_day % 60, 2);
  out.append(std::string_view("."));
  append_integer(out, nanoseconds ? fraction : fraction / 1000000, nanoseconds ? 9 : 3);
  out.append(std::string_view("Z"));
}

// Days from 1970-01-01 of a civil date (proleptic Gregorian).
constexpr std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t yoe = year - era * 400;
  const std::int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

// Whole-text parsers: nothing left over, no sign or space beyond what is stated.
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<std::uint64_t> parse_unsigned(std::string_view text, int base = 10);
std::optional<double> parse_decimal(std::string_view text);     // digits, optional sign and point
std::optional<std::int64_t> parse_time(std::string_view text);  // RFC 3339 UTC -> unix ns

// Exactly as many digits as fill `out`.
bool parse_hex(std::string_view text, std::span<std::uint8_t> out);

// Hex digit value or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Splits off the text before the first `separator`; `rest` becomes what follows it. A loop, as the
// fields of sensors are a few characters long and a call costs more than they do.
inline std::string_view next_field(std::string_view& rest, char separator) {
  std::size_t at = 0;
  while (at < rest.size() && rest[at] != separator) {
    ++at;
  }
  const std::string_view field(rest.data(), at);
  rest = at == rest.size() ? std::string_view{}
                           : std::string_view(rest.data() + at + 1, rest.size() - at - 1);
  return field;
}

}  // namespace vedette
