// Purpose: how much memory and disk a plan's node takes, by room. In: a plan. Runs on: cold
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/plan_generated.h"

namespace vedette::node {

struct RoomMemory {
  const char* room;
  std::size_t bytes;
};
// A plan's memory by room: the arena is the sum of the first, the process of both.
std::vector<RoomMemory> memory_plan(const plan::Plan& plan);
std::vector<RoomMemory> memory_outside_arena(const plan::Plan& plan);
std::size_t arena_bytes(const plan::Plan& plan);
std::size_t packet_bytes(const plan::Plan& plan);
// Huge pages of platform::kHugePageBytes that the plan uses if the machine reserves them.
std::size_t huge_pages_of(const plan::Plan& plan);

// How much of the past the journal's bytes hold: an estimate, at the rates that the plan declares
// (recordings), else at kAssumedEvents for each source.
struct HistoryPlan {
  double hours = 0.0;
  double events_per_s = 0.0;
  bool assumed = false;  // of a source at least
};
inline constexpr double kAssumedEvents = 10.0;  // a second
HistoryPlan history_plan(const plan::Plan& plan);

// Most bytes of the belief image's file, and the problem if [limits] image is less.
std::uint64_t image_bytes_needed(const plan::Plan& plan);
std::string image_problem(const plan::Plan& plan);

}  // namespace vedette::node
