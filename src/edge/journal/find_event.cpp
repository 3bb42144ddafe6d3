#include "edge/journal/find_event.hpp"

#include <algorithm>
#include <cstring>

#include "edge/journal/evidence.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"

namespace vedette::journal {
namespace {

void look_in(Bytes batch, std::uint64_t sequence, std::optional<FoundEvent>& found) {
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    if (event.sequence == sequence) {
      found = {event, {payload.begin(), payload.end()}};
    }
  });
}

}  // namespace

std::optional<FoundEvent> find_event(const std::string& data, std::uint64_t sequence,
                                     std::span<const std::uint8_t, 32> plan_hash) {
  const auto same_plan = [&](const auto& header) {
    return std::equal(plan_hash.begin(), plan_hash.end(), header.plan_hash);
  };
  std::optional<FoundEvent> found;
  const std::string folder = journal_folder(data);
  const std::vector<std::uint64_t> segments = list_segments(folder);
  bool earlier = true;  // the event is in an earlier segment
  for (std::size_t i = segments.size(); i-- > 0 && earlier && !found;) {
    Visit visit;
    visit.around = true;
    visit.segment = [&](const SegmentHeader& header, Bytes, std::uint64_t) {
      return same_plan(header);
    };
    visit.batch = [&](Bytes batch) {
      const auto header = payload_as<BatchHeader>(batch.first(sizeof(BatchHeader)));
      earlier = earlier && header.first_sequence > sequence;
      if (!earlier && header.first_sequence <= sequence) {
        look_in(batch, sequence, found);
      }
      return !earlier && !found && header.first_sequence <= sequence;
    };
    platform::FileInReading file;
    read_segment_file(folder, segments[i], {}, visit, file);
  }
  if (!found) {
    read_evidence(shard_folder(data), [&](const EvidenceHeader& header, Bytes batch) {
      if (same_plan(header)) {
        look_in(batch, sequence, found);
      }
    });
  }
  return found;
}

}  // namespace vedette::journal
