// Purpose: queries of a recorded night: its state at any moment, and a data folder cut back to a
// moment. In: a data folder. Runs on: cold threads; needs no io_uring, no privileges, no DPDK.
#pragma once

#include <cstdint>
#include <string>

#include "node/replay.hpp"

namespace vedette::node {

// A position in the journal: the batch of an event, or the last batch admitted by a time.
struct Moment {
  std::uint64_t sequence = 0;  // of the event; 0: by time
  std::int64_t time_ns = 0;
};
// Parses an event's number, or a time as people write it (base/time_text.hpp), which counts back
// from `now_ns`. Empty, or what is wrong.
std::string parse_moment(const std::string& text, std::int64_t now_ns, Moment& out);
// Node time of the last batch in a data folder; 0 if it has none. What is asked of a folder counts
// back from there, because a post that stopped yesterday is asked about yesterday.
std::int64_t last_moment(const std::string& data);

// Whether the batch lies after the moment, so that reading stops before it.
bool beyond(const Moment& moment, const BatchHeader& batch);

// Replays `stepped` to the moment, or to the last batch before a gap that contains it. The problem
// is damage, or an event that the journal does not hold.
ReplayResult replay_until(const std::string& data, Stepped& stepped, const Moment& moment);

// Writes a new data folder that ends at the moment; only reads the old one. The next run's epoch is
// unused, so no key repeats. Skips damage as a replay does.
struct Recovered {
  std::string problem;  // empty on success
  bool disk = false;    // the problem is writing to `out`
  BatchHeader last{};   // the last batch copied
  std::string damage;   // damage of the journal, before or after the moment; empty: none
};
Recovered recover_until(const std::string& data, const std::string& out, const Moment& moment);

}  // namespace vedette::node
