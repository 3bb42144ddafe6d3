#include "node/past.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <tuple>

#include "base/text.hpp"
#include "journal/writer.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

constexpr std::size_t kCopyRecords = 1024;  // batches that go into one group commit at most
constexpr std::size_t kCopyBytes = std::size_t{4} << 20;

BatchHeader header_of(Bytes batch) {
  BatchHeader header;
  std::memcpy(&header, batch.data(), sizeof header);
  return header;
}

using DecisionKey = std::tuple<std::int64_t, std::string, std::string, std::string>;

// Every decision of a batch.
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

// The recorded batch as the other plan would have admitted it.
class Remapped {
 public:
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
    BatchHeader header = header_of(batch);
    bytes_.resize(sizeof header);
    std::uint32_t seen = 0;
    std::uint32_t kept = 0;
    for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
      // Outcomes and cancellations name events of the recorded run.
      if (seen++ >= header.input_count || event.kind == EventKind::outcome ||
          (event.kind == EventKind::command &&
           payload_as<Command>(payload).kind == CommandKind::cancel)) {
        return;
      }
      EventHeader mapped = event;
      if (event.source != kNoSource) {
        mapped.source = event.source < sources_.size() ? sources_[event.source] : kNoSource;
        if (mapped.source == kNoSource) {
          return;
        }
      }
      const std::size_t at = bytes_.size();
      bytes_.resize(at + event_bytes(payload.size()));
      std::memcpy(bytes_.data() + at, &mapped, sizeof mapped);
      std::memcpy(bytes_.data() + at + sizeof mapped, payload.data(), payload.size());
      ++kept;
    });
    header.bytes = static_cast<std::uint32_t>(bytes_.size());
    header.input_count = kept;
    header.derived_count = 0;
    std::memcpy(bytes_.data(), &header, sizeof header);
    return bytes_;
  }

 private:
  std::vector<std::uint16_t> sources_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::string subject_text(const Subject& subject, const plan::Plan& plan) {
  if (subject.kind == SubjectKind::source) {
    return "source " + (subject.source < plan.sources()->size()
                            ? plan.sources()->Get(subject.source)->name()->str()
                            : "?");
  }
  return std::string(name_of(static_cast<IdentityKind>(subject.key >> 56))) + " " +
         std::to_string(identity_of(subject.key));
}

bool parse_moment(const std::string& text, Moment& out) {
  if (const auto number = parse_unsigned(text)) {
    out = {*number, 0};
    return *number != 0;
  }
  if (const auto time = parse_time(text)) {
    out = {0, *time};
    return true;
  }
  return false;
}

bool beyond(const Moment& moment, const BatchHeader& batch) {
  return moment.sequence != 0 ? batch.first_sequence > moment.sequence
                              : batch.admitted_ns > moment.time_ns;
}

ReplayResult replay_until(const std::string& data, Stepped& stepped, const Moment& moment) {
  ReplayResult result =
      replay(data, stepped, 0, [&](const BatchHeader& h) { return beyond(moment, h); });
  const engine::Progress& reached = stepped.shard().progress();
  if (result.problem.empty() && moment.sequence > reached.last_sequence) {
    result.problem = (result.journal.stopped ? "what came after it was not recorded: event "
                                             : "the journal ends with event ") +
                     std::to_string(reached.last_sequence);
  }
  if (result.problem.empty() && reached.batch_number == 0) {
    result.problem = "the journal begins later";
  }
  return result;
}

std::string recover_until(const std::string& data, const std::string& out, const Moment& moment,
                          BatchHeader& last) {
  if (platform::exists(out + "/journal")) {
    return out + " holds a journal already; name a folder that does not";
  }
  // Read once to check all of it, to learn the highest epoch, and where a replay can start.
  const journal::ReadResult whole = journal::read_journal(data + "/journal", {});
  if (!whole.problem.empty() && !whole.torn_tail) {
    return data + ": " + whole.problem;
  }
  KeptPlan kept;
  std::string problem = load_kept_plan(data, whole.header.plan_hash, kept);
  if (!problem.empty()) {
    return problem;
  }
  Stepped stepped;
  stepped.init(*kept.plan, whole.header.node, whole.epoch);
  const std::uint64_t start = find_start(data, stepped);
  for (const char* folder : {"", "/journal", "/plans"}) {
    const int error = platform::make_folders(out + folder);
    if (error != 0) {
      return out + folder + ": " + platform::error_text(error);
    }
  }
  int error = platform::write_file_durably(plan_path(out, whole.header.plan_hash), kept.bytes);
  if (error != 0) {
    return out + ": " + platform::error_text(error);
  }
  journal::Writer writer;
  if (start != 0) {
    std::vector<std::uint8_t> state(frozen_bytes_bound(*kept.plan));
    Freezer freezer(state);
    stepped.shard().freeze(freezer);
    writer.keep_frozen(Bytes(state.data(), freezer.used()), start);
  }
  journal::WriterOptions options;
  options.folder = out + "/journal";
  options.segment_bytes =
      kept.plan->limits()->segment_bytes() / limits::kBlockAlignment * limits::kBlockAlignment;
  options.journal_bytes = std::numeric_limits<std::uint64_t>::max();
  options.max_batch_bytes = batch_bytes_bound(*kept.plan);
  options.max_frozen_bytes = frozen_bytes_bound(*kept.plan);
  options.header = whole.header;
  options.header.epoch = whole.epoch;
  options.next_batch = start + 1;
  problem = writer.open(options);
  if (!problem.empty()) {
    return problem;
  }
  const std::size_t lane_bytes = std::max(kCopyBytes, 2 * (batch_bytes_bound(*kept.plan) + 64));
  std::vector<std::uint64_t> memory(Lane::bytes_needed(kCopyRecords, lane_bytes) / 8 + 64);
  Arena arena(memory.data(), memory.size() * 8);
  Lane lane;
  lane.init(arena, kCopyRecords, lane_bytes);
  last = {};
  const auto drain = [&] {
    while (problem.empty() && lane.size() != 0) {
      if (!writer.step(lane)) {
        problem = options.folder + ": " + platform::error_text(writer.last_error());
      }
    }
  };
  journal::Visit visit;
  std::vector<std::uint8_t> ahead;  // the state behind a gap, for when what follows is wanted
  std::uint64_t ahead_batch = 0;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    if (header.frozen_batch > std::max(start, last.number)) {
      ahead.assign(frozen.begin(), frozen.end());
      ahead_batch = header.frozen_batch;
    }
    return true;
  };
  visit.batch = [&](Bytes batch) {
    const BatchHeader header = header_of(batch);
    if (beyond(moment, header)) {
      return false;
    }
    if (header.number <= start) {
      return true;
    }
    if (ahead_batch > std::max(start, last.number)) {
      drain();
      writer.give_up(lane);
      const int failed =
          problem.empty() ? writer.go_on(ahead, ahead_batch, header.first_sequence - 1, lane) : 0;
      problem = failed == 0 ? problem : options.folder + ": " + platform::error_text(failed);
    }
    if (!problem.empty()) {
      return false;
    }
    if (batch.size() > lane_bytes / 2) {
      problem = "batch " + std::to_string(header.number) + " is larger than its plan allows";
      return false;
    }
    std::uint8_t* at = lane.reserve(batch.size());
    if (at == nullptr) {
      drain();
      at = lane.reserve(batch.size());
    }
    if (at == nullptr) {
      return false;  // drain() has said why
    }
    std::memcpy(at, batch.data(), batch.size());
    lane.commit(batch.size());
    last = header;
    return true;
  };
  journal::read_journal(data + "/journal", visit);
  drain();
  writer.close();
  if (problem.empty() && last.number == 0) {
    problem = "nothing of the journal lies before that moment";
  }
  return problem;
}

Rehearsal rehearse(const std::string& data, const plan::Plan& recorded, const plan::Plan& other) {
  Rehearsal result;
  Stepped stepped;
  stepped.init(other, 1, 1);
  const std::size_t lane_bytes = 2 * batch_bytes_bound(other) + 64;
  std::vector<std::uint64_t> memory(Lane::bytes_needed(4, lane_bytes) / 8 + 64);
  Arena arena(memory.data(), memory.size() * 8);
  Lane made;
  made.init(arena, 4, lane_bytes);
  Remapped remapped(recorded, other);
  std::map<DecisionKey, std::vector<std::uint64_t>>
      open;  // the journal's, until the rehearsal agrees
  std::vector<DecisionKey> extra;
  journal::Visit visit;
  visit.batch = [&](Bytes batch) {
    for_each_decision(batch, recorded, [&](const DecisionKey& key, std::uint64_t event) {
      open[key].push_back(event);
    });
    const Bytes again = stepped.shard().replay(remapped.apply(batch), made);
    if (again.empty()) {
      result.problem = "the other plan's batches are smaller than a recorded one";
      return false;
    }
    for_each_decision(again, other, [&](const DecisionKey& key, std::uint64_t) {
      const auto found = open.find(key);
      if (found == open.end()) {
        extra.push_back(key);
        return;
      }
      ++result.same;
      found->second.pop_back();
      if (found->second.empty()) {
        open.erase(found);
      }
    });
    made.peek();
    made.release();
    ++result.batches;
    return true;
  };
  const journal::ReadResult read = journal::read_journal(data + "/journal", visit);
  if (result.problem.empty()) {
    result.problem = read.problem;
  }
  const auto add = [&](const DecisionKey& key, bool in_journal, std::uint64_t event) {
    const auto& [time, decision, subject, choice] = key;
    result.differences.push_back({in_journal, time, event, decision, subject, choice});
  };
  for (const auto& [key, events] : open) {
    for (const std::uint64_t event : events) {
      add(key, true, event);
    }
  }
  for (const DecisionKey& key : extra) {
    add(key, false, 0);
  }
  std::stable_sort(result.differences.begin(), result.differences.end(),
                   [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; });
  return result;
}

}  // namespace vedette::node
