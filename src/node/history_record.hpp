// Purpose: the second place that says how far a data folder's history goes: the epoch of its last
// run, the segment that the run wrote, and how far its last belief image stood. What the journal
// has not of it is missing. In: history in the shard's folder, one line with a checksum, written
// beside, synced and renamed. Fails as: an errno, and the journal's own words alone stand. Runs on:
// recovery, the main thread at start, the journal thread behind each image.
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
  bool damaged = false;  // it is there and does not verify
};
KeptHistory read_history(const std::string& data);
int keep_history(const std::string& data, const HistoryRecord& record);  // 0 or errno

}  // namespace vedette::node
