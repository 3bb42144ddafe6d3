// Reads the evidence of dropped segments.
#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "edge/journal/evidence.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "platform/file.hpp"

namespace vedette::journal {

std::size_t read_evidence_file(
    Bytes bytes, const std::function<bool(const EvidenceHeader& header, Bytes batch)>& visit) {
  std::size_t at = 0;
  while (bytes.size() - at >= sizeof(EvidenceHeader)) {
    EvidenceHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    const std::size_t left = bytes.size() - at - sizeof header;
    if (header.magic != kEvidenceMagic || header.version != kFormatVersion ||
        header.length > left || header.length % 8 != 0) {
      break;
    }
    const Bytes batches = bytes.subspan(at + sizeof header, header.length);
    if (evidence_crc(header, batches) != header.crc) {
      break;
    }
    at += sizeof header + header.length;
    bool goes_on = true;
    for_each_batch(batches, [&](const BatchHeader&, Bytes batch) {
      goes_on = goes_on && for_each_event(batch, [](const EventHeader&, Bytes) {}) &&
                visit(header, batch);
    });
    if (!goes_on) {
      break;
    }
  }
  return at;
}

EvidenceRead read_evidence(
    const platform::Folder& shard,
    const std::function<void(const EvidenceHeader& header, Bytes batch)>& visit) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 30;
  EvidenceRead result;
  const platform::Folder folder = shard.in("journal-evidence");
  const std::vector<std::uint64_t> there = list_segments(shard.in("journal"));
  std::uint64_t last = 0;
  for (const std::string& name : folder.list()) {
    if (!name.ends_with(kEvidenceEnding)) {
      continue;
    }
    const auto content = folder.read(name, kMostBytes);
    if (!content) {
      result.problem = folder.path() + "/" + name + ": " + platform::error_text(content.error());
      continue;
    }
    std::uint64_t reading = 0;
    const std::size_t valid =
        read_evidence_file(content.value(), [&](const EvidenceHeader& header, Bytes batch) {
          // A power cut between this and the segment's removal leaves a duplicate.
          BatchHeader of;
          std::memcpy(&of, batch.data(), sizeof of);
          const std::uint64_t number = of.number;
          if (number <= last) {
            return true;
          }
          last = number;
          result.segments += header.segment != reading ? 1 : 0;
          reading = header.segment;
          if (!std::binary_search(there.begin(), there.end(), header.segment)) {
            visit(header, batch);
          }
          return true;
        });
    if (valid < content.value().size()) {
      result.problem =
          folder.path() + "/" + name + ": damaged from byte " + std::to_string(valid) + " on";
    }
  }
  return result;
}

}  // namespace vedette::journal
