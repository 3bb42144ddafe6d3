#include "node/rehearsal.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "edge/journal/reader.hpp"
#include "model/describe_event.hpp"
#include "model/shard_id.hpp"
#include "node/kept_plans.hpp"
#include "node/stepped.hpp"

namespace vedette::node {
namespace {

// What makes two decisions the same: time, decision, subject, choice.
using DecisionKey = std::tuple<std::int64_t, std::string, std::string, std::string>;

template <typename Visit>
void for_each_decision(Bytes batch, const plan::Plan& plan, Visit&& visit) {
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    if (event.kind == EventKind::decision) {
      const auto made = payload_as<DecisionMade>(payload);
      visit(DecisionKey{event.observed_ns, plan.decisions()->Get(made.decision)->name()->str(),
                        subject_text(made.subject, plan), std::string(name_of(made.choice))},
            event.sequence);
    }
  });
}

// The recorded batch as the other plan would admit it.
class Remapped {
 public:
  Remapped() = default;
  Remapped(const plan::Plan& recorded, const plan::Plan& other) {
    for (const plan::Source* from : *recorded.sources()) {
      std::uint16_t found = kNoSource;
      for (std::uint16_t i = 0; i < static_cast<std::uint16_t>(other.sources()->size()); ++i) {
        found = other.sources()->Get(i)->name()->str() == from->name()->str() ? i : found;
      }
      sources_.push_back(found);
    }
  }

  Bytes apply(Bytes batch) {
    auto header = payload_as<BatchHeader>(batch.first(sizeof(BatchHeader)));
    bytes_.resize(sizeof header);
    std::uint32_t seen = 0;
    std::uint32_t kept = 0;
    for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
      if (seen++ < header.input_count && !answers_recorded(event, payload)) {
        kept += put(event, payload) ? 1 : 0;
      }
    });
    header.bytes = static_cast<std::uint32_t>(bytes_.size());
    header.input_count = kept;
    header.derived_count = 0;
    std::memcpy(bytes_.data(), &header, sizeof header);
    return bytes_;
  }

 private:
  // True for an input that refers to an event of the recorded run.
  static bool answers_recorded(const EventHeader& event, Bytes payload) {
    if (event.kind != EventKind::command) {
      return event.kind == EventKind::outcome || event.kind == EventKind::unrecorded;
    }
    const auto command = payload_as<Command>(payload);
    return command.denied == 0 &&
           (command.kind == CommandKind::cancel || command.kind == CommandKind::requeue);
  }

  // False when the other plan lacks its source.
  bool put(const EventHeader& event, Bytes payload) {
    EventHeader mapped = event;
    SourceFull full{};
    if (event.source != kNoSource && !map(mapped.source)) {
      return false;
    }
    if (event.kind == EventKind::source_full) {
      full = payload_as<SourceFull>(payload);
      if (!map(full.source)) {
        return false;
      }
      payload = {reinterpret_cast<const std::uint8_t*>(&full), sizeof full};
    }
    const std::size_t at = bytes_.size();
    bytes_.resize(at + event_bytes(payload.size()));
    std::memcpy(bytes_.data() + at, &mapped, sizeof mapped);
    std::memcpy(bytes_.data() + at + sizeof mapped, payload.data(), payload.size());
    return true;
  }

  bool map(std::uint16_t& source) const {
    source = source < sources_.size() ? sources_[source] : kNoSource;
    return source != kNoSource;
  }

  std::vector<std::uint16_t> sources_;
  std::vector<std::uint8_t> bytes_;
};

// Steps the other plan through the journal and pairs the decisions of both.
class Pairing {
 public:
  Pairing(const std::string& data, const plan::Plan& other) : plans_(data), other_(other) {
    stepped_.init(other, 1, 1);
    const std::size_t lane_bytes = 2 * engine::batch_bytes_bound(other) + 64;
    memory_.resize(Lane::bytes_needed(4, lane_bytes) / 8 + 64);
    Arena arena(memory_.data(), memory_.size() * 8);
    made_.init(arena, 4, lane_bytes);
  }

  // The recorded batches from here on are of the plan that the segment names.
  bool enter(const journal::SegmentHeader& header) {
    const plan::Plan* plan = plans_.find(plan_hash_of(header.plan_hash), result.problem);
    if (plan != nullptr && plan != recorded_) {
      recorded_ = plan;
      remapped_ = Remapped(*plan, other_);
    }
    return plan != nullptr;
  }

  bool step(Bytes batch) {
    for_each_decision(batch, *recorded_, [&](const DecisionKey& key, std::uint64_t event) {
      open_[key].push_back(event);
    });
    const auto header = payload_as<BatchHeader>(batch.first(sizeof(BatchHeader)));
    while (made_own(stepped_.shard().replay_quiet(header, made_))) {
    }
    if (!made_own(stepped_.shard().replay(remapped_.apply(batch), made_))) {
      result.problem =
          "a recorded batch is larger than this site allows; raise its [limits] batch_events";
      return false;
    }
    ++result.batches;
    return true;
  }

  void end() {
    for (const auto& [key, events] : open_) {
      for (const std::uint64_t event : events) {
        add(key, true, event);
      }
    }
    for (const DecisionKey& key : extra_) {
      add(key, false, 0);
    }
    std::stable_sort(result.differences.begin(), result.differences.end(),
                     [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
  }

  Rehearsal result;

 private:
  // Pairs the decisions of a batch of the other plan; false if there is none.
  bool made_own(Bytes batch) {
    for_each_decision(batch, other_, [&](const DecisionKey& key, std::uint64_t) { pair(key); });
    made_.peek();
    made_.release(batch.empty() ? 0 : 1);
    return !batch.empty();
  }
  void pair(const DecisionKey& key) {
    const auto found = open_.find(key);
    if (found == open_.end()) {
      extra_.push_back(key);
      return;
    }
    ++result.same;
    found->second.pop_back();
    if (found->second.empty()) {
      open_.erase(found);
    }
  }

  void add(const DecisionKey& key, bool in_journal, std::uint64_t event) {
    const auto& [time, decision, subject, choice] = key;
    result.differences.push_back({in_journal, time, event, decision, subject, choice});
  }

  KeptPlans plans_;
  const plan::Plan& other_;
  const plan::Plan* recorded_ = nullptr;
  Remapped remapped_;
  Stepped stepped_;
  std::vector<std::uint64_t> memory_;
  Lane made_;
  std::map<DecisionKey, std::vector<std::uint64_t>> open_;  // recorded, not yet paired
  std::vector<DecisionKey> extra_;
};

}  // namespace

Rehearsal rehearse(const std::string& data, const plan::Plan& other) {
  Pairing pairing(data, other);
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes, std::uint64_t) {
    return pairing.enter(header);
  };
  visit.batch = [&](Bytes batch) { return pairing.step(batch); };
  const journal::ReadResult read = journal::read_journal(journal_folder(data), visit);
  if (pairing.result.problem.empty()) {
    pairing.result.problem = read.problem;
  }
  pairing.end();
  return pairing.result;
}

}  // namespace vedette::node
