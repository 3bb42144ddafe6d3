// Purpose: keeps evidence of segments that the journal drops: the events that matter (judgements,
// decisions, actions and outcomes, commands, faults, changes of sources, sinks and mode) and the
// observations that they name as causes, so that a flood of datagrams does not erase why something
// was done. Causes named later than the next segment are lost.
//
// DIR/journal-evidence/<16 hex digits>.evd, named by the first segment in it. A file is a chain of
//
//   EvidenceHeader (96) | batches with only those events, each as in the journal
//
// each of one segment. A batch's numbers, times and digests are the original's.
// In: the numbers of the next segment to drop and its successor. Out: the file; read_evidence().
// Bound: WriterOptions::evidence_bytes, of which one segment gets one file's share, an eighth;
// beyond it judgements below a warning are omitted, then the latest events, and counted. The oldest
// file goes first. Fails as: an errno; the segment is dropped anyway and counted as lost. Runs on:
// the journal thread, a bounded piece after each block; readers on cold threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "edge/journal/format.hpp"
#include "model/event.hpp"
#include "platform/storage.hpp"

namespace vedette::journal {

inline constexpr const char* kEvidenceEnding = ".evd";
inline constexpr std::uint32_t kEvidenceMagic = 0x56454456;  // "VDEV"

struct EvidenceHeader {
  std::uint32_t magic;
  std::uint16_t version;  // kFormatVersion
  std::uint16_t reserved;
  std::uint64_t segment;
  std::uint64_t first_batch;  // of those in it
  std::uint64_t last_batch;
  std::uint8_t plan_hash[32];
  std::uint32_t length;  // of the batches
  std::uint32_t crc;     // CRC-32C of header (with this field 0) and batches
  std::uint64_t events;
  std::uint64_t left_out;  // events omitted for lack of space
  std::uint64_t reserved_2;
};
static_assert(sizeof(EvidenceHeader) == 96 && std::is_trivially_copyable_v<EvidenceHeader>);

inline constexpr std::uint64_t kShares = 8;                  // files that share the bound
inline constexpr std::size_t kPartBytes = 2 << 20;           // from one segment, at most
inline constexpr std::size_t kNames = std::size_t{1} << 15;  // causes, or actions, of one segment
inline constexpr std::size_t kWindowBytes = std::size_t{1} << 20;  // read at once
inline constexpr std::size_t kOpenActions = 4096;  // whose end may be in a later segment

inline std::uint32_t evidence_crc(EvidenceHeader header, Bytes batches) {
  header.crc = 0;
  return crc32c(batches, crc32c({reinterpret_cast<const std::uint8_t*>(&header), sizeof header}));
}

// Numbers of events, at most kNames.
struct NameList {
  std::vector<std::uint64_t> all;  // sorted once it is full or sort() was called
  bool full = false;

  void reserve(std::size_t count) {
    all.assign(count, 0);
    clear();
  }
  void clear() {
    all.clear();
    full = false;
  }
  bool put(std::uint64_t sequence);  // false: it is full
  void sort();                       // and removes what is there twice
  bool has(std::uint64_t sequence) const;
};

// Reads a segment block by block, skipping invalid ones.
class SegmentScan {
 public:
  void reserve(std::size_t block_bytes);  // allocates for later reads
  bool open(const platform::Folder& folder, std::uint64_t segment);
  std::uint64_t segment() const { return segment_; }
  enum class Found { batches, nothing, end };
  // `batches` are valid until the next call. `used` grows by the bytes scanned.
  Found next(Bytes& batches, std::size_t& used);

 private:
  Bytes window(std::uint64_t at, std::size_t bytes);

  platform::StorageFile file_;
  std::uint64_t segment_ = 0, size_ = 0, at_ = 0;
  std::vector<std::uint8_t> window_, unpacked_;
  std::uint64_t window_at_ = 0;
};

class Evidence {
 public:
  // Allocates all memory; `block_bytes` is the journal's longest block. With 0 `bytes` it keeps
  // nothing.
  void open(const platform::Folder& journal_folder, const platform::Folder& folder,
            std::uint64_t bytes, std::size_t block_bytes, const std::uint8_t (&plan_hash)[32]);
  static std::size_t part_bytes(std::uint64_t bytes) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(bytes / kShares, kPartBytes));
  }
  static std::size_t bytes_needed(std::uint64_t bytes, std::size_t block_bytes) {
    const std::size_t lists = (5 * kNames + kOpenActions) * sizeof(std::uint64_t);
    return bytes == 0
               ? 0
               : part_bytes(bytes) + lists + kUnpackedBytes + std::max(kWindowBytes, block_bytes);
  }
  // Scans on in `segment`, for as long as a block may wait.
  void look_ahead(std::uint64_t segment, std::uint64_t next);
  // Finishes the scan and writes the evidence to disk; then the segment may be dropped.
  void keep(std::uint64_t segment, std::uint64_t next);

  std::uint64_t events() const { return events_.load(std::memory_order_relaxed); }
  std::uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }
  std::uint64_t unnamed() const { return unnamed_.load(std::memory_order_relaxed); }
  std::uint64_t lost_segments() const { return lost_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const { return held_.load(std::memory_order_relaxed); }
  int last_error() const { return error_.load(std::memory_order_relaxed); }

 private:
  // Causes and actions that the events of one segment name.
  struct Names {
    std::uint64_t segment = 0;
    NameList causes;
    NameList actions;       // in it
    std::size_t bytes = 0;  // of events that matter

    void begin(std::uint64_t of) {
      segment = of;
      causes.clear();
      actions.clear();
      bytes = 0;
    }
  };
  enum class Stage { begin, name_it, name_next, gather, gathered };
  struct File {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
  };

  void work(std::size_t most_bytes);
  void begin_stage(Stage stage);
  void name(Bytes batch, Names& into);
  void gather(Bytes batch);
  bool wanted(const EventHeader& event, Bytes payload) const;
  int append(const EvidenceHeader& header);
  int find_files();
  int cut_unfinished(File& newest);
  void make_room(std::uint64_t bytes);

  platform::Folder journal_folder_, folder_;
  std::uint64_t most_bytes_ = 0;
  std::uint8_t plan_hash_[32] = {};
  std::uint64_t segment_ = 0, next_ = 0;
  Stage stage_ = Stage::begin;
  SegmentScan scan_;
  Names names_, names_of_next_;
  NameList open_actions_;           // from earlier segments, kOpenActions at most
  std::vector<std::uint8_t> room_;  // header and batches
  EvidenceHeader header_{};
  std::vector<File> files_;  // by age
  bool files_known_ = false;
  std::atomic<std::uint64_t> events_{0}, left_out_{0}, unnamed_{0}, lost_{0}, held_{0};
  std::atomic<int> error_{0};
};

struct EvidenceRead {
  std::string problem;  // the first invalid place; everything before it was read
  std::uint64_t segments = 0;
};
// Visits the batches of one file; for read_evidence and the fuzzer. Returns the number of valid
// bytes.
std::size_t read_evidence_file(
    Bytes bytes, const std::function<bool(const EvidenceHeader& header, Bytes batch)>& visit);
// Visits every batch of evidence, oldest first, except segments that the journal still has.
EvidenceRead read_evidence(
    const platform::Folder& shard,
    const std::function<void(const EvidenceHeader& header, Bytes batch)>& visit);

}  // namespace vedette::journal
