// Purpose: the time of day and the weekday where the site is, by the transitions that its plan
// carries. In: node time. Bound: a search in limits::kTimeTransitions. Runs on: any thread.
#pragma once

#include <cstdint>

#include "model/plan_generated.h"

namespace vedette {

// Seconds that the zone's clocks are ahead of UTC. Before the first transition the first offset
// holds, after the last the last. A null zone is UTC.
std::int64_t offset_at(const plan::TimeZone* zone, std::int64_t unix_s);

// Seconds since midnight, with their fraction.
double time_of_day(const plan::TimeZone* zone, std::int64_t unix_ns);
// 1 Monday to 7 Sunday (ISO 8601).
double weekday(const plan::TimeZone* zone, std::int64_t unix_ns);

}  // namespace vedette
