// A start after the engine was wrong: which state is sound, and the belief that the recorded inputs
// give from there.
#include <algorithm>

#include "node/recompute.hpp"
#include "node/recovery.hpp"

namespace vedette::node {

Mismatch* Recovery::find_suspect(const std::vector<std::uint64_t>& segments) {
  mismatches_ = Mismatches::read(data_);
  Mismatch* open = mismatches_.open();
  if (open == nullptr) {
    return nullptr;
  }
  // A later run began with the recomputed state, whose number is the one after them.
  for (const std::uint64_t segment : segments) {
    const journal::SegmentState state = journal::state_of(journal_folder(data_), segment);
    if (!state.frozen.empty() && state.header.epoch > open->epoch) {
      open->last_batch = state.header.frozen_batch - 1;
      recomputed_ = true;
      return nullptr;
    }
  }
  return open;
}

// The newest state up to `good`; none: from the beginning, if the journal has it.
std::uint64_t Recovery::begin_with_sound(Stepped& stepped, std::vector<std::uint64_t> segments,
                                         std::uint64_t good) {
  for (; !segments.empty(); segments.pop_back()) {
    const journal::SegmentState state = journal::state_of(journal_folder(data_), segments.back());
    if (!state.frozen.empty() && state.header.frozen_batch <= good &&
        state.header.node == header_.node &&
        stepped.restart(state.frozen, plan_hash_of(state.header.plan_hash))) {
      return state.header.frozen_batch;
    }
  }
  stepped.begin_again();
  return 0;
}

// False if the journal does not have what it takes; then nothing is recomputed.
bool Recovery::recompute(Stepped& stepped, const KeptHistory& kept, journal::ReadResult& read) {
  Mismatch& suspect = *mismatches_.last();
  Recompute again(data_, stepped);
  again.run(kept.record ? kept.record->batch : 0, kept.record ? kept.record->sequence : 0);
  read = again.read();
  if (read.other_version || !again.problem().empty()) {
    return false;
  }
  recomputed_ = true;
  if (again.first_batch() == 0) {  // the record is right after all
    suspect.first_batch = 0;
    suspect.last_batch = suspect.batch;
    return true;
  }
  suspect.first_batch = again.first_batch();
  suspect.last_batch = std::max(again.last_batch(), suspect.first_batch);
  report_.found(Stage::suspect, suspect.first_batch,
                "mirror: the engine was wrong from batch " + std::to_string(suspect.first_batch) +
                    " to " + std::to_string(suspect.last_batch) +
                    "; what it judged and did there is suspect; belief was recomputed from the "
                    "recorded inputs",
                suspect.last_batch);
  return true;
}

}  // namespace vedette::node
