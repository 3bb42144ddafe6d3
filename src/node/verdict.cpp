#include "node/verdict.hpp"

#include <algorithm>
#include <cstring>

#include "edge/journal/reader.hpp"

namespace vedette::node {

void Verdict::equal_since(std::uint64_t batch, const engine::Shard& shard, const PlanHash& plan) {
  plan_ = plan;
  equal_ = sound_ = round_began_ = batch;
  rounds_ = shard.check_rounds();
}

void Verdict::open(std::uint64_t batch, Stepped& stepped, std::int64_t now_ns) {
  batch_ = batch;
  wrong_since_ = 0;
  moved_ns_ = now_ns;
  begun_ = begin(stepped);
}

// Restores the newest sound state that the journal has. A folder without older segments begins with
// none.
bool Verdict::begin(Stepped& stepped) {
  std::vector<std::uint64_t> segments = journal::list_segments(journal_);
  for (; !segments.empty(); segments.pop_back()) {
    const journal::SegmentState state = journal::state_of(journal_, segments.back());
    const std::uint64_t at = state.header.frozen_batch;
    if (state.frozen.empty() || at > sound_) {
      continue;
    }
    good_ = at;
    return at >= equal_ && plan_hash_of(state.header.plan_hash) == plan_ &&
           stepped.restart(state.frozen);
  }
  good_ = 0;
  stepped.begin_again();
  return equal_ == 0;
}

Verdict::Found Verdict::turn(Stepped& stepped, journal::Cursor& cursor, std::uint64_t recorded,
                             std::uint64_t given_up, std::int64_t now_ns) {
  const std::uint64_t next = stepped.batch() + 1;
  const auto close = [&](Found found) {
    batch_ = 0;
    return found;
  };
  if (!begun_ || (recorded < batch_ && given_up >= batch_)) {
    return close(Found::undecided);
  }
  const bool any = cursor.read(next, recorded, [&](Bytes batch) {
    BatchHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    const bool same = stepped.apply(batch).empty();
    wrong_since_ = same ? 0 : header.number;
    return same && header.number < batch_;
  });
  moved_ns_ = any ? now_ns : moved_ns_;
  if (wrong_since_ != 0) {
    return close(Found::engine_wrong);
  }
  if (any && stepped.batch() == batch_) {
    return close(Found::mirror_wrong);
  }
  return now_ns - moved_ns_ > kWaitNs ? close(Found::undecided) : Found::nothing_yet;
}

}  // namespace vedette::node
