// Purpose: text in a fixed buffer, numbers to and from text, with no allocation and no locale.
// Bound: the buffer. When full: further text is cut and truncated() says so.
#pragma once

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vedette {

class FixedText {
 public:
  explicit FixedText(std::span<char> buffer) : buffer_(buffer) {}

  void append(std::string_view text) {
    const std::size_t left = buffer_.size() - used_;
    const std::size_t n = text.size() < left ? text.size() : left;
    copy(buffer_.data() + used_, text.data(), n);
    used_ += n;
    truncated_ = truncated_ || n < text.size();
  }
  // Space for `n` characters in place, or null; taken() then says how many were written.
  char* room(std::size_t n) {
    return n <= buffer_.size() - used_ ? buffer_.data() + used_ : nullptr;
  }
  void taken(std::size_t n) { used_ += n; }
  void clear() {
    used_ = 0;
    truncated_ = false;
  }
  std::string_view view() const { return {buffer_.data(), used_}; }
  bool truncated() const { return truncated_; }

 private:
  // Fast path for short pieces: two words that may overlap, without a call or a loop.
  static void copy(char* to, const char* from, std::size_t n) {
    if (n > 32) {
      std::memcpy(to, from, n);
    } else if (n > 16) {
      copy_ends<16>(to, from, n);
    } else if (n >= 8) {
      copy_ends<8>(to, from, n);
    } else if (n >= 4) {
      copy_ends<4>(to, from, n);
    } else if (n >= 2) {
      copy_ends<2>(to, from, n);
    } else if (n == 1) {
      *to = *from;
    }
  }
  template <std::size_t kWord>
  static void copy_ends(char* to, const char* from, std::size_t n) {
    char first[kWord];
    char last[kWord];
    std::memcpy(first, from, kWord);
    std::memcpy(last, from + n - kWord, kWord);
    std::memcpy(to, first, kWord);
    std::memcpy(to + n - kWord, last, kWord);
  }

  std::span<char> buffer_;
  std::size_t used_ = 0;
  bool truncated_ = false;
};

template <typename Out>
[[gnu::noinline]] void append_copy(Out& out, std::string_view text) {
  out.append(text);
}

// Appends at most kMost characters, written by `write`, which returns their end: in place where
// `out` has space, else through a copy. `write` may store a word past that end.
template <std::size_t kMost, typename Out, typename Write>
void put_text(Out& out, Write&& write) {
  if constexpr (requires { out.room(kMost); }) {
    if (char* const at = out.room(kMost); at != nullptr) {
      out.taken(static_cast<std::size_t>(write(at) - at));
      return;
    }
  }
  char piece[kMost];
  append_copy(out, std::string_view(piece, static_cast<std::size_t>(write(piece) - piece)));
}

// Eight decimal digits as characters, the first in the lowest byte: splits into halves, quarters
// and eighths side by side, each by a multiplication that is exact for its range.
inline std::uint64_t eight_digits(std::uint64_t value) {
  const std::uint64_t fours = value / 10'000 | (value % 10'000) << 32;
  const std::uint64_t hundreds = (fours * 10'486) >> 20 & 0x0000'007F'0000'007FULL;
  const std::uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const std::uint64_t tens = (twos * 103) >> 10 & 0x000F'000F'000F'000FULL;
  return (tens | (twos - 10 * tens) << 8) + 0x3030'3030'3030'3030ULL;
}

inline constexpr std::size_t kNumberText = 32;  // bytes that the following may write

// The last `digits` (1 to 8) of a number, with leading zeros.
inline char* put_digits(char* at, std::uint64_t value, std::size_t digits) {
  const std::uint64_t text = eight_digits(value) >> 8 * (8 - digits);
  std::memcpy(at, &text, 8);
  return at + digits;
}

inline char* put_number(char* at, std::uint64_t value) {
  constexpr std::uint64_t kEight = 100'000'000;
  if (value >= kEight) {
    return put_digits(put_number(at, value / kEight), value % kEight, 8);
  }
  const std::uint64_t text = eight_digits(value);
  const auto zeros =
      static_cast<std::size_t>(std::countr_zero(text - 0x3030'3030'3030'3030ULL)) / 8;
  const std::size_t left_out = zeros < 8 ? zeros : 7;
  const std::uint64_t digits = text >> 8 * left_out;
  std::memcpy(at, &digits, 8);
  return at + 8 - left_out;
}

// Out is any type with append(std::string_view): FixedText on hot threads, std::string on cold.
template <typename Out>
void append_integer(Out& out, std::int64_t value) {
  put_text<kNumberText>(out, [value](char* at) {
    *at = '-';
    return put_number(at + (value < 0 ? 1 : 0), value < 0 ? 0 - static_cast<std::uint64_t>(value)
                                                          : static_cast<std::uint64_t>(value));
  });
}

template <typename Out>
void append_unsigned(Out& out, std::uint64_t value) {
  put_text<kNumberText>(out, [value](char* at) { return put_number(at, value); });
}

// Eight hexadecimal digits as characters, the first in the lowest byte.
inline std::uint64_t eight_hex(std::uint32_t value) {
  std::uint64_t x = value;
  x = (x | x << 16) & 0x0000'FFFF'0000'FFFFULL;
  x = (x | x << 8) & 0x00FF'00FF'00FF'00FFULL;
  x = __builtin_bswap64((x | x << 4) & 0x0F0F'0F0F'0F0F'0F0FULL);
  const std::uint64_t letters = (x + 0x0606'0606'0606'0606ULL) >> 4 & 0x0101'0101'0101'0101ULL;
  return x + 0x3030'3030'3030'3030ULL + letters * ('a' - '0' - 10);
}

// Without leading zeros. May write 16 bytes.
inline char* put_hex(char* at, std::uint64_t value) {
  const auto digits = static_cast<std::size_t>(67 - std::countl_zero(value | 1)) / 4;
  const std::uint64_t last = eight_hex(static_cast<std::uint32_t>(value));
  if (digits <= 8) {
    const std::uint64_t text = last >> 8 * (8 - digits);
    std::memcpy(at, &text, 8);
    return at + digits;
  }
  const std::uint64_t first =
      eight_hex(static_cast<std::uint32_t>(value >> 32)) >> 8 * (16 - digits);
  std::memcpy(at, &first, 8);
  std::memcpy(at + digits - 8, &last, 8);
  return at + digits;
}
template <typename Out>
void append_hex(Out& out, std::uint64_t value) {
  put_text<16>(out, [value](char* at) { return put_hex(at, value); });
}
// Of an aircraft: six digits, as registers and receivers write it.
template <typename Out>
void append_address(Out& out, std::uint64_t address) {
  for (std::uint64_t bound = 0x100000; bound > 1 && address < bound; bound >>= 4) {
    out.append("0");
  }
  append_hex(out, address);
}

// Fixed number of decimals, 0 to 9, rounded as std::to_chars does in ten times the time. The caller
// excludes NaN and infinity. May write kDecimalText bytes.
inline constexpr std::size_t kDecimalText = 344;  // the largest number, with its sign
char* put_decimal(char* at, double value, int decimals);
template <typename Out>
void append_decimal(Out& out, double value, int decimals) {
  put_text<kDecimalText>(out, [&](char* at) { return put_decimal(at, value, decimals); });
}

template <typename Out>
void append_hex(Out& out, std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    const char pair[2] = {kDigits[byte >> 4], kDigits[byte & 15]};
    out.append(std::string_view(pair, 2));
  }
}

// RFC 3339 in UTC with milliseconds or nanoseconds; 1970 to 2262. May write kTimeText bytes.
inline constexpr std::size_t kTimeText = 48;
char* put_time(char* at, std::int64_t unix_ns, bool nanoseconds = false);
template <typename Out>
void append_time(Out& out, std::int64_t unix_ns, bool nanoseconds = false) {
  put_text<kTimeText>(out, [&](char* at) { return put_time(at, unix_ns, nanoseconds); });
}

// "2026-11-29" and "2026-11-29 07:34 UTC"; what is before 1970 or after 2262 is shown as that.
inline std::string date_text(std::int64_t unix_s, bool with_time = false) {
  constexpr std::int64_t kLast_s = 9'223'372'036;
  std::string text;
  append_time(text, std::clamp<std::int64_t>(unix_s, 0, kLast_s - 1) * 1'000'000'000);
  return text.substr(0, 10) + (with_time ? " " + text.substr(11, 5) + " UTC" : "");
}

template <std::size_t N>
char* put_literal(char* at, const char (&text)[N]) {
  std::memcpy(at, text, N - 1);
  return at + N - 1;
}

// Days from 1970-01-01 of a civil date (proleptic Gregorian).
constexpr std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t yoe = year - era * 400;
  const std::int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

// Parsers of a whole text: nothing left over, no sign or space beyond what is stated.
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<std::uint64_t> parse_unsigned(std::string_view text, int base = 10);
std::optional<double> parse_decimal(std::string_view text);     // digits, optional sign and point
std::optional<std::int64_t> parse_time(std::string_view text);  // RFC 3339 UTC -> unix ns

// `text` must have exactly the digits that fill `out`.
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

// Splits off the text before the first `separator`; `rest` becomes what follows. A loop, because
// fields are a few characters long and a call costs more.
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
