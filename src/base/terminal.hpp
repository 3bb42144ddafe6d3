// Purpose: text made safe for a terminal. A name that somebody sends must not move the cursor, set
// the title, hide a line or reverse the order of letters. In: any bytes. Out: valid UTF-8 without
// control characters; they become \u001b as in JSON, so a JSON document stays the same document,
// and invalid bytes become \xff. Runs on: any thread; allocates only if the sink does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace vedette {

// In text of several lines, line ends and tabs pass.
enum class Lines : bool { escaped, kept };

// Control characters (C0, DEL, C1), line separators, marks of writing direction, the byte order
// mark.
constexpr bool steers_terminal(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

// Decodes a valid sequence of `n` bytes.
constexpr std::uint32_t character_of(std::string_view text, std::size_t n) {
  const auto byte = [&](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(text[i])};
  };
  std::uint32_t c = n == 1 ? byte(0) : byte(0) & (0x7FU >> n);
  for (std::size_t i = 1; i < n; ++i) {
    c = c << 6 | (byte(i) & 0x3F);
  }
  return c;
}

template <typename Out>
void append_for_terminal(Out& out, std::string_view text, Lines lines = Lines::escaped) {
  std::size_t plain = 0;  // start of the text not copied yet
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_length(text.substr(i));
    const std::uint32_t c =
        n == 0 ? static_cast<unsigned char>(text[i]) : character_of(text.substr(i), n);
    const bool passes =
        n != 0 && (!steers_terminal(c) || (lines == Lines::kept && (c == '\n' || c == '\t')));
    if (!passes) {
      constexpr char kDigits[] = "0123456789abcdef";
      const char escape[6] = {'\\',
                              n == 0 ? 'x' : 'u',
                              kDigits[(n == 0 ? c >> 4 : c >> 12) & 15],
                              kDigits[(n == 0 ? c : c >> 8) & 15],
                              kDigits[c >> 4 & 15],
                              kDigits[c & 15]};
      out.append(text.substr(plain, i - plain));
      out.append(std::string_view(escape, n == 0 ? 4 : 6));
      plain = i + (n == 0 ? 1 : n);
    }
    i += n == 0 ? 1 : n;
  }
  out.append(text.substr(plain));
}

}  // namespace vedette
