// Purpose: the one table of everything that a site file can say; it drives checking, the reference
// page and the JSON Schema.
#pragma once

#include <span>
#include <string_view>

#include "base/units.hpp"
#include "model/observation.hpp"

namespace vedette::plan {

enum class ValueKind {
  text,
  choice,
  flag,
  whole,
  quantity,
  expression,
  name,
  names,
  numbers,
  list,
  texts,  // one text, or a list of them
};

struct Key {
  std::string_view section;  // "source", "zone" …; "" for the top of the file
  std::string_view key;
  ValueKind kind;
  Dimension dimension;        // of a quantity or an expression
  std::string_view fallback;  // default as written in a file; "" none; "!" required
  double low, high;           // range of a number in base units
  std::string_view choices;   // of a choice, separated by spaces; of a name: its section
  std::string_view text;
};

std::span<const Key> keys();
struct SectionText {
  std::string_view section;
  bool named;  // [section.NAME], as opposed to [section]
  std::string_view text;
};
std::span<const SectionText> sections();

// Defaults for one kind of thing, in SI units; [tracker.KIND] overrides them.
struct TrackerDefault {
  std::string_view name;
  IdentityKind kind;
  double acceleration, max_speed, position_sigma, half_life, halving_sigma, coast, lost, retire;
};
std::span<const TrackerDefault> tracker_defaults();

}  // namespace vedette::plan
