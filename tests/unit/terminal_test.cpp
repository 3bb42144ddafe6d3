#include "base/terminal.hpp"

#include <cstdint>
#include <string>

#include "test.hpp"

using namespace vedette;

namespace {

std::string shown(std::string_view text, Lines lines = Lines::escaped) {
  std::string out;
  append_for_terminal(out, text, lines);
  return out;
}

// Pieces of terminal attacks, between random bytes.
std::string random_text(std::uint64_t& state) {
  static constexpr std::string_view kPieces[] = {"\x1b]0;owned\x07",
                                                 "\x1b[2J",
                                                 "\xc2\x9b"
                                                 "31m",
                                                 "\xe2\x80\xae",
                                                 "\xe2\x81\xa6",
                                                 "\xef\xbb\xbf",
                                                 "\xe2\x80\xa8",
                                                 "\r\n",
                                                 "\x7f",
                                                 "\xed\xa0\x80",
                                                 "\xf4\x90\x80\x80",
                                                 "MÄRTA \xe6\xb8\xaf",
                                                 "\\u001b",
                                                 "\"}",
                                                 "\t"};
  const auto next = [&state] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return state >> 33;
  };
  std::string text;
  for (std::uint64_t n = next() % 12; n > 0; --n) {
    if (next() % 2 == 0) {
      text += kPieces[next() % std::size(kPieces)];
    } else {
      text += static_cast<char>(next());
    }
  }
  return text;
}

// Unescapes a JSON string without its quotes.
std::string meant(std::string_view quoted) {
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] != '\\') {
      text += quoted[i];
    } else if (quoted[++i] != 'u') {
      text += quoted[i];
    } else {
      const auto c = static_cast<std::uint32_t>(*parse_unsigned(quoted.substr(i + 1, 4), 16));
      i += 4;
      if (c < 0x80) {
        text += static_cast<char>(c);
      } else if (c < 0x800) {
        text += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
      } else {
        text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                 static_cast<char>(0x80 | (c & 0x3F))};
      }
    }
  }
  return text;
}

}  // namespace

TEST_CASE("no bytes steer a terminal that is shown them, and every character it may see stays") {
  std::uint64_t state = 25;
  for (int i = 0; i < 100'000; ++i) {
    const std::string text = random_text(state);
    for (const Lines lines : {Lines::escaped, Lines::kept}) {
      const std::string out = shown(text, lines);
      bool harmless = true;
      for (std::size_t at = 0; at < out.size();) {
        const std::size_t n = utf8_length(std::string_view(out).substr(at));
        const std::uint32_t c =
            n != 0 ? character_of(std::string_view(out).substr(at), n) : std::uint32_t{0};
        harmless = harmless && n != 0 &&
                   (!steers_terminal(c) || (lines == Lines::kept && (c == '\n' || c == '\t')));
        at += n != 0 ? n : 1;
      }
      REQUIRE_MESSAGE(harmless, "number " << i);
    }
  }
  CHECK(shown("MÄRTA \xe6\xb8\xaf") == "MÄRTA \xe6\xb8\xaf");
  CHECK(shown("a\x1b[31m\n") == "a\\u001b[31m\\u000a");
  CHECK(shown("a\n\tb\r", Lines::kept) == "a\n\tb\\u000d");
  CHECK(shown("\xc2\x9b"
              "2J\xe2\x80\xae") == "\\u009b2J\\u202e");
  CHECK(shown("\xff\xed\xa0\x80") == "\\xff\\xed\\xa0\\x80");
}

TEST_CASE("a document of JSON says on a terminal what it says") {
  std::uint64_t state = 7;
  for (int i = 0; i < 50'000; ++i) {
    const std::string text = random_text(state);
    std::string quoted;
    append_escaped(quoted, text);
    REQUIRE(meant(shown(quoted, Lines::kept)) == meant(quoted));
  }
}
