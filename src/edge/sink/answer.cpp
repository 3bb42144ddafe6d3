#include "edge/sink/answer.hpp"

#include <limits>

#include "base/text.hpp"

namespace vedette::sink {
namespace {

constexpr std::size_t kNodeDigits = 16;
constexpr std::size_t kNumberDigits = 20;

// Takes `what` and spaces before it from the front of `text`.
bool take(std::string_view& text, std::string_view what) {
  const std::size_t at = text.find_first_not_of(" \t\r");
  if (at == std::string_view::npos || text.substr(at, what.size()) != what) {
    return false;
  }
  text.remove_prefix(at + what.size());
  return true;
}

// A plain decimal: no sign, no leading zero.
std::optional<std::uint64_t> number(std::string_view text) {
  const bool plain = !text.empty() && text.size() <= kNumberDigits &&
                     (text.size() == 1 || text.front() != '0') &&
                     text.find_first_not_of("0123456789") == std::string_view::npos;
  return plain ? parse_unsigned(text) : std::nullopt;
}

}  // namespace

std::optional<MessageKey> parse_key(std::string_view text) {
  const std::size_t first = text.find('-');
  const std::size_t second = text.find('-', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || first == 0 || first > kNodeDigits) {
    return std::nullopt;
  }
  MessageKey key;
  for (const char c : text.substr(0, first)) {
    if (hex_value(c) < 0) {
      return std::nullopt;
    }
    key.node = key.node << 4 | static_cast<std::uint64_t>(hex_value(c));
  }
  const auto epoch = number(text.substr(first + 1, second - first - 1));
  const auto root = number(text.substr(second + 1));
  if (!epoch || !root || *epoch > std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  key.epoch = static_cast<std::uint32_t>(*epoch);
  key.root = *root;
  return key;
}

std::optional<MessageKey> parse_answer(std::string_view line) {
  if (!take(line, "{") || !take(line, "\"ack\"") || !take(line, ":") || !take(line, "\"")) {
    return std::nullopt;
  }
  const std::size_t end = line.find('"');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const auto key = parse_key(line.substr(0, end));
  line.remove_prefix(end + 1);
  const bool ends = take(line, "}") && line.find_first_not_of(" \t\r") == std::string_view::npos;
  return ends ? key : std::nullopt;
}

}  // namespace vedette::sink
