// Purpose: bounds on times and numbers read back from disk, so that the engine's sums and products
// of them are defined. Wider than anything real.
#pragma once

#include <cstdint>
#include <span>

namespace vedette {

// Differences of two such times, plus any time that a plan may name, fit in 64 bits. Until the year
// 2116.
inline constexpr std::int64_t kFarthestNs = std::int64_t{1} << 62;
inline constexpr bool plausible_ns(std::int64_t ns) {
  return ns > -kFarthestNs && ns < kFarthestNs;
}

// Products of six such numbers are finite; a variance after decades without a report is within.
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
