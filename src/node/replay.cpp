#include "node/replay.hpp"

#include <cstring>

namespace vedette::node {

std::uint64_t find_start(const std::string& data, Stepped& stepped) {
  std::uint64_t start = 0;
  std::uint64_t first_batch = 0;
  std::vector<std::uint8_t> state;
  std::uint64_t state_batch = 0;
  PlanHash state_hash{};
  const auto take = [&] {
    const bool fits = first_batch > 1 && !state.empty() && state_batch + 1 >= first_batch;
    start = fits && stepped.restart(state, state_hash) ? state_batch : 0;
    return start == 0 && first_batch != 1;  // keep searching
  };
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    state.assign(frozen.begin(), frozen.end());
    state_batch = header.frozen_batch;
    state_hash = plan_hash_of(header.plan_hash);
    return first_batch == 0 || take();
  };
  visit.batch = [&](Bytes batch) {
    if (first_batch != 0) {
      return true;
    }
    BatchHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    first_batch = header.number;
    return take();
  };
  visit.node = stepped.node_id();
  journal::read_journal(journal_folder(data), visit);
  if (first_batch == 0 && !state.empty() && stepped.restart(state, state_hash)) {
    start = state_batch;  // repeated kills at the start left only empty segments
  }
  return start;
}

ReplayResult replay(const std::string& data, Stepped& stepped, std::uint64_t skip_through_batch,
                    const std::function<bool(const BatchHeader&)>& until) {
  ReplayResult result;
  const std::uint64_t image = skip_through_batch;
  if (skip_through_batch == 0) {
    skip_through_batch = find_start(data, stepped);
  }
  // The state that ends a gap is restored only when a batch after it is needed.
  std::vector<std::uint8_t> ahead;
  std::uint64_t ahead_batch = 0;
  PlanHash ahead_hash{};
  const auto go_on = [&] {
    const std::uint64_t before = stepped.shard().progress().batch_number;
    if (ahead_batch > before) {
      result.unrecorded += ahead_batch - before;
      if (!stepped.restart(ahead, ahead_hash)) {
        result.problem = "the state after batch " + std::to_string(ahead_batch) +
                         ", which ends a gap, is damaged";
      }
    }
    return result.problem.empty();
  };
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    if (header.frozen_batch > stepped.shard().progress().batch_number) {
      ahead.assign(frozen.begin(), frozen.end());
      ahead_batch = header.frozen_batch;
      ahead_hash = plan_hash_of(header.plan_hash);
      return true;
    }
    result.problem = stepped.enter(header, frozen);
    return result.problem.empty();
  };
  visit.batch = [&](Bytes batch) {
    BatchHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    if (until && until(header)) {
      return false;
    }
    if (header.number <= skip_through_batch) {
      // The state to start from must be of this batch.
      if (header.number == stepped.shard().progress().batch_number &&
          header.digest != stepped.shard().progress().digest) {
        result.problem = "batch " + std::to_string(header.number) +
                         ": the state to start from belongs to another journal";
      }
      return result.problem.empty();
    }
    if (!go_on()) {
      return false;
    }
    result.first_batch = result.first_batch == 0 ? header.number : result.first_batch;
    result.problem = stepped.apply(batch);
    result.replayed += result.problem.empty() ? 1 : 0;
    return result.problem.empty();
  };
  visit.node = stepped.node_id();
  result.journal = journal::read_journal(journal_folder(data), visit, image);
  if (result.problem.empty() && !result.journal.stopped) {
    go_on();  // the gap's state is the last thing recorded
  }
  if (result.problem.empty() && !result.journal.problem.empty()) {
    result.problem = result.journal.problem;
  }
  result.digest = stepped.shard().progress().digest;
  return result;
}

}  // namespace vedette::node
