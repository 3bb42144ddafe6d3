// Purpose: reads a damaged journal as islands: runs of consecutive batches, with the first state in
// each from which a replay can start; replays as far as possible. In: a data folder, which is only
// read. Out: islands in order, and the damage between them in words. Bound: one island for each
// damaged or unrecorded place. Runs on: cold threads, and recovery of a damaged journal.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "node/replay.hpp"

namespace vedette::node {

struct Island {
  std::uint64_t first_batch = 0;
  std::uint64_t last_batch = 0;  // first_batch - 1: a state without batches after it
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t state_segment = 0;  // begins with the state after `state_batch`; 0: no state
  std::uint64_t state_batch = 0;

  bool begins() const { return first_batch == 1 || state_segment != 0; }
};

struct Chart {
  std::vector<Island> islands;
  journal::ReadResult read;
};
Chart chart_of(const std::string& data, std::uint64_t node_id);

// One line: the first damage and its extent. Empty: no damage.
std::string damage_text(const journal::ReadResult& read);

// Replays the island to its last batch, from the present state if that lies in it, else from the
// island's initial state. Empty, or what differs.
std::string replay_island(const std::string& data, Stepped& stepped, const Island& island);

// Replays island by island, up to the first batch for which `until` is true. A problem is a
// difference, never damage, which `journal.damages` lists.
struct AroundResult {
  std::string problem;
  std::uint64_t replayed = 0;
  std::uint64_t passed_over = 0;  // readable batches without a state before them
  journal::ReadResult journal;
};
AroundResult replay_around(const std::string& data, Stepped& stepped, std::uint64_t node_id,
                           const std::function<bool(const BatchHeader&)>& until = {});

}  // namespace vedette::node
