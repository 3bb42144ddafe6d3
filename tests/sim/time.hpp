// Purpose: the clocks of a simulated node (linked with --wrap): they stand until the simulator
// moves them. Out: the product's own monotonic_ns(), realtime_ns(), rest_ns(). Bound: one time a
// process.
#pragma once

#include <cstdint>
#include <functional>

namespace vedette::sim {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kStartNs = 2'000'000'000 * kSecond;  // Unix: later than any release

// The machine has just started, and its clock is right.
void begin_time();
std::int64_t time_ns();  // since then
void pass(std::int64_t ns);
// `rest` is called instead of sleeping, and lets the time pass.
void while_resting(std::function<void(std::int64_t ns)> rest);

}  // namespace vedette::sim
