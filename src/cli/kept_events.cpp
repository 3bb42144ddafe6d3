#include "cli/kept_events.hpp"

#include <algorithm>
#include <set>

#include "model/derived.hpp"

namespace vedette::cli {

void keep_event(const ReadEvent& e, std::uint64_t wanted, KeptEvents& events) {
  const bool input = e.header.kind == EventKind::observation || e.header.kind == EventKind::track;
  if (e.header.sequence <= wanted || !input) {
    events[e.header.sequence] = {e.header,   {e.payload.begin(), e.payload.end()},
                                 e.evidence, e.suspect,
                                 &e.plan,    e.admitted_ns};
  }
}

std::vector<std::uint64_t> chain_of(std::uint64_t wanted, const KeptEvents& events) {
  std::vector<std::uint64_t> chain;
  std::set<std::uint64_t> seen;
  std::vector<std::uint64_t> open{wanted};
  for (const auto& [sequence, e] : events) {
    if (sequence > wanted && e.header.kind == EventKind::outcome &&
        payload_as<ActionOutcome>(e.payload).action_sequence == wanted) {
      chain.push_back(sequence);
    }
  }
  while (!open.empty()) {
    const std::uint64_t at = open.back();
    open.pop_back();
    const auto found = events.find(at);
    if (at == 0 || found == events.end() || !seen.insert(at).second) {
      continue;
    }
    chain.push_back(at);
    if (found->second.header.kind == EventKind::assessment) {
      for (const std::uint64_t cause : payload_as<AssessmentChange>(found->second.payload).causes) {
        open.push_back(cause);
      }
    }
    open.push_back(found->second.header.cause);
  }
  std::sort(chain.rbegin(), chain.rend());
  return chain;
}

std::uint64_t assessment_of(std::uint64_t event, const KeptEvents& events) {
  constexpr int kSteps = 1000;  // more than any number of attempts; damaged events may form a ring
  for (int step = 0; step < kSteps; ++step) {
    const auto found = events.find(event);
    if (found == events.end()) {
      return 0;
    }
    const KeptEvent& e = found->second;
    switch (e.header.kind) {
      case EventKind::assessment:
        return event;
      case EventKind::alarm: {
        const std::uint64_t id = payload_as<AlarmChange>(e.payload).alarm.id;
        event = events.contains(id) ? id : e.header.cause;
        break;
      }
      case EventKind::outcome:
        event = payload_as<ActionOutcome>(e.payload).action_sequence;
        break;
      case EventKind::decision:
      case EventKind::action:
        event = e.header.cause;
        break;
      default:
        return 0;
    }
  }
  return 0;
}

}  // namespace vedette::cli
