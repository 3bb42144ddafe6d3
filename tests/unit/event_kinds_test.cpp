// The table of event kinds and its uses: names, sizes, evidence, descriptions.
#include <set>
#include <string>
#include <vector>

#include "edge/journal/reader.hpp"
#include "made_journal.hpp"
#include "model/derived.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

std::string problem_of(EventKind kind, std::size_t payload_bytes) {
  MadeJournal journal;
  const std::vector<std::uint8_t> segment =
      journal.segment(0, {{{1, kind, std::vector<std::uint8_t>(payload_bytes)}}});
  return journal::read_segment(segment, 1, {}, {}).problem;
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
  CHECK(problem_of(EventKind::track, sizeof(TrackChange)) == "");
  CHECK(problem_of(EventKind::observation, sizeof(Observation) + 82) == "");
  CHECK(problem_of(EventKind::command, sizeof(Requeue)) == "");
  const std::string none = "contains an invalid event";
  const auto refused = [&](EventKind kind, std::size_t bytes) {
    return problem_of(kind, bytes).find(none) != std::string::npos;
  };
  CHECK(refused(static_cast<EventKind>(1), 0));
  CHECK(refused(EventKind::track, sizeof(TrackChange) - 8));
  CHECK(refused(EventKind::track, sizeof(TrackChange) + 8));
  CHECK(refused(EventKind::observation, sizeof(Observation) - 8));
  CHECK(refused(EventKind::observation, kPayloadBytes + 8));
  CHECK(refused(static_cast<EventKind>(0), 0));
  CHECK(refused(static_cast<EventKind>(31), 0));
  CHECK(refused(static_cast<EventKind>(63), 8));
  CHECK(refused(static_cast<EventKind>(255), 8));
}
