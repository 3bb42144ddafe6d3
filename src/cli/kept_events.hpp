// Purpose: the events of a folder that explain one of them: its causes back to the observations,
// and what came of it. In: a data folder, an event's number. Out: events by number. Bound: all up
// to that one; later ones without observations and ticks. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "cli/event_reading.hpp"

namespace vedette::cli {

struct KeptEvent {
  EventHeader header;
  std::vector<std::uint8_t> payload;
  bool evidence = false;  // from a dropped segment
  bool suspect = false;   // of an engine that was wrong
  const plan::Plan* plan = nullptr;
  std::int64_t admitted_ns = 0;  // node time of its batch
};
using KeptEvents = std::map<std::uint64_t, KeptEvent>;

void keep_event(const ReadEvent& event, std::uint64_t wanted, KeptEvents& events);

// The event and its chain of causes, newest first; in front the outcome of an action.
std::vector<std::uint64_t> chain_of(std::uint64_t wanted, const KeptEvents& events);
// The assessment that the event comes from, itself if it is one; 0: none.
std::uint64_t assessment_of(std::uint64_t event, const KeptEvents& events);

}  // namespace vedette::cli
