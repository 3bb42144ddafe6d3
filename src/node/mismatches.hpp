// Purpose: the record of a shard's batches whose replay gave another digest, kept over restarts:
// who was wrong, and which batches are suspect. In: `mismatches` in the shard's folder, one line
// each and a checksum, written to a temporary file, synced and renamed. Bound: the newest kMost.
// Fails as: an errno; a damaged file counts as none. Runs on: recovery, then the mirror's thread;
// commands that read a folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::node {

struct Mismatch {
  enum class Wrong : std::uint8_t {
    mirror,    // it restarted by itself
    engine,    // suspect from `first_batch` on; recomputed by the next start
    told,      // the same, but the watch went on
    undecided  // the journal lacked a state to decide with; the watch went on
  };
  Wrong wrong = Wrong::undecided;
  std::uint64_t batch = 0;        // that differed
  std::uint64_t first_batch = 0;  // suspect from here on; 0: none
  std::uint64_t last_batch = 0;   // to here; 0: to the end of its run
  std::uint64_t good_batch = 0;   // states up to this one are sound
  std::uint32_t epoch = 0;        // of its run
  std::int64_t at_ns = 0;         // node time of the batch
};

class Mismatches {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::int64_t kWithinNs = 3'600'000'000'000;
  static constexpr std::size_t kTellFrom = 3;  // mismatches within an hour

  // Of a data folder; empty if there are none.
  static Mismatches read(const std::string& data);
  int keep(const std::string& data) const;  // 0 or errno
  static bool parse(std::string_view text, Mismatches& out);
  std::string text() const;

  void add(const Mismatch& mismatch);
  Mismatch* last() { return all_.empty() ? nullptr : &all_.back(); }
  const std::vector<Mismatch>& all() const { return all_; }
  // Whether one more at that time is at least the third within an hour.
  bool too_many(std::int64_t at_ns) const;
  // The engine's, which no start has recomputed yet; null: none.
  Mismatch* open();
  // The batch was made by an engine that was wrong.
  bool suspect(std::uint64_t batch, std::uint32_t epoch) const;
  // Frozen states after that batch may hold what was wrong.
  bool distrusts(std::uint64_t batch) const;

 private:
  std::vector<Mismatch> all_;
};

}  // namespace vedette::node
