#define TOML_IMPLEMENTATION  // here and nowhere else: it takes seconds to compile
#include "plan/toml_text.hpp"

#include <algorithm>

#include "plan/section.hpp"

namespace vedette::plan {
namespace {

// TOML allows no control character but tab and line ends, anywhere.
bool without_control_characters(std::string_view text, Problems& problems) {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      column = 0;
    } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
      problems.add(line, column, "a control character in the text",
                   "write it as \\uXXXX inside quotes");
      return false;
    }
    ++column;
  }
  return true;
}

// The parser's behaviour is undefined on some non-ASCII characters outside quotes and comments. So
// parse a copy first, in which each of their bytes is an unused ASCII character that it allows only
// in quotes and comments: if that parses, the text has none elsewhere.
toml::table parse(std::string_view text) {
  std::string ascii(text);
  constexpr char kStandIn = '~';
  std::replace_if(
      ascii.begin(), ascii.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; },
      kStandIn);
  toml::table table = toml::parse(ascii);
  if (ascii != text) {
    table = toml::parse(text);
  }
  return table;
}

}  // namespace

std::optional<toml::table> parse_toml(std::string_view text, Problems& problems) {
  if (!without_control_characters(text, problems)) {
    return std::nullopt;
  }
  try {
    return parse(text);
  } catch (const toml::parse_error& error) {
    problems.add(error.source().begin.line, error.source().begin.column,
                 std::string(error.description()));
  } catch (const std::invalid_argument& error) {
    problems.add(0, 0, std::string(error.what()) + ": look for an unfinished key or table header");
  }
  return std::nullopt;
}

}  // namespace vedette::plan
