// Purpose: what stays of a segment when the journal's bound drops it: the events that matter
// (judgements, decisions, actions and what came of them, commands, faults, changes of sources,
// sinks and mode) and the observations that they name as their causes, so that a flood of datagrams
// does not push out why something was done. What is named later than the next segment is not kept.
//
// DIR/journal-evidence/<16 hex digits>.evd, named by the first segment in it. A file is a chain of
//
//   EvidenceHeader (96) | batches with those events alone, each as the journal has it
//
// each of one segment. A batch's numbers, times and digests are those of the whole one.
// In: the numbers of the segment that goes next and the one behind it. Out: the file;
// read_evidence(). Bound: WriterOptions::evidence_bytes, of which one segment may take a file's
// share, an eighth; when more matters of it judgements below a warning are left out, then what is
// last, and counted. The oldest file goes first. Fails as: an errno; the segment goes all the same
// and is counted as lost. Runs on: the journal thread, a bounded piece behind each block; readers
// on cold threads.
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
  std::uint64_t left_out;  // that mattered and found no place
  std::uint64_t reserved_2;
};
static_assert(sizeof(EvidenceHeader) == 96 && std::is_trivially_copyable_v<EvidenceHeader>);

inline constexpr std::uint64_t kShares = 8;                  // files that the bound is divided into
inline constexpr std::size_t kPartBytes = 2 << 20;           // kept of one segment, at most
inline constexpr std::size_t kNames = std::size_t{1} << 15;  // causes, or actions, of one segment
inline constexpr std::size_t kWindowBytes = std::size_t{1} << 20;  // of a segment, read at once
inline constexpr std::size_t kOpenActions = 4096;  // whose end may lie in a later segment

inline std::uint32_t evidence_crc(EvidenceHeader header, Bytes batches) {
  header.crc = 0;
  return crc32c(batches, crc32c({reinterpret_cast<const std::uint8_t*>(&header), sizeof header}));
}

// A segment read block by block, past what does not verify.
class SegmentScan {
 public:
  void reserve(std::size_t block_bytes);  // so that reading takes no memory later
  bool open(const platform::Folder& folder, std::uint64_t segment);
  std::uint64_t segment() const { return segment_; }
  enum class Found { batches, nothing, end };
  // `batches` are valid until the next call. `used` grows by the bytes looked at.
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
  // No bytes: nothing is kept.
  // Takes all its memory; the journal's longest block is of `block_bytes`.
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
  // Goes on with what is to be kept of `segment`, for as long as a block may wait.
  void look_ahead(std::uint64_t segment, std::uint64_t next);
  // All that is left to do of it, and puts it on disk; then the segment may go.
  void keep(std::uint64_t segment, std::uint64_t next);

  std::uint64_t events() const { return events_.load(std::memory_order_relaxed); }
  std::uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }
  std::uint64_t unnamed() const { return unnamed_.load(std::memory_order_relaxed); }
  std::uint64_t lost_segments() const { return lost_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const { return held_.load(std::memory_order_relaxed); }
  int last_error() const { return error_.load(std::memory_order_relaxed); }

 private:
  // What the events of one segment name.
  struct Names {
    std::uint64_t segment = 0;
    std::vector<std::uint64_t> causes;   // sorted
    std::vector<std::uint64_t> actions;  // in it, sorted
    std::size_t bytes = 0;               // of what matters

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
  std::vector<std::uint64_t> open_actions_;  // of segments before, sorted
  std::vector<std::uint8_t> room_;           // header and batches
  EvidenceHeader header_{};
  std::vector<File> files_;  // by age
  bool files_known_ = false;
  std::atomic<std::uint64_t> events_{0}, left_out_{0}, unnamed_{0}, lost_{0}, held_{0};
  std::atomic<int> error_{0};
};

struct EvidenceRead {
  std::string problem;  // what of a file does not verify; what is before it was read
  std::uint64_t segments = 0;
};
// The batches of one file; used by read_evidence and by the fuzzer. `bytes` that verify are
// returned.
std::size_t read_evidence_file(
    Bytes bytes, const std::function<bool(const EvidenceHeader& header, Bytes batch)>& visit);
// Every batch kept as evidence, oldest first, of segments that the journal beside it has no more.
EvidenceRead read_evidence(
    const platform::Folder& shard,
    const std::function<void(const EvidenceHeader& header, Bytes batch)>& visit);

}  // namespace vedette::journal
