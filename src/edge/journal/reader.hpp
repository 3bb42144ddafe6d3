// Purpose: reads a journal back: every valid batch in order, and what is wrong where.
// Runs on: cold threads; also recovery at start. Total on any bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "edge/journal/format.hpp"
#include "platform/file_in_reading.hpp"
#include "platform/storage.hpp"

namespace vedette::journal {

struct Visit {
  // A segment begins; `frozen` is its state to begin from, maybe empty. False stops the reading.
  std::function<bool(const SegmentHeader& header, Bytes frozen, std::uint64_t segment)> segment;
  // One whole batch. False stops the reading.
  std::function<bool(Bytes batch)> batch;
  // Reading goes on behind what does not verify, at the next block that does: `damages` says where.
  bool around = false;
  std::uint64_t node = 0;  // whose segments are read; 0: of whoever wrote the first
  std::uint8_t shard = kFirstShard;
};

struct ReadResult {
  std::string problem;         // empty: the journal is whole
  bool torn_tail = false;      // the problem is only that the last block is unfinished
  bool other_version = false;  // the problem is that another version of the format wrote it
  bool closed = false;         // the last run stopped in order
  bool stopped = false;        // a visit wanted no more
  std::uint64_t batches = 0;
  std::uint64_t unrecorded = 0;  // batches that gaps left out
  // Of a reading around damage: what was seen, the first kDamages of them, and how much is missing.
  std::vector<std::string> damages;
  std::uint64_t damaged_places = 0;
  std::uint64_t missing = 0;  // batches
  // Segments of which no block is this journal's, and why.
  struct Strange {
    std::string name;
    std::string why;
  };
  std::vector<Strange> strange;
  bool loose = false;  // the next batch need not be the one behind the last
  std::uint64_t last_batch = 0;
  std::uint64_t last_block = 0;
  std::uint64_t last_segment = 0;
  std::uint64_t chain = 0;        // of the last valid block
  std::uint32_t epoch = 0;        // highest seen
  std::uint64_t valid_bytes = 0;  // of the last segment
  std::uint64_t bytes = 0;
  SegmentHeader header{};  // of the last segment
  struct Segment {
    std::uint64_t number;
    // Its first batch, or the next to come when it holds none yet; 1 when it was passed over.
    std::uint64_t first_batch;
  };
  static constexpr std::size_t kDamages = 16;
  std::vector<Segment> segments;
  // The first of the segments at the end in which nothing was accepted from outside; 0: there is
  // none. One that begins there takes their place with this block and chain value.
  struct Idle {
    std::uint64_t segment = 0;
    std::uint64_t block = 0;
    std::uint64_t chain = 0;
  };
  Idle idle;
};

// Waits until the first `bytes` of a segment are in memory; false when they will never be.
using Await = std::function<bool(std::size_t bytes)>;

// One segment's bytes; used by read_journal and by the fuzzer. Without `await` all are there.
ReadResult read_segment(Bytes bytes, std::uint64_t number, ReadResult so_far, const Visit& visit,
                        const Await& await = {});
// From its file, which is read meanwhile.
ReadResult read_segment_file(const platform::Folder& folder, std::uint64_t number,
                             ReadResult so_far, const Visit& visit, platform::FileInReading& file);

// Segments that end before `after_batch` are passed over, unread: a start takes as long as what is
// behind its image, not as long as the journal.
ReadResult read_journal(const platform::Folder& folder, const Visit& visit,
                        std::uint64_t after_batch = 0);

// A state that a segment begins with; it stands after header.frozen_batch, 0: there is none.
struct SegmentState {
  SegmentHeader header{};
  std::vector<std::uint8_t> frozen;
  bool much_follows = false;  // more than kMuchBytes of the journal
};
constexpr std::uint64_t kMuchBytes = 1 << 20;
// Of one segment, of which no more is read.
SegmentState state_of(const platform::Folder& folder, std::uint64_t segment);
// The one of the newest segment that has one.
SegmentState newest_state(const platform::Folder& folder,
                          const std::vector<std::uint64_t>& segments);

std::string segment_name(std::uint64_t number);
// Numbers of the segments in a folder, in order: what only has a name like one is no segment.
std::vector<std::uint64_t> list_segments(const platform::Folder& folder);
// Empty, or that an older version laid this data folder out, and what to do.
std::string why_other_layout(const std::string& data);
// What has a name like a segment's and cannot be one, and why.
std::vector<ReadResult::Strange> list_strange(const platform::Folder& folder);

}  // namespace vedette::journal
