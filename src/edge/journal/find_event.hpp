// Purpose: finds one event of a journal by sequence, also while a node writes it. In: a data
// folder. Out: the event from the journal or its evidence. Bound: reads the start of each segment
// from the newest on, and one segment whole. Runs on: threads that may wait; total on any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/event.hpp"

namespace vedette::journal {

struct FoundEvent {
  EventHeader header;
  std::vector<std::uint8_t> payload;
};

// Only if journalled under the plan of that hash, because its payload holds the plan's indexes.
std::optional<FoundEvent> find_event(const std::string& data, std::uint64_t sequence,
                                     std::span<const std::uint8_t, 32> plan_hash);

}  // namespace vedette::journal
