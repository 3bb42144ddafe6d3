#include "cli/json_value.hpp"

#include "base/text.hpp"

namespace vedette::cli {
namespace {

void skip_space(std::string_view& rest) {
  while (!rest.empty() &&
         (rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\r' || rest[0] == '\t')) {
    rest.remove_prefix(1);
  }
}

bool take(std::string_view& rest, char c) {
  skip_space(rest);
  if (rest.empty() || rest[0] != c) {
    return false;
  }
  rest.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<JsonValue> JsonValue::parse(std::string_view text) {
  JsonValue value;
  const bool whole = value.read(text, 0);
  skip_space(text);
  return whole && text.empty() ? std::optional(std::move(value)) : std::nullopt;
}

const JsonValue& JsonValue::operator[](std::string_view member) const {
  static const JsonValue kNothing;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == member) {
      return items_[i];
    }
  }
  return kNothing;
}

double JsonValue::number() const {
  return parse_decimal(text_).value_or(0.0);
}

bool JsonValue::read(std::string_view& rest, int depth) {
  skip_space(rest);
  if (rest.empty() || depth > kDepth) {
    return false;
  }
  if (rest[0] == '"') {
    return read_string(rest, text_);
  }
  if (take(rest, '{')) {
    return read_items(rest, '}', depth);
  }
  if (take(rest, '[')) {
    return read_items(rest, ']', depth);
  }
  while (!rest.empty() && std::string_view(",]} \n\r\t").find(rest[0]) == std::string_view::npos) {
    text_ += rest[0];
    rest.remove_prefix(1);
  }
  return !text_.empty();
}

bool JsonValue::read_items(std::string_view& rest, char end, int depth) {
  if (take(rest, end)) {
    return true;
  }
  do {
    if (end == '}') {
      skip_space(rest);
      std::string name;
      if (!read_string(rest, name) || !take(rest, ':')) {
        return false;
      }
      names_.push_back(std::move(name));
    }
    items_.emplace_back();
    if (!items_.back().read(rest, depth + 1)) {
      return false;
    }
  } while (take(rest, ','));
  return take(rest, end);
}

bool JsonValue::read_string(std::string_view& rest, std::string& out) {
  if (rest.empty() || rest[0] != '"') {
    return false;
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\\' && ++i < rest.size() && rest[i] == 'u') {
      i += 4;  // a control character, which no terminal gets
      out += '?';
    } else if (i < rest.size()) {
      out += rest[i];
    }
  }
  return false;
}

}  // namespace vedette::cli
