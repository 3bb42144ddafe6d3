// Purpose: reads a journal: every valid batch in order, and every problem with its place. Runs on:
// cold threads; also recovery at start. Total on any bytes.
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
  // At a segment's start; `frozen` is its initial state, perhaps empty. False stops the reading.
  std::function<bool(const SegmentHeader& header, Bytes frozen, std::uint64_t segment)> segment;
  // At each whole batch. False stops the reading.
  std::function<bool(Bytes batch)> batch;
  // Skips invalid places and continues at the next valid block: `damages` lists them.
  bool around = false;
  std::uint64_t node = 0;  // whose segments are read; 0: the writer of the first
  std::uint8_t shard = kFirstShard;
};

struct ReadResult {
  std::string problem;         // empty: the journal is valid
  bool torn_tail = false;      // the only problem is an unfinished last block
  bool other_version = false;  // the only problem is another version of the format
  bool closed = false;         // the last run stopped in order
  bool stopped = false;        // a visit stopped it
  std::uint64_t batches = 0;
  std::uint64_t unrecorded = 0;  // batches missing in gaps
  // When skipping damage: the first kDamages places, their number, and the batches missing.
  std::vector<std::string> damages;
  std::uint64_t damaged_places = 0;
  std::uint64_t missing = 0;  // batches
  bool start_lost = false;    // damage before the first batch took an unknown number
  // Segments without a block of this journal, and why.
  struct Strange {
    std::string name;
    std::string why;
  };
  std::vector<Strange> strange;
  bool loose = false;  // the next batch need not follow the last
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
    // Its first batch, or the next one if it has none yet; 1 when it was skipped.
    std::uint64_t first_batch;
  };
  static constexpr std::size_t kDamages = 16;
  std::vector<Segment> segments;
  // The first of the last segments without accepted input; 0: none. A new segment may replace them,
  // with this block and chain value.
  struct Idle {
    std::uint64_t segment = 0;
    std::uint64_t block = 0;
    std::uint64_t chain = 0;
  };
  Idle idle;
};

// Waits for the first `bytes` of a segment; false when they cannot be read.
using Await = std::function<bool(std::size_t bytes)>;

// Reads one segment's bytes; for read_journal and the fuzzer. Without `await` all are present.
ReadResult read_segment(Bytes bytes, std::uint64_t number, ReadResult so_far, const Visit& visit,
                        const Await& await = {});
// Reads its file concurrently.
ReadResult read_segment_file(const platform::Folder& folder, std::uint64_t number,
                             ReadResult so_far, const Visit& visit, platform::FileInReading& file);

// Skips segments that end before `after_batch` without reading them, so that a start takes as long
// as the batches after its image, not as long as the journal.
ReadResult read_journal(const platform::Folder& folder, const Visit& visit,
                        std::uint64_t after_batch = 0);

// The state at a segment's start; it holds header.frozen_batch as its last batch, 0: no state.
struct SegmentState {
  SegmentHeader header{};
  std::vector<std::uint8_t> frozen;
  bool much_follows = false;  // more than kMuchBytes of the journal
};
constexpr std::uint64_t kMuchBytes = 1 << 20;
// Reads one segment's state and nothing else.
SegmentState state_of(const platform::Folder& folder, std::uint64_t segment);
// The state of the newest segment that has one.
SegmentState newest_state(const platform::Folder& folder,
                          const std::vector<std::uint64_t>& segments);

// The first batch of a segment, from its first two block headers; 0 if unknown.
std::uint64_t first_batch_of(const platform::Folder& folder, std::uint64_t number);

std::string segment_name(std::uint64_t number);
// Numbers of the segments in a folder, ascending; other files with such names do not count.
std::vector<std::uint64_t> list_segments(const platform::Folder& folder);
// Empty, or that an older version laid this data folder out, and what to do.
std::string why_other_layout(const std::string& data);
// Files with a segment's name that cannot be segments, and why.
std::vector<ReadResult::Strange> list_strange(const platform::Folder& folder);

}  // namespace vedette::journal
