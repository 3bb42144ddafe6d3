// The table of event kinds, and what follows from it: names, sizes, evidence, descriptions.
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "model/derived.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

// A segment with one batch of one event, its checksums right.
std::vector<std::uint8_t> segment_with(EventKind kind, std::uint16_t payload_bytes) {
  std::vector<std::uint8_t> bytes;
  std::uint64_t chain = 0;
  const auto add_block = [&](journal::BlockKind block_kind,
                             const std::vector<std::uint8_t>& payload, std::uint64_t number) {
    journal::BlockHeader header{};
    header.magic = journal::kBlockMagic;
    header.version = journal::kFormatVersion;
    header.kind = block_kind;
    header.segment = 1;
    header.block = number;
    header.previous = chain;
    header.length = static_cast<std::uint32_t>(payload.size());
    header.first_batch = header.last_batch = block_kind == journal::BlockKind::batches ? 1 : 0;
    header.crc = journal::block_crc(header, payload);
    chain = journal::chain_value(header);
    const std::size_t at = bytes.size();
    bytes.resize(at + journal::block_bytes(payload.size()));
    std::memcpy(bytes.data() + at, &header, sizeof header);
    std::memcpy(bytes.data() + at + sizeof header, payload.data(), payload.size());
  };
  const journal::SegmentHeader begins{};
  const Bytes begin = bytes_of(begins);
  add_block(journal::BlockKind::segment, {begin.begin(), begin.end()}, 1);
  std::vector<std::uint8_t> batch(sizeof(BatchHeader) + event_bytes(payload_bytes));
  BatchHeader header{};
  header.magic = kBatchMagic;
  header.bytes = static_cast<std::uint32_t>(batch.size());
  header.number = 1;
  header.input_count = 1;
  EventHeader event{};
  event.kind = kind;
  event.payload_bytes = payload_bytes;
  std::memcpy(batch.data(), &header, sizeof header);
  std::memcpy(batch.data() + sizeof header, &event, sizeof event);
  add_block(journal::BlockKind::batches, batch, 2);
  return bytes;
}

std::string problem_of(EventKind kind, std::size_t payload_bytes) {
  return journal::read_segment(segment_with(kind, static_cast<std::uint16_t>(payload_bytes)), 1, {},
                               {})
      .problem;
}

}  // namespace

TEST_CASE("each event kind has a name of its own, and what is none is called unknown") {
  std::set<std::string_view> names;
  for_each_event_kind([&](const auto& row) {
    CHECK(names.insert(name_of(row.kKind)).second);
    CHECK(name_of(row.kKind) == row.name);
  });
  CHECK(name_of(static_cast<EventKind>(0)) == "unknown");
  CHECK(name_of(static_cast<EventKind>(200)) == "unknown");
  CHECK(name_of(EventKind::source_full) == "source-full");
}

TEST_CASE("evidence keeps the kinds that the table says") {
  CHECK(is_kept_as_evidence(EventKind::assessment));
  CHECK(is_kept_as_evidence(EventKind::fault));
  CHECK_FALSE(is_kept_as_evidence(EventKind::observation));
  CHECK_FALSE(is_kept_as_evidence(EventKind::track));
  CHECK_FALSE(is_kept_as_evidence(static_cast<EventKind>(200)));
}

TEST_CASE("the journal's reader takes what has a kind and the size of that kind for an event") {
  CHECK(problem_of(EventKind::tick, 0) == "");
  CHECK(problem_of(EventKind::track, sizeof(TrackChange)) == "");
  CHECK(problem_of(EventKind::observation, sizeof(Observation) + 82) == "");
  CHECK(problem_of(EventKind::command, sizeof(Requeue)) == "");
  const std::string none = "holds something that is not an event";
  const auto refused = [&](EventKind kind, std::size_t bytes) {
    return problem_of(kind, bytes).find(none) != std::string::npos;
  };
  CHECK(refused(EventKind::tick, 8));
  CHECK(refused(EventKind::track, sizeof(TrackChange) - 8));
  CHECK(refused(EventKind::track, sizeof(TrackChange) + 8));
  CHECK(refused(EventKind::observation, sizeof(Observation) - 8));
  CHECK(refused(EventKind::observation, kPayloadBytes + 8));
  CHECK(refused(static_cast<EventKind>(0), 0));
  CHECK(refused(static_cast<EventKind>(31), 0));
  CHECK(refused(static_cast<EventKind>(63), 8));
  CHECK(refused(static_cast<EventKind>(255), 8));
}
