// Purpose: names of the codes in fields, as conditions and messages write them: ship types, the
// navigational status, emergencies, categories, weekdays. One table for the compiler, messages and
// the reference page.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/units.hpp"

namespace vedette {

struct CodeName {
  std::string_view name;
  std::uint8_t low, high;  // codes with this name
};

inline constexpr std::array kShipTypeNames{
    // ITU-R M.1371-5, table 53
    CodeName{"wing in ground", 20, 29},
    CodeName{"fishing", 30, 30},
    CodeName{"towing", 31, 32},
    CodeName{"dredging", 33, 33},
    CodeName{"diving", 34, 34},
    CodeName{"military", 35, 35},
    CodeName{"sailing", 36, 36},
    CodeName{"pleasure craft", 37, 37},
    CodeName{"high speed craft", 40, 49},
    CodeName{"pilot", 50, 50},
    CodeName{"search and rescue", 51, 51},
    CodeName{"tug", 52, 52},
    CodeName{"port tender", 53, 53},
    CodeName{"anti-pollution", 54, 54},
    CodeName{"law enforcement", 55, 55},
    CodeName{"medical", 58, 58},
    CodeName{"passenger", 60, 69},
    CodeName{"cargo", 70, 79},
    CodeName{"tanker", 80, 89},
    CodeName{"other", 90, 99},
};
inline constexpr std::array kNavStatusNames{
    // ITU-R M.1371-5, table 45
    CodeName{"under way using engine", 0, 0},
    CodeName{"at anchor", 1, 1},
    CodeName{"not under command", 2, 2},
    CodeName{"restricted manoeuvrability", 3, 3},
    CodeName{"constrained by draught", 4, 4},
    CodeName{"moored", 5, 5},
    CodeName{"aground", 6, 6},
    CodeName{"fishing", 7, 7},
    CodeName{"under way sailing", 8, 8},
    CodeName{"towing astern", 11, 11},
    CodeName{"pushing ahead", 12, 12},
    CodeName{"search and rescue transmitter", 14, 14},
};
inline constexpr std::array kEmergencyNames{
    // DO-260B 2.2.3.2.7.8.1.1
    CodeName{"none", 0, 0},
    CodeName{"general", 1, 1},
    CodeName{"medical", 2, 2},
    CodeName{"minimum fuel", 3, 3},
    CodeName{"no communications", 4, 4},
    CodeName{"unlawful interference", 5, 5},
    CodeName{"downed aircraft", 6, 6},
};
// Emitter categories (DO-260B 2.2.3.2.5): type code * 8 + number; set A has type code 4, D has 1.
inline constexpr std::array kCategoryNames{
    CodeName{"light", 33, 33},           CodeName{"small", 34, 34},
    CodeName{"large", 35, 35},           CodeName{"high vortex", 36, 36},
    CodeName{"heavy", 37, 37},           CodeName{"high performance", 38, 38},
    CodeName{"rotorcraft", 39, 39},      CodeName{"glider", 25, 25},
    CodeName{"balloon", 26, 26},         CodeName{"parachutist", 27, 27},
    CodeName{"ultralight", 28, 28},      CodeName{"unmanned", 30, 30},
    CodeName{"space vehicle", 31, 31},   CodeName{"emergency vehicle", 17, 17},
    CodeName{"service vehicle", 18, 18}, CodeName{"obstacle", 19, 21},
};
inline constexpr std::array kWeekdayNames{
    CodeName{"monday", 1, 1},   CodeName{"tuesday", 2, 2}, CodeName{"wednesday", 3, 3},
    CodeName{"thursday", 4, 4}, CodeName{"friday", 5, 5},  CodeName{"saturday", 6, 6},
    CodeName{"sunday", 7, 7},
};

// Empty for a dimension whose values are no codes.
constexpr std::span<const CodeName> names_of_codes(Dimension dimension) {
  switch (dimension) {
    case Dimension::ship_type:
      return kShipTypeNames;
    case Dimension::nav_status:
      return kNavStatusNames;
    case Dimension::emergency:
      return kEmergencyNames;
    case Dimension::category:
      return kCategoryNames;
    case Dimension::weekday:
      return kWeekdayNames;
    default:
      return {};
  }
}

}  // namespace vedette
