// Purpose: durations as people write them on the command line.
#pragma once

#include <string_view>

#include "base/text.hpp"
#include "base/units.hpp"

namespace vedette::cli {

// Parses "30s" or "5 min"; negative for anything that is not a duration.
inline double duration_seconds(std::string_view text) {
  std::size_t split = 0;
  while (split < text.size() &&
         ((text[split] >= '0' && text[split] <= '9') || text[split] == '.')) {
    ++split;
  }
  const auto value = parse_decimal(text.substr(0, split));
  std::string_view unit_text = text.substr(split);
  while (!unit_text.empty() && unit_text.front() == ' ') {
    unit_text.remove_prefix(1);
  }
  const UnitName* unit = find_unit(unit_text.empty() ? "s" : unit_text);
  return value && unit != nullptr && unit->dimension == Dimension::duration ? *value * unit->factor
                                                                            : -1.0;
}

}  // namespace vedette::cli
