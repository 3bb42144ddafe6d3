// Purpose: what can be asked of a recorded night: its state as of any moment, a data folder cut
// back to a moment, and the same inputs through another plan. In: a data folder. Runs on: cold
// threads; needs no io_uring, no privileges, no DPDK.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/derived.hpp"
#include "node/replay.hpp"

namespace vedette::node {

// A place in the journal: the whole batch that an event belongs to, or the last batch admitted no
// later than a time.
struct Moment {
  std::uint64_t sequence = 0;  // of the event; 0: by time
  std::int64_t time_ns = 0;
};
// An event's number, or an RFC 3339 time in UTC; false when it is neither.
bool parse_moment(const std::string& text, Moment& out);

// True when the batch lies behind the moment, so that reading stops before it.
bool beyond(const Moment& moment, const BatchHeader& batch);

// Brings `stepped` to the moment; of one in a gap to the last batch before it. The result's problem
// says what is damaged, or that the journal kept does not hold the event.
ReplayResult replay_until(const std::string& data, Stepped& stepped, const Moment& moment);

// Writes a new data folder that ends at the moment; the old one is only read. Its next run uses an
// epoch that was never used, so no key repeats. Damage is gone around as a replay does.
struct Recovered {
  std::string problem;  // empty on success
  bool disk = false;    // the problem is that `out` cannot be written
  BatchHeader last{};   // the last batch copied
  std::string damage;   // that the journal has, before or behind the moment; empty: none
};
Recovered recover_until(const std::string& data, const std::string& out, const Moment& moment);

// One decision that only one of the two plans made.
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
// Runs the recorded inputs through another plan. Sources are matched by name; what the other plan
// has no source for is left out. Outcomes are left out too: they answer the old plan's actions.
Rehearsal rehearse(const std::string& data, const plan::Plan& recorded, const plan::Plan& other);

}  // namespace vedette::node
