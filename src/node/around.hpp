// Purpose: a journal with damage in it: which runs of batches can be read one behind the other, the
// first state in each that a replay can begin with, and the replay of all that this allows.
// In: a data folder, which is only read. Out: islands in order, and what lies between them in
// words. Bound: one island for each place that is damaged or was not recorded. Runs on: cold
// threads, and recovery, where the journal is not whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "node/replay.hpp"

namespace vedette::node {

struct Island {
  std::uint64_t first_batch = 0;
  std::uint64_t last_batch = 0;  // first_batch - 1: a state, and nothing behind it
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t state_segment = 0;  // begins with the state after `state_batch`; 0: none does
  std::uint64_t state_batch = 0;

  bool begins() const { return first_batch == 1 || state_segment != 0; }
};

struct Chart {
  std::vector<Island> islands;
  journal::ReadResult read;
};
Chart chart_of(const std::string& data, std::uint64_t node_id);

// One line: what was seen first, and how much of it there is. Empty: nothing is damaged.
std::string damage_text(const journal::ReadResult& read);

// Brings `stepped` into the island as far as it can be: from where it stands, if that lies there,
// else from the island's own beginning. Then to its last batch; empty, or what differs.
std::string replay_island(const std::string& data, Stepped& stepped, const Island& island);

// Replays what can be replayed, island by island, up to the first batch that `until` is true of.
// The problem is a difference, never damage: `journal.damages` says that.
struct AroundResult {
  std::string problem;
  std::uint64_t replayed = 0;
  std::uint64_t passed_over = 0;  // batches that can be read, with no state before them
  journal::ReadResult journal;
};
AroundResult replay_around(const std::string& data, Stepped& stepped, std::uint64_t node_id,
                           const std::function<bool(const BatchHeader&)>& until = {});

}  // namespace vedette::node
