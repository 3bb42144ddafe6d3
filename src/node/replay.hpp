// Purpose: a journal fed to the plans that wrote it: recovery at start, `vedette replay`, and what
// explains. In: a data folder. Out: the state after the last whole batch, or the first batch that
// differs. Runs on: cold threads; needs no io_uring, no privileges, no DPDK.
#pragma once

#include <functional>
#include <string>

#include "edge/journal/reader.hpp"
#include "node/stepped.hpp"

namespace vedette::node {

struct ReplayResult {
  std::string problem;  // of the journal, or the first difference
  journal::ReadResult journal;
  std::uint64_t replayed = 0;
  std::uint64_t digest = 0;
  std::uint64_t first_batch = 0;  // 1, or where the journal kept begins
  std::uint64_t unrecorded = 0;   // batches that gaps left out: it went on from the state behind
};

// Where older segments are gone: puts the first state kept that a replay of the rest can start from
// into `stepped`, and says after which batch it stands; 0 when the journal begins at batch 1 or has
// no such state.
std::uint64_t find_start(const std::string& data, Stepped& stepped);

// Applies every batch after `skip_through_batch`, where `stepped` stands, and reads no segment that
// ends before it; 0: from the beginning, or where older segments are gone from the first state kept
// in those left.
// Reading ends before the first batch that `until` is true of.
ReplayResult replay(const std::string& data, Stepped& stepped, std::uint64_t skip_through_batch,
                    const std::function<bool(const BatchHeader&)>& until = {});

}  // namespace vedette::node
