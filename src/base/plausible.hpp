// Purpose: what a time or a number that was read back may be, so that the engine's sums and
// products of such are defined whatever they are. Wider than anything real.
#pragma once

#include <cstdint>
#include <span>

namespace vedette {

// Differences of two such, and one with any time that a plan may name added, fit in 64 bits. Until
// the year 2116.
inline constexpr std::int64_t kFarthestNs = std::int64_t{1} << 62;
inline constexpr bool plausible_ns(std::int64_t ns) {
  return ns > -kFarthestNs && ns < kFarthestNs;
}

// Products of six such are finite: a variance after decades without a report is within.
inline constexpr double kLargestNumber = 1e45;
// False for NaN.
inline bool plausible(double value, double most = kLargestNumber) {
  return value >= -most && value <= most;
}
inline bool plausible_or_unknown(double value, double most = kLargestNumber) {
  return value != value || plausible(value, most);
}
inline bool plausible(std::span<const double> values, double most = kLargestNumber) {
  for (const double value : values) {
    if (!plausible(value, most)) {
      return false;
    }
  }
  return true;
}

}  // namespace vedette
