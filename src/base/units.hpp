// Purpose: quantities with units as people write them ("5 ms", "20 kn", "0.5 nmi", "64 KiB").
// Out: the value in the base unit of its dimension. Runs on: cold threads.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vedette {

enum class Dimension : std::uint8_t {
  number = 0,  // a bare number
  boolean,
  length,        // m
  speed,         // m/s
  angle,         // degrees
  duration,      // s
  acceleration,  // m/s^2
  bytes,         // bytes
  daily,         // bytes a day
  ratio,         // 1 (also "%")
  kind,          // IdentityKind
  level,         // Level
  text,          // compared as a whole or with a pattern
  ship_type,     // codes: model/codes.hpp
  nav_status,
  emergency,
  category,
  time_of_day,  // s since local midnight
  weekday,      // 1 Monday to 7 Sunday
  instant,      // Unix s
};

std::string_view name_of(Dimension dimension);

struct UnitName {
  std::string_view name;
  Dimension dimension;
  double factor;  // multiply by this to get the base unit
};

// All units known, each once; the first of a dimension is its base unit.
inline constexpr std::array kUnits{
    UnitName{"m", Dimension::length, 1.0},
    UnitName{"km", Dimension::length, 1000.0},
    UnitName{"nmi", Dimension::length, 1852.0},  // ISO 80000-3
    UnitName{"NM", Dimension::length, 1852.0},
    UnitName{"ft", Dimension::length, 0.3048},
    UnitName{"mm", Dimension::length, 0.001},
    UnitName{"cm", Dimension::length, 0.01},
    UnitName{"m/s", Dimension::speed, 1.0},
    UnitName{"kn", Dimension::speed, 1852.0 / 3600.0},
    UnitName{"km/h", Dimension::speed, 1.0 / 3.6},
    UnitName{"deg", Dimension::angle, 1.0},
    UnitName{"rad", Dimension::angle, 57.295779513082320877},
    UnitName{"s", Dimension::duration, 1.0},
    UnitName{"ns", Dimension::duration, 1e-9},
    UnitName{"us", Dimension::duration, 1e-6},
    UnitName{"ms", Dimension::duration, 1e-3},
    UnitName{"min", Dimension::duration, 60.0},
    UnitName{"h", Dimension::duration, 3600.0},
    UnitName{"d", Dimension::duration, 86400.0},
    UnitName{"m/s2", Dimension::acceleration, 1.0},
    UnitName{"B", Dimension::bytes, 1.0},
    UnitName{"KiB", Dimension::bytes, 1024.0},
    UnitName{"MiB", Dimension::bytes, 1048576.0},
    UnitName{"GiB", Dimension::bytes, 1073741824.0},
    UnitName{"kB", Dimension::bytes, 1e3},
    UnitName{"MB", Dimension::bytes, 1e6},
    UnitName{"GB", Dimension::bytes, 1e9},
    UnitName{"MiB/day", Dimension::daily, 1048576.0},
    UnitName{"GiB/day", Dimension::daily, 1073741824.0},
    UnitName{"MB/day", Dimension::daily, 1e6},
    UnitName{"GB/day", Dimension::daily, 1e9},
    UnitName{"%", Dimension::ratio, 0.01},
};

const UnitName* find_unit(std::string_view name);

}  // namespace vedette
