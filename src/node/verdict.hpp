// Purpose: decides, after a batch whose replay differed, whether mirror or engine was wrong: the
// mirror's shard replays the record again, from a state that is older than a whole round of the
// self-check. In: each batch that compared equal, the batch that differed, the journal. Out: who
// was wrong, and since which batch. Bound: one block of the journal a turn; kWaitNs for a batch
// that the disk does not have yet. Fails as: undecided, if the journal lacks such a state or a
// batch. Runs on: the mirror's thread.
#pragma once

#include <cstdint>

#include "edge/journal/cursor.hpp"
#include "edge/journal/format.hpp"
#include "node/stepped.hpp"
#include "platform/storage.hpp"

namespace vedette::node {

class Verdict {
 public:
  static constexpr std::int64_t kWaitNs = 10'000'000'000;
  enum class Found : std::uint8_t { nothing_yet, mirror_wrong, engine_wrong, undecided };

  void init(const platform::Folder& journal) { journal_ = journal; }
  // Mirror and engine are equal after `batch`: at the start, or by a copy.
  void equal_since(std::uint64_t batch, const engine::Shard& shard, const PlanHash& plan);
  // A batch compared equal.
  void compared(const engine::Shard& shard) {
    if (shard.check_rounds() != rounds_) {
      rounds_ = shard.check_rounds();
      sound_ = round_began_;
      round_began_ = shard.progress().batch_number;
    }
  }

  // Begins the case of a batch that differed.
  void open(std::uint64_t batch, Stepped& stepped, std::int64_t now_ns);
  bool is_open() const { return batch_ != 0; }
  // The next block. `recorded`, `given_up`: the last batch that is on disk, that was abandoned.
  Found turn(Stepped& stepped, journal::Cursor& cursor, std::uint64_t recorded,
             std::uint64_t given_up, std::int64_t now_ns);
  std::uint64_t wrong_since() const { return wrong_since_; }  // first batch not reproduced
  std::uint64_t good() const { return good_; }                // the state that it began with

 private:
  bool begin(Stepped& stepped);

  platform::Folder journal_;
  PlanHash plan_{};
  std::uint64_t equal_ = 0;        // both were equal after this batch
  std::uint64_t sound_ = 0;        // all that was frozen up to it has entered an equal digest
  std::uint64_t round_began_ = 0;  // last batch before the present round
  std::uint32_t rounds_ = 0;
  // Of the open case.
  std::uint64_t batch_ = 0;  // that differed; 0: none is open
  std::uint64_t good_ = 0;
  std::uint64_t wrong_since_ = 0;
  std::int64_t moved_ns_ = 0;  // when the replay last went on
  bool begun_ = false;
};

}  // namespace vedette::node
