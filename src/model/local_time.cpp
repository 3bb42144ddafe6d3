#include "model/local_time.hpp"

#include <algorithm>

namespace vedette {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kDayS = 86'400;

struct Local {
  std::int64_t day;  // since 1970-01-01
  std::int64_t ns;   // since midnight
};

std::int64_t floor_of(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

Local local_at(const plan::TimeZone* zone, std::int64_t unix_ns) {
  const std::int64_t unix_s = floor_of(unix_ns, kSecondNs);
  const std::int64_t local_s = unix_s + offset_at(zone, unix_s);
  const std::int64_t day = floor_of(local_s, kDayS);
  return {day, (local_s - day * kDayS) * kSecondNs + unix_ns - unix_s * kSecondNs};
}

}  // namespace

std::int64_t offset_at(const plan::TimeZone* zone, std::int64_t unix_s) {
  if (zone == nullptr) {
    return 0;
  }
  const auto* from = zone->from();
  flatbuffers::uoffset_t low = 0, high = from->size();  // the last that has begun is before `high`
  while (high - low > 1) {
    const flatbuffers::uoffset_t middle = low + (high - low) / 2;
    (from->Get(middle) <= unix_s ? low : high) = middle;
  }
  return zone->offset()->Get(low);
}

double time_of_day(const plan::TimeZone* zone, std::int64_t unix_ns) {
  return static_cast<double>(local_at(zone, unix_ns).ns) / 1e9;
}

double weekday(const plan::TimeZone* zone, std::int64_t unix_ns) {
  const std::int64_t since_monday = local_at(zone, unix_ns).day + 3;  // 1970-01-01: Thursday
  return static_cast<double>(since_monday - floor_of(since_monday, 7) * 7 + 1);
}

}  // namespace vedette
