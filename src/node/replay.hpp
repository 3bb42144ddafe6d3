// Purpose: replays a journal under the plans that wrote it, for recovery at start, `vedette replay`
// and explanations. In: a data folder. Out: the state after the last valid batch, or the first
// batch that differs. Runs on: cold threads; needs no io_uring, no privileges, no DPDK.
#pragma once

#include <functional>
#include <string>

#include "edge/journal/reader.hpp"
#include "node/stepped.hpp"

namespace vedette::node {

struct ReplayResult {
  std::string problem;  // with the journal, or the first difference
  journal::ReadResult journal;
  std::uint64_t replayed = 0;
  std::uint64_t digest = 0;
  std::uint64_t first_batch = 0;  // 1, or the first kept batch
  std::uint64_t unrecorded = 0;   // batches missing in gaps, which a state bridges
  std::uint64_t suspect = 0;      // batches of an engine that was wrong, which a state bridges
  bool unbridged = false;         // no state follows the last of them
  std::uint64_t differed = 0;     // the batch that differs; 0: none
};

// If older segments are gone, restores the first state from which the rest can be replayed and
// returns its last batch; 0 if the journal begins at batch 1 or has no such state.
std::uint64_t find_start(const std::string& data, Stepped& stepped);

// Applies every batch after `skip_through_batch`, the last batch of `stepped`, without reading
// segments that end before it; 0: from the beginning, or from the first state if older segments are
// gone. Stops before the first batch for which `until` is true.
ReplayResult replay(const std::string& data, Stepped& stepped, std::uint64_t skip_through_batch,
                    const std::function<bool(const BatchHeader&)>& until = {});

}  // namespace vedette::node
