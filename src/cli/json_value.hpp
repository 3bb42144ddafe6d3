// Purpose: reads a JSON document that a node answered. In: text. Out: a tree. Bound: kDepth. Fails
// as: an empty value where something is not there or not as expected. Runs on: cold threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vedette::cli {

class JsonValue {
 public:
  static constexpr int kDepth = 32;
  // Nothing for a text that is no JSON document.
  static std::optional<JsonValue> parse(std::string_view text);

  // A member of an object, or an empty value.
  const JsonValue& operator[](std::string_view member) const;
  // Of an array or object.
  const std::vector<JsonValue>& items() const { return items_; }
  const std::vector<std::string>& names() const { return names_; }
  // As a text: of a string what it says, of a number or a word as written.
  const std::string& text() const { return text_; }
  double number() const;
  bool is_true() const { return text_ == "true"; }
  bool empty() const { return text_.empty() && items_.empty(); }

 private:
  bool read(std::string_view& rest, int depth);
  bool read_items(std::string_view& rest, char end, int depth);
  static bool read_string(std::string_view& rest, std::string& out);

  std::string text_;
  std::vector<std::string> names_;  // of the items of an object
  std::vector<JsonValue> items_;
};

}  // namespace vedette::cli
