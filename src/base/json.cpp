#include "base/json.hpp"

namespace vedette {
namespace {

constexpr std::uint64_t kEach = 0x0101010101010101ULL;

// Sets the high bit of some byte if any byte is below `n`; all bytes must be below 0x80.
std::uint64_t any_below(std::uint64_t word, std::uint64_t n) {
  return (word - n * kEach) & ~word;
}

// Loads 1 to 8 characters padded with spaces, and reads no byte beyond them.
std::uint64_t word_of(const char* text, std::size_t n) {
  std::uint64_t word = ' ' * kEach;
  if (n >= 8) {
    std::memcpy(&word, text, 8);
  } else if (n >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, text, 4);
    std::memcpy(&last, text + n - 4, 4);
    word = word << 8 * n | std::uint64_t{last} << 8 * (n - 4) | first;
  } else {
    for (std::size_t i = n; i > 0; --i) {
      word = word << 8 | static_cast<unsigned char>(text[i - 1]);
    }
  }
  return word;
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  const auto c = static_cast<unsigned char>(text[0]);
  const std::size_t n = c < 0x80                ? 1
                        : c >= 0xC2 && c < 0xE0 ? 2
                        : c >= 0xE0 && c < 0xF0 ? 3
                        : c >= 0xF0 && c < 0xF5 ? 4
                                                : 0;
  if (n == 0 || text.size() < n) {
    return 0;
  }
  for (std::size_t i = 1; i < n; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      return 0;
    }
  }
  const auto second = static_cast<unsigned char>(n > 1 ? text[1] : '\0');
  const bool overlong = (c == 0xE0 && second < 0xA0) || (c == 0xF0 && second < 0x90);
  const bool outside = (c == 0xED && second >= 0xA0) || (c == 0xF4 && second >= 0x90);
  return overlong || outside ? 0 : n;
}

char* put_quoted(char* at, std::string_view text) {
  *at = '"';
  std::uint64_t special = 0;
  for (std::size_t i = 0; i < text.size(); i += 8) {
    const std::uint64_t word = word_of(text.data() + i, text.size() - i);
    special |= word | any_below(word, 0x20) | any_below(word ^ '"' * kEach, 1) |
               any_below(word ^ '\\' * kEach, 1);
    std::memcpy(at + 1 + i, &word, 8);
  }
  if ((special & 0x80 * kEach) == 0) {  // most text needs no escapes
    at[1 + text.size()] = '"';
    return at + text.size() + 2;
  }
  FixedText out{std::span<char>(at, quoted_text(text))};
  append_escaped(out, text);
  return at + out.view().size();
}

}  // namespace vedette
