// Purpose: one table of a site file, read against the schema: every key known, typed and in range;
// keeps places for messages.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::plan {
[[noreturn]] inline void malformed_toml() {
  throw std::invalid_argument("malformed TOML");
}
}  // namespace vedette::plan

// This version asserts on some malformed keys. A site file is input, so report an error instead,
// also in release builds, where NDEBUG would remove the assertion.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_EXCEPTIONS 1
#define TOML_HEADER_ONLY 0  // plan/toml_text.cpp has the implementation
#define TOML_ASSERT(expr) \
  (static_cast<bool>(expr) ? static_cast<void>(0) : ::vedette::plan::malformed_toml())
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "plan/problem.hpp"
#include "plan/schema.hpp"

namespace vedette::plan {

class Section {
 public:
  // A null `table` gives every key its default.
  Section(std::string_view section, std::string_view name, const toml::table* table,
          const toml::source_region& where, Problems& problems);

  std::string text(std::string_view key);
  bool flag(std::string_view key);
  std::int64_t whole(std::string_view key);
  double quantity(std::string_view key);     // in base units
  std::size_t choice(std::string_view key);  // index among the schema's choices
  std::vector<double> numbers(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  std::vector<std::string> text_or_texts(std::string_view key);
  std::vector<std::int64_t> wholes(std::string_view key);

  bool has(std::string_view key) const;
  void problem(std::string_view key, std::string message, std::string help = {});
  // `offset`: in bytes, within the text of a string value.
  void problem_in(std::string_view key, std::size_t offset, std::string message, std::string help);
  const std::string& name() const { return name_; }

 private:
  const Key& row(std::string_view key) const;
  const toml::node* node(std::string_view key);
  double to_quantity(const Key& row, std::string_view text, std::string_view key);
  double in_range(const Key& row, double value, std::string_view key);
  std::string title() const;

  std::string section_, name_;
  const toml::table* table_;
  toml::source_region where_;
  Problems& problems_;
};

}  // namespace vedette::plan
