// Purpose: puts batches on disk: group commit into preallocated segments, each write linked to
// fdatasync, by io_uring and O_DIRECT; by ordinary calls where the host has no io_uring. While more
// waits than one block holds, blocks are packed.
// In: sealed batches in the batch lane. Out: the durable sequence; what is in it survives a power
// cut. Bound: the plan's journal and segment bytes; the oldest segments go first, each only once a
// later one begins with a state that a replay can start from, and none for a run that accepted
// nothing: at the bound such a run's segment takes the place of the one before it. One that goes
// gives its evidence first (journal/evidence.hpp). When full or
// failing: nothing is taken from the lane, last_error() says why, and it is tried again; once the
// lane is half full its batches are given up, and a later segment begins with a state that says
// what they left. Runs on: the journal thread (warm: it may wait).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/lane.hpp"
#include "edge/journal/evidence.hpp"
#include "edge/journal/format.hpp"
#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "platform/ring.hpp"
#include "platform/storage.hpp"

namespace vedette::journal {

struct WriterOptions {
  platform::Folder folder;
  std::uint64_t segment_bytes = 0;
  std::uint64_t journal_bytes = 0;
  std::size_t max_batch_bytes = 0;
  std::size_t max_frozen_bytes = 0;
  SegmentHeader header{};  // plan, node, epoch
  std::uint64_t next_segment = 1;
  std::uint64_t next_block = 1;
  std::uint64_t chain = 0;
  std::uint64_t durable_sequence = 0;
  std::uint64_t next_batch = 1;
  std::vector<ReadResult::Segment> segments;  // what is there already
  ReadResult::Idle idle;                      // whose place may be taken
  bool may_use_ring = true;                   // false: as on a host without io_uring
  platform::Folder evidence_folder;
  std::uint64_t evidence_bytes = 0;  // 0: nothing is kept of a segment that goes
};

class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();  // what was made ready and never begun goes

  static std::size_t bytes_needed(std::uint64_t segment_bytes, std::size_t max_batch_bytes,
                                  std::size_t max_frozen_bytes) {
    return buffer_bytes(segment_bytes, max_batch_bytes, max_frozen_bytes) + max_frozen_bytes;
  }
  // With batches in it, as it is on disk.
  static std::size_t longest_block(std::uint64_t segment_bytes, std::size_t max_batch_bytes);
  // The bytes of a segment that begins with so large a state: at least as much for batches as for
  // the state.
  static std::uint64_t whole_segment_bytes(std::uint64_t segment_bytes, std::size_t frozen_bytes);
  // Makes the first segment ready under a passing name: of the journal nothing changes yet. Empty
  // on success.
  std::string prepare(const WriterOptions& options);
  // Puts it in its place, synced, so that the epoch is raised durably before anything is accepted.
  std::string begin();
  std::string open(const WriterOptions& options) {
    const std::string problem = prepare(options);
    return problem.empty() ? begin() : problem;
  }
  std::uint64_t segment() const { return open_.segment; }  // that is being written

  // Writes what waits in the lane, at most one block; false when there was nothing or it failed.
  bool step(Lane& batches);
  // The disk has taken nothing for so long that what comes will find no room.
  bool must_give_up(const Lane& batches) const {
    return last_error() != 0 && (gap_ || batches.half_full());
  }
  // What waits is not recorded: the journal has a gap, until go_on().
  void give_up(Lane& batches);
  bool has_gap() const { return gap_; }
  // Ends the gap: a new segment begins with `frozen`, the state after `batch`, whose last event is
  // `sequence`; what is in it counts as on disk. `batch` is none before those given up. 0 or errno:
  // the gap goes on.
  int go_on(Bytes frozen, std::uint64_t batch, std::uint64_t sequence, Lane& batches);
  std::uint64_t unrecorded() const { return unrecorded_.load(std::memory_order_relaxed); }
  // A state to begin later segments with; of a batch that is written.
  void keep_frozen(Bytes frozen, std::uint64_t batch);
  std::uint64_t last_batch() const { return options_.next_batch - 1; }  // that is written
  // The state kept is older than the segment being written: a newer one lets old segments go.
  bool wants_frozen() const { return frozen_batch_ + 1 < segments_.back().first_batch; }
  void close();

  // Highest sequence that is on disk. Pairs an acquire load with the release store after fdatasync:
  // an action that needs its intent on disk never sees the number before the disk has the bytes.
  std::uint64_t durable_sequence() const { return durable_.load(std::memory_order_acquire); }
  std::uint64_t bytes_written() const { return bytes_.load(std::memory_order_relaxed); }
  std::uint64_t blocks_written() const { return blocks_.load(std::memory_order_relaxed); }
  std::uint64_t blocks_packed() const { return packed_.load(std::memory_order_relaxed); }
  // False where the host forbids io_uring: then each block is a write and a sync, one call each.
  bool has_ring() const { return has_ring_; }
  int last_error() const { return error_.load(std::memory_order_relaxed); }
  const Evidence& evidence() const { return evidence_; }

 private:
  struct FreeAligned {
    void operator()(std::uint8_t* p) const;
  };
  static constexpr const char* kNextName = "next";    // file of the segment to come
  static constexpr std::size_t kFillBytes = 4 << 20;  // zeros written after one block, at most

  static std::size_t buffer_bytes(std::uint64_t segment_bytes, std::size_t max_batch_bytes,
                                  std::size_t max_frozen_bytes);
  struct Before;
  int begin_segment();
  int ready_segment(std::uint64_t bytes, Before& before);
  void go_back(Before& before);
  int place_segment();
  void take_idle_place(std::uint64_t bytes);
  bool leave_out(Lane& batches, std::uint64_t through);  // false: the oldest lies behind it
  int fill_next(std::uint64_t to, std::uint64_t whole);
  void drop_next();
  int write_segment_header();
  // Batches of one block, put into the buffer behind its header.
  struct Gathered {
    BlockKind kind = BlockKind::batches;
    std::size_t count = 0;
    std::size_t length = 0;          // of the payload
    std::size_t unpacked_bytes = 0;  // if they are packed
    BatchHeader first{}, last{};

    void take(Bytes batch);
  };
  Gathered gather(Lane& batches);
  Gathered gather_packed(Lane& batches);
  int write_block(const Gathered& what);
  // Of the next, which begins with the state kept.
  std::uint64_t whole_segment() const;
  void drop_old_segments();
  void look_at_what_goes_next();

  WriterOptions options_;
  platform::Ring ring_;
  bool has_ring_ = false;
  struct Open {
    platform::StorageFile file;
    std::uint64_t segment = 0;
    std::uint64_t bytes = 0;
    std::uint64_t at = 0;     // offset of the next block
    std::uint64_t first = 0;  // of the block behind the header
  };
  Open open_;
  struct Before {
    Open open;
    std::uint64_t block = 0;
    std::uint64_t chain = 0;
  };
  // The segment to come, filled with zeros little by little while this one is written: at once it
  // would hold up what waits for the disk by tens of milliseconds.
  struct Next {
    platform::StorageFile file;
    std::uint64_t bytes = 0;  // zeros so far
    bool synced = false;
    bool refused = false;  // left to the moment that needs it, which says why
  };
  Next next_;
  std::unique_ptr<std::uint8_t[], FreeAligned> buffer_;
  std::size_t buffer_bytes_ = 0;
  Packer packer_;
  Evidence evidence_;
  struct Kept {
    std::uint64_t number;
    std::uint64_t first_batch;
    std::uint64_t bytes;
  };
  std::vector<Kept> segments_;  // by age; the last is the one being written
  std::vector<std::uint8_t> frozen_;
  std::uint64_t frozen_batch_ = 0;
  std::vector<std::uint64_t> idle_;  // segments whose place the first one takes
  bool begun_ = false;
  bool accepted_ = false;           // by this run, something from outside
  std::size_t begun_segments_ = 0;  // by this run
  bool gap_ = false;
  std::uint64_t given_up_through_ = 0;  // batch
  std::atomic<std::uint64_t> unrecorded_{0};
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> blocks_{0};
  std::atomic<std::uint64_t> packed_{0};
  std::atomic<int> error_{0};
};

// Cuts a torn tail off, so that what was written once more is not mistaken for damage. 0 or errno.
int cut_tail(const platform::Folder& folder, std::uint64_t segment, std::uint64_t valid_bytes);

}  // namespace vedette::journal
