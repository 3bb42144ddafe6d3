// Purpose: writes batches to disk: group commit into preallocated segments, by O_DIRECT, each write
// with its fdatasync. Packs blocks while more than one block waits. A segment begins when the last
// one is full, and when the journal's newest state is kStateNs of node time old.
// In: sealed batches in the batch lane. Out: the durable sequence, up to which events survive a
// power cut. Bound: the plan's journal and segment bytes: drops the oldest segments, each after a
// later one begins with a state for replay and after its evidence is kept (journal/evidence.hpp). A
// run that accepts nothing drops none: at the bound its segment replaces that of the previous such
// run. When full or failing: takes nothing from the lane, sets last_error() and retries; once the
// lane is half full it abandons the lane's batches, and a later segment begins with a state that
// includes them. Runs on: the journal thread (warm: it may wait).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/lane.hpp"
#include "edge/journal/archiver.hpp"
#include "edge/journal/evidence.hpp"
#include "edge/journal/format.hpp"
#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "platform/storage.hpp"

namespace vedette::journal {

inline constexpr std::uint64_t kAllBatches = ~std::uint64_t{0};

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
  std::vector<ReadResult::Segment> segments;  // existing ones
  ReadResult::Idle idle;                      // may be replaced
  bool archives = true;                       // false: as if there were never time
  platform::Folder evidence_folder;
  std::uint64_t evidence_bytes = 0;  // 0: no evidence is kept
};

// Called with each batch in order once it is on disk, before the lane releases it.
struct OnDisk {
  void (*batch)(void* context, Bytes batch) = nullptr;
  void* context = nullptr;
};

class Writer {
 public:
  // A minute less than the ten that readers are promised, because a state comes when it is asked
  // for, and at speed "max" node time goes on meanwhile.
  static constexpr std::int64_t kStateNs = 540'000'000'000;

  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();  // removes a prepared segment that never began

  static std::size_t bytes_needed(std::uint64_t segment_bytes, std::size_t max_batch_bytes,
                                  std::size_t max_frozen_bytes) {
    return buffer_bytes(segment_bytes, max_batch_bytes, max_frozen_bytes) + max_frozen_bytes +
           Archiver::bytes_needed(longest_block(segment_bytes, max_batch_bytes), max_frozen_bytes);
  }
  // A block of batches, as on disk.
  static std::size_t longest_block(std::uint64_t segment_bytes, std::size_t max_batch_bytes);
  // Size of a segment that begins with such a state: batches get at least as much as the state.
  static std::uint64_t whole_segment_bytes(std::uint64_t segment_bytes, std::size_t frozen_bytes);
  // Prepares the first segment under a temporary name, without changing the journal. Empty on
  // success.
  std::string prepare(const WriterOptions& options);
  // Renames it into place, synced, so that the new epoch is durable before anything is accepted.
  std::string begin();
  std::string open(const WriterOptions& options) {
    const std::string problem = prepare(options);
    return problem.empty() ? begin() : problem;
  }
  std::uint64_t segment() const { return open_.segment; }  // being written

  // Writes at most one block from the lane; false if it is empty or the write failed.
  bool step(Lane& batches, const OnDisk& on_disk = {});
  // The same in parts. What takes the lane does not wait for the disk, and what waits for the disk
  // does not use the lane, so that another thread may abandon batches while a write does not end.
  bool take(Lane& batches);  // copies a block's batches; false if there are none
  bool write_taken();        // waits for the disk
  void settle(Lane& batches, const OnDisk& on_disk);  // releases what was written
  void make_ready();                                  // waits for the disk; after a write
  // A slice of archiving an older segment, for when there is time; false if none is left.
  bool archive_some();

  // The disk has failed long enough that the lane will overflow.
  bool must_give_up(const Lane& batches) const {
    return last_error() != 0 && (gap_ || batches.half_full());
  }
  // Abandons the waiting batches up to `through`: the journal has a gap until go_on(). Those that
  // are being written may still reach the disk.
  void give_up(Lane& batches, std::uint64_t through = kAllBatches);
  bool has_gap() const { return gap_; }
  std::uint64_t given_up_through() const { return given_up_through_; }  // batch
  // Ends the gap with a new segment that begins with `frozen`, the state after `batch`, whose last
  // event is `sequence`; its content counts as durable. `batch` must not precede the abandoned
  // ones. 0 or errno: the gap continues.
  int go_on(Bytes frozen, std::uint64_t batch, std::uint64_t sequence, Lane& batches);
  // The same in parts; only begin_behind_gap() waits for the disk. The gap continues if later
  // batches were abandoned meanwhile.
  void take_state(Bytes frozen, std::uint64_t batch, Lane& batches);
  int begin_behind_gap(std::uint64_t sequence);
  void end_gap(int error);
  std::uint64_t unrecorded() const { return unrecorded_.load(std::memory_order_relaxed); }
  // The state for later segments, after a written batch.
  void keep_frozen(Bytes frozen, std::uint64_t batch);
  std::uint64_t kept_batch() const { return frozen_batch_; }  // that the kept state follows
  std::uint64_t last_batch() const { return options_.next_batch - 1; }  // the last one written
  // Whether the kept state predates the current segment; a newer one allows dropping old segments.
  // One that was due when the segment began is new enough.
  bool wants_frozen() const {
    return !began_anew_ && frozen_batch_ + 1 < segments_.back().first_batch;
  }
  // The earliest batch that such a state may follow.
  std::uint64_t wanted_batch() const { return segments_.back().first_batch - 1; }
  // Whether the newest state in the journal is kStateNs old. A state after `due_batch()` or later
  // then begins a segment. A run that accepted nothing changes nothing that is worth one.
  bool state_is_due() const { return due_batch_ != 0 && !begins_anew_; }
  std::uint64_t due_batch() const { return due_batch_; }
  void put_state_off();  // it does not come; until the next is due
  // Whether the next segment will exceed the journal's bytes, because the kept state is too old to
  // drop the oldest one.
  bool must_have_frozen() const;
  // `archives`: and archives all that is left.
  void close(bool archives = false);

  // Highest durable sequence. Its acquire load pairs with the release store after fdatasync: an
  // action that waits for its intent never sees the number before the bytes are on disk.
  std::uint64_t durable_sequence() const { return durable_.load(std::memory_order_acquire); }
  // Of the writing thread: what the journal may still take of the disk within its bound.
  std::uint64_t bytes_to_bound() const;
  const std::string& folder_path() const { return options_.folder.path(); }
  std::uint64_t bytes_written() const { return bytes_.load(std::memory_order_relaxed); }
  // The same with zeros and archives: what wears the disk.
  std::uint64_t bytes_worn() const {
    return bytes_written() + bytes_beside_.load(std::memory_order_relaxed);
  }
  // Of the writing thread: packs every block, not only when the disk is behind.
  void set_packs(bool packs) { packs_ = packs; }
  std::int64_t written_ns() const { return written_ns_; }
  // Of the bytes written, what archiving gave back.
  std::uint64_t bytes_saved() const { return bytes_saved_.load(std::memory_order_relaxed); }
  std::uint64_t bound() const { return options_.journal_bytes; }
  std::uint64_t blocks_written() const { return blocks_.load(std::memory_order_relaxed); }
  std::uint64_t blocks_packed() const { return packed_.load(std::memory_order_relaxed); }
  int last_error() const { return error_.load(std::memory_order_relaxed); }
  const Evidence& evidence() const { return evidence_; }

 private:
  struct FreeAligned {
    void operator()(std::uint8_t* p) const;
  };
  static constexpr const char* kNextName = "next";    // file of the next segment
  static constexpr std::size_t kFillBytes = 4 << 20;  // most zeros written after one block

  static std::size_t buffer_bytes(std::uint64_t segment_bytes, std::size_t max_batch_bytes,
                                  std::size_t max_frozen_bytes);
  struct Before;
  int begin_segment(bool is_short);
  int ready_segment(std::uint64_t bytes, Before& before);
  void go_back(Before& before);
  int place_segment();
  void take_idle_place(std::uint64_t bytes);
  bool leave_out(Lane& batches, std::uint64_t through);  // false: the oldest is later
  int fill_next(std::uint64_t to, std::uint64_t whole);
  void drop_next();
  int write_segment_header();
  // One block's batches, in the buffer after its header.
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
  int cut_failed_write();
  // Size of the next segment, which begins with the kept state.
  std::uint64_t whole_segment() const;
  // Within the bound: of the next segment, and of the archiver's copy of one that it has not seen.
  std::uint64_t room_ahead() const;
  void look_at_time(const BatchHeader& last);
  std::uint64_t bytes_until_due() const;
  bool makes_state_due(const BatchHeader& batch) const {
    const std::int64_t since_ns = begins_anew_ ? frozen_ns_ : standing_ns_;
    return (due_batch_ == 0 || begins_anew_) && batch.admitted_ns - since_ns >= kStateNs;
  }
  void drop_old_segments();
  void gather_evidence_ahead();

  WriterOptions options_;
  struct Open {
    platform::StorageFile file;
    std::uint64_t segment = 0;
    std::uint64_t bytes = 0;
    std::uint64_t at = 0;     // offset of the next block
    std::uint64_t first = 0;  // offset of the first block after the header
  };
  Open open_;
  std::uint64_t failed_to_ = 0;  // offset behind a failed write in it; not above open_.at: nothing
  struct Before {
    Open open;
    std::uint64_t block = 0;
    std::uint64_t chain = 0;
  };
  // The next segment, filled with zeros step by step while this one is written: all at once would
  // delay batches by tens of milliseconds.
  struct Next {
    platform::StorageFile file;
    std::uint64_t bytes = 0;  // zeros so far
    bool synced = false;
    bool refused = false;  // retried when the segment is needed, which reports the error
  };
  Next next_;
  std::unique_ptr<std::uint8_t[], FreeAligned> buffer_;
  std::size_t buffer_bytes_ = 0;
  Packer packer_;
  Archiver archiver_;
  std::atomic<std::uint64_t> bytes_saved_{0}, bytes_beside_{0};
  bool packs_ = false;
  Evidence evidence_;
  struct Kept {
    std::uint64_t number;
    std::uint64_t first_batch;
    std::uint64_t bytes;
    bool seen = false;  // by the archiver
  };
  bool begin_archive();
  bool archives_wait_ = true;   // false: no segment is left to archive
  std::vector<Kept> segments_;  // by age; the last is being written
  std::vector<std::uint8_t> frozen_;
  std::uint64_t frozen_batch_ = 0;
  std::int64_t written_ns_ = 0;      // node time of the last batch written
  std::int64_t frozen_ns_ = 0;       // when frozen_ was kept
  std::int64_t standing_ns_ = 0;     // the same of the state that the open segment begins with
  std::int64_t opened_ns_ = 0;       // when the open segment began
  std::uint64_t due_batch_ = 0;      // the last one when a state became due; 0: none is
  bool begins_anew_ = false;         // the next segment, with a state that was due
  bool began_anew_ = false;          // the open one did
  std::uint64_t timed_bytes_ = 0;    // for a segment that ends by time; 0: they fill up sooner
  std::uint64_t room_bytes_ = 0;     // of the block that begins it, at least
  std::vector<std::uint64_t> idle_;  // segments that the first one replaces
  bool begun_ = false;
  bool accepted_ = false;           // input from outside, in this run
  std::size_t begun_segments_ = 0;  // in this run
  // Of whoever has the lane.
  Gathered taken_;              // the block that is being written
  bool taken_accepts_ = false;  // it has the run's first input from outside
  std::size_t taken_left_ = 0;  // its batches that the lane no longer has: they were abandoned
  bool wrote_ = false;          // and it is on disk
  bool gap_ = false;
  std::uint64_t given_up_through_ = 0;  // batch
  std::atomic<std::uint64_t> unrecorded_{0};
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> blocks_{0};
  std::atomic<std::uint64_t> packed_{0};
  std::atomic<int> error_{0};
};

// Cuts off a torn tail, so that rewriting it does not look like damage. 0 or errno.
int cut_tail(const platform::Folder& folder, std::uint64_t segment, std::uint64_t valid_bytes);

}  // namespace vedette::journal
