#include "base/units.hpp"

namespace vedette {

std::string_view name_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::number:
      return "number";
    case Dimension::boolean:
      return "true/false";
    case Dimension::length:
      return "length";
    case Dimension::speed:
      return "speed";
    case Dimension::angle:
      return "angle";
    case Dimension::duration:
      return "duration";
    case Dimension::acceleration:
      return "acceleration";
    case Dimension::bytes:
      return "size in bytes";
    case Dimension::daily:
      return "number of bytes a day";
    case Dimension::ratio:
      return "ratio";
    case Dimension::kind:
      return "kind";
    case Dimension::level:
      return "level";
    case Dimension::text:
      return "text";
    case Dimension::ship_type:
      return "ship type";
    case Dimension::nav_status:
      return "navigational status";
    case Dimension::emergency:
      return "emergency";
    case Dimension::category:
      return "category";
    case Dimension::time_of_day:
      return "time of day";
    case Dimension::weekday:
      return "weekday";
    case Dimension::instant:
      return "time";
  }
  return "unknown";
}

const UnitName* find_unit(std::string_view name) {
  for (const UnitName& unit : kUnits) {
    if (unit.name == name) {
      return &unit;
    }
  }
  return nullptr;
}

}  // namespace vedette
