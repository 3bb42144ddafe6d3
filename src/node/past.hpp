// Purpose: queries of a recorded night: its state at any moment, a data folder cut back to a
// moment, and the same inputs under another plan. In: a data folder. Runs on: cold threads; needs
// no io_uring, no privileges, no DPDK.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/derived.hpp"
#include "node/replay.hpp"

namespace vedette::node {

// A position in the journal: the batch of an event, or the last batch admitted by a time.
struct Moment {
  std::uint64_t sequence = 0;  // of the event; 0: by time
  std::int64_t time_ns = 0;
};
// Parses an event's number or an RFC 3339 time in UTC; false for anything else.
bool parse_moment(const std::string& text, Moment& out);

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

// A decision that only one of the two plans made.
struct DecisionDifference {
  bool in_journal;  // else in the rehearsal
  std::int64_t time_ns;
  std::uint64_t event;  // of the journal; 0 for the rehearsal's
  std::string decision, subject, choice;
};
struct Rehearsal {
  std::string problem;
  std::uint64_t batches = 0;
  std::uint64_t same = 0;
  std::vector<DecisionDifference> differences;  // by time
};
// Runs the recorded inputs under another plan. Matches sources by name and omits those that the
// other plan lacks. Omits outcomes, which answer the old plan's actions.
Rehearsal rehearse(const std::string& data, const plan::Plan& recorded, const plan::Plan& other);

}  // namespace vedette::node
