// Purpose: a second record of how far a data folder's history goes: the epoch of its last run, the
// segment that the run wrote, and the position of its last belief image. Recovery reports what the
// journal lacks of it. In: `history` in the shard's folder, one line with a checksum, written to a
// temporary file, synced and renamed. Fails as: an errno; then only the journal counts. Runs on:
// recovery, the main thread at start, the journal thread after each image.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vedette::node {

struct HistoryRecord {
  std::uint32_t epoch = 0;
  std::uint64_t segment = 0;
  std::uint64_t batch = 0;
  std::uint64_t sequence = 0;
};

// "vedette-history 1 EPOCH SEGMENT BATCH SEQUENCE CHECKSUM"
std::string history_text(const HistoryRecord& record);
std::optional<HistoryRecord> parse_history(std::string_view text);

struct KeptHistory {
  std::optional<HistoryRecord> record;
  bool damaged = false;  // it exists but does not verify
};
KeptHistory read_history(const std::string& data);
int keep_history(const std::string& data, const HistoryRecord& record);  // 0 or errno

}  // namespace vedette::node
