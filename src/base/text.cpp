#include "base/text.hpp"

#include <bit>
#include <cstring>
#include <limits>

namespace vedette {
namespace {

constexpr std::uint64_t kTens[] = {1,      10,      100,      1000,      10000,
                                   100000, 1000000, 10000000, 100000000, 1000000000};

// |value| * 10^decimals, rounded half to even from the exact binary value; none beyond 63 bits.
std::optional<std::uint64_t> scaled_exactly(double value, int decimals) {
  if (decimals < 0 || decimals > 9 || !(value > -1e9 && value < 1e9)) {
    return std::nullopt;
  }
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const int exponent = static_cast<int>(bits >> 52 & 0x7FF);
  const std::uint64_t fraction = bits & 0x000FFFFFFFFFFFFFULL;
  const std::uint64_t mantissa = exponent == 0 ? fraction : fraction | 0x0010000000000000ULL;
  // |value| = mantissa / 2^shift; below 2^30, so that the shift is positive and the result fits.
  const int shift = 1075 - (exponent == 0 ? 1 : exponent);
  std::uint64_t scaled = 0;
  if (shift > 0 && shift < 64) {  // the usual case: no shift crosses a word
    const auto product = static_cast<unsigned __int128>(mantissa) * kTens[decimals];
    const auto low = static_cast<std::uint64_t>(product);
    const auto high = static_cast<std::uint64_t>(product >> 64);
    scaled = high << (64 - shift) | low >> shift;
    // The remainder at the top of a word, compared with a half: above it, or equal with an odd
    // result.
    const std::uint64_t rest = low << (64 - shift);
    scaled += rest > (std::uint64_t{1} << 63) - (scaled & 1) ? 1 : 0;
  } else if (shift < 100) {  // else below half of the last digit: the product has 83 bits
    const auto product = static_cast<unsigned __int128>(mantissa) * kTens[decimals];
    const auto rest = product & ((static_cast<unsigned __int128>(1) << shift) - 1);
    const auto half = static_cast<unsigned __int128>(1) << (shift - 1);
    scaled = static_cast<std::uint64_t>(product >> shift);
    scaled += rest > half || (rest == half && scaled % 2 != 0) ? 1 : 0;
  }
  return scaled;
}

char* put_long_fraction(char* at, std::uint64_t fraction, int decimals) {
  if (decimals == 9) {
    at = put_digits(at, fraction / kTens[8], 1);
    fraction %= kTens[8];
  }
  return put_digits(at, fraction, 8);
}

}  // namespace

char* put_decimal(char* at, double value, int decimals) {
  const auto scaled = scaled_exactly(value, decimals);
  if (!scaled) {
    const auto done =
        std::to_chars(at, at + kDecimalText, value, std::chars_format::fixed, decimals);
    return done.ec == std::errc() ? done.ptr : put_literal(at, "0");
  }
  *at = '-';
  at += std::signbit(value) ? 1 : 0;
  if (decimals == 0 || decimals > 7) {
    const std::uint64_t scale = kTens[decimals];
    at = put_number(at, *scaled / scale);
    *at = '.';
    return decimals == 0 ? at : put_long_fraction(at + 1, *scaled % scale, decimals);
  }
  // The last eight digits hold the decimal point, so every division is by a constant.
  constexpr std::uint64_t kEight = 100'000'000;
  const auto places = static_cast<std::size_t>(decimals);
  const std::uint64_t text = eight_digits(*scaled % kEight);
  std::size_t zeros = 0;
  if (*scaled >= kEight) {
    at = put_number(at, *scaled / kEight);
  } else {
    zeros = static_cast<std::size_t>(std::countr_zero(text - 0x3030'3030'3030'3030ULL)) / 8;
    zeros = zeros < 7 - places ? zeros : 7 - places;
  }
  const std::uint64_t whole = text >> 8 * zeros;
  std::memcpy(at, &whole, 8);
  at += 8 - places - zeros;
  *at++ = '.';
  const std::uint64_t fraction = text >> 8 * (8 - places);
  std::memcpy(at, &fraction, 8);
  return at + places;
}

// Earlier times do not survive being split into seconds and nanoseconds in 64 bits.
constexpr std::int64_t kLeastTimeNs = std::numeric_limits<std::int64_t>::min() + 1'000'000'000;

char* put_time(char* at, std::int64_t unix_ns, bool nanoseconds) {
  unix_ns = unix_ns < kLeastTimeNs ? kLeastTimeNs : unix_ns;
  const std::int64_t seconds = (unix_ns >= 0 ? unix_ns : unix_ns - 999999999) / 1000000000;
  const auto fraction = static_cast<std::uint32_t>(unix_ns - seconds * 1000000000);
  const std::int64_t days = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
  const auto of_day = static_cast<std::uint32_t>(seconds - days * 86400);
  // Civil date by Neri and Schneider, "Euclidean affine functions and their application to calendar
  // algorithms" (2022): years from March, divisions by multiplication.
  const std::uint32_t quarters = 4 * static_cast<std::uint32_t>(days + 719468) + 3;
  const std::uint32_t century = quarters / 146097;
  const std::uint32_t in_century = quarters % 146097 | 3;
  const std::uint64_t scaled = std::uint64_t{2939745} * in_century;
  const std::uint32_t of_year = static_cast<std::uint32_t>(scaled) / 2939745 / 4;
  const std::uint32_t months = 2141 * of_year + 197913;
  const std::uint32_t next = of_year >= 306 ? 1 : 0;  // January and February count to the next year
  const std::uint32_t year = 100 * century + static_cast<std::uint32_t>(scaled >> 32) + next;
  const std::uint32_t month = (months >> 16) - 12 * next;
  const std::uint32_t day = (months & 0xFFFF) / 2141 + 1;
  const std::uint64_t date = eight_digits(year * 10'000 + month * 100 + day);
  const std::uint64_t clock = of_day / 3600 * 10'000 + of_day / 60 % 60 * 100 + of_day % 60;
  const std::uint64_t time = eight_digits(clock * 100);
  const auto pair = [&at](std::uint64_t text, unsigned from, char then) {
    at[0] = static_cast<char>(text >> 8 * from);
    at[1] = static_cast<char>(text >> 8 * (from + 1));
    at[2] = then;
    at += 3;
  };
  std::memcpy(at, &date, 4);
  at[4] = '-';
  at += 5;
  pair(date, 4, '-');
  pair(date, 6, 'T');
  pair(time, 0, ':');
  pair(time, 2, ':');
  pair(time, 4, '.');
  at = put_digits(at, fraction / 1'000'000, 3);
  if (nanoseconds) {
    at = put_digits(at, fraction % 1'000'000, 6);
  }
  return put_literal(at, "Z");
}

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
  if (base == 10 && text.size() < 19) {  // cannot overflow
    for (const char c : text) {
      const auto digit = static_cast<unsigned char>(c - '0');
      if (digit > 9) {
        return std::nullopt;
      }
      value = value * 10 + digit;
    }
    return text.empty() ? std::nullopt : std::optional(value);
  }
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
    if (digits < 100000000000000000ULL) {  // a double holds fewer than 17 digits
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

namespace {

// Expected form of eight characters: a digit where it has '0', else exactly its own character.
struct Pattern {
  std::uint64_t text = 0;
  std::uint64_t room = 0;  // reaches the top bit when added to a wrong difference

  consteval explicit Pattern(const char (&of)[9]) {
    for (std::size_t i = 0; i < 8; ++i) {
      const auto c = static_cast<unsigned char>(of[i]);
      text |= std::uint64_t{c} << 8 * i;
      room |= std::uint64_t{c == '0' ? 0x80U - 10U : 0x80U - 1U} << 8 * i;
    }
  }
};

// Byte i becomes ten times digit i plus digit i+1. All eight are checked together, because parsing
// timestamps dominates the reading of logs.
std::uint64_t two_digits(std::uint64_t characters, const Pattern& pattern, bool& fits) {
  const std::uint64_t digits = characters ^ pattern.text;
  fits = fits & (((digits | (digits + pattern.room)) & 0x8080'8080'8080'8080ULL) == 0);
  return digits * 10 + (digits >> 8);
}

std::uint64_t eight_at(std::string_view text, std::size_t at) {
  std::uint64_t characters;
  std::memcpy(&characters, text.data() + at, sizeof characters);
  return characters;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  // YYYY-MM-DDTHH:MM:SS[.fraction]Z
  if (text.size() < 20 || text.back() != 'Z') {
    return std::nullopt;
  }
  static constexpr Pattern kMonth("0000-00-"), kMinute("00T00:00"), kSecond("00:00:00");
  const auto part = [](std::uint64_t of, std::size_t at) {
    return static_cast<int>(of >> 8 * at & 0xFF);
  };
  std::uint64_t middle = eight_at(text, 8);
  if (part(middle, 2) == ' ') {
    middle ^= std::uint64_t{' ' ^ 'T'} << 16;
  }
  bool fits = true;
  const std::uint64_t to_month = two_digits(eight_at(text, 0), kMonth, fits);
  const std::uint64_t to_minute = two_digits(middle, kMinute, fits);
  const int second = part(two_digits(eight_at(text, 11), kSecond, fits), 6);
  const int year = part(to_month, 0) * 100 + part(to_month, 2);
  const int month = part(to_month, 5);
  const int day = part(to_minute, 0);
  const int hour = part(to_minute, 3);
  const int minute = part(to_minute, 6);
  if (!fits || year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 ||
      hour > 23 || minute > 59 || second > 60) [[unlikely]] {
    return std::nullopt;
  }
  std::int64_t fraction_ns = 0;
  const std::string_view tail = text.substr(19, text.size() - 20);
  if (!tail.empty()) {
    if (tail[0] != '.' || tail.size() < 2 || tail.size() > 10) {
      return std::nullopt;
    }
    constexpr std::int64_t kUnits[] = {100000000, 10000000, 1000000, 100000, 10000,
                                       1000,      100,      10,      1};
    for (std::size_t i = 1; i < tail.size(); ++i) {
      const auto digit = static_cast<unsigned char>(tail[i] - '0');
      if (digit > 9) {
        return std::nullopt;
      }
      fraction_ns += digit * kUnits[i - 1];
    }
  }
  const std::int64_t of_day = std::int64_t{hour} * 3600 + std::int64_t{minute} * 60 + second;
  const std::int64_t seconds = days_from_civil(year, month, day) * 86400 + of_day;
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
