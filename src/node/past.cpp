#include "node/past.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "edge/journal/writer.hpp"
#include "node/around.hpp"
#include "node/history_record.hpp"
#include "node/identity.hpp"
#include "node/mismatches.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

constexpr std::size_t kCopyRecords = 1024;  // batches in one group commit, at most
constexpr std::size_t kCopyBytes = std::size_t{4} << 20;

BatchHeader header_of(Bytes batch) {
  BatchHeader header;
  std::memcpy(&header, batch.data(), sizeof header);
  return header;
}

}  // namespace

std::string parse_moment(const std::string& text, std::int64_t now_ns, Moment& out) {
  if (const auto number = parse_unsigned(text)) {
    out = {*number, 0};
    return *number != 0 ? "" : "no event has the number 0";
  }
  const auto time = read_time_text(text, now_ns);
  if (!time) {
    return time.error() + ", or the number of an event";
  }
  out = {0, time.value()};
  return {};
}

std::int64_t last_moment(const std::string& data) {
  std::int64_t last = 0;
  journal::Visit visit;
  visit.around = true;
  visit.node = identity_of_folder(data).node;
  visit.batch = [&](Bytes batch) {
    last = header_of(batch).admitted_ns;
    return true;
  };
  const platform::Folder folder = journal_folder(data);
  const std::vector<std::uint64_t> segments = journal::list_segments(folder);
  platform::FileInReading file;
  for (std::size_t i = segments.size(); i-- > 0 && last == 0;) {
    static_cast<void>(journal::read_segment_file(folder, segments[i], {}, visit, file));
  }
  return last;
}

bool beyond(const Moment& moment, const BatchHeader& batch) {
  return moment.sequence != 0 ? batch.first_sequence > moment.sequence
                              : batch.admitted_ns > moment.time_ns;
}

namespace {

// Whether the segment's first batch is within the moment; nothing if it has none.
std::optional<bool> begins_within(const platform::Folder& folder, std::uint64_t segment,
                                  std::uint64_t node, const Moment& moment) {
  std::optional<bool> within;
  platform::FileInReading file;
  journal::Visit visit;
  visit.node = node;
  visit.batch = [&](Bytes batch) {
    within = !beyond(moment, header_of(batch));
    return false;
  };
  static_cast<void>(journal::read_segment_file(folder, segment, {}, visit, file));
  return within;
}

// How many of the oldest segments begin within the moment, by halving: a night has a hundred.
template <typename Within>
std::size_t segments_within(std::size_t count, Within&& begins) {
  std::size_t within = 0, beyond = count;
  while (within < beyond) {
    const std::size_t middle = (within + beyond) / 2;
    std::size_t at = middle;
    std::optional<bool> is = begins(at);
    while (!is && at > within) {
      is = begins(--at);
    }
    within = is.value_or(true) ? middle + 1 : within;
    beyond = is.value_or(true) ? beyond : at;
  }
  return within;
}

// Restores the newest state that a segment within the moment begins with, so that a moment costs
// the batches of ten minutes or two. The state's batch, or 0 if there is none.
std::uint64_t start_near(const std::string& data, Stepped& stepped, const Moment& moment) {
  const Mismatches mismatches = Mismatches::read(data);
  const platform::Folder folder = journal_folder(data);
  const std::vector<std::uint64_t> segments = journal::list_segments(folder);
  const auto begins = [&](std::size_t i) {
    return begins_within(folder, segments[i], stepped.node_id(), moment);
  };
  for (std::size_t i = segments_within(segments.size(), begins); i-- > 0;) {
    if (!begins(i).value_or(false)) {
      continue;
    }
    const journal::SegmentState state = journal::state_of(folder, segments[i]);
    if (!state.frozen.empty() && !mismatches.distrusts(state.header.frozen_batch) &&
        stepped.restart(state.frozen, plan_hash_of(state.header.plan_hash))) {
      return state.header.frozen_batch;
    }
  }
  stepped.begin_again();
  return 0;
}

}  // namespace

ReplayResult replay_until(const std::string& data, Stepped& stepped, const Moment& moment) {
  const std::uint64_t from = start_near(data, stepped, moment);
  ReplayResult result =
      replay(data, stepped, from, [&](const BatchHeader& h) { return beyond(moment, h); });
  const engine::Progress& reached = stepped.shard().progress();
  if (result.problem.empty() && moment.sequence > reached.last_sequence) {
    result.problem = (result.journal.stopped ? "the journal has a gap after event "
                                             : "the journal ends with event ") +
                     std::to_string(reached.last_sequence);
  }
  if (result.problem.empty() && reached.batch_number == 0) {
    result.problem = "the journal starts later than that";
  }
  return result;
}

namespace {

// Copies islands to a new journal, each from its initial state.
class Copy {
 public:
  Copy(const std::string& data, const std::string& out, const plan::Plan& plan)
      : data_(data), folder_(journal_folder(out)) {
    make_lane(plan);
  }

  std::string begin(const plan::Plan& plan, const journal::SegmentHeader& header,
                    const Island& island) {
    journal::SegmentState state;
    if (island.state_segment != 0) {
      state = journal::state_of(journal_folder(data_), island.state_segment);
    }
    return open(plan, header, state.frozen, island.state_batch, {});
  }

  // Continues the copy under another plan, with the carried state.
  bool change_plan(const plan::Plan& plan, const journal::SegmentHeader& header, Bytes frozen) {
    drain();
    if (!problem.empty()) {
      return false;
    }
    writer_->close();
    make_lane(plan);
    open(plan, header, frozen, header.frozen_batch, journal::read_journal(folder_, {}));
    return problem.empty();
  }

  // Continues over missing batches with the state after them.
  bool go_on(const Island& island, const BatchHeader& next) {
    drain();
    writer_->give_up(*lane_);
    const auto state = journal::state_of(journal_folder(data_), island.state_segment);
    const int failed = problem.empty() ? writer_->go_on(state.frozen, island.state_batch,
                                                        next.first_sequence - 1, *lane_)
                                       : 0;
    problem = failed == 0 ? problem : folder_ + ": " + platform::error_text(failed);
    return problem.empty();
  }

  bool put(Bytes batch, const BatchHeader& header) {
    if (batch.size() > lane_bytes_ / 2) {
      problem = "batch " + std::to_string(header.number) + " is larger than its plan allows";
      return false;
    }
    std::uint8_t* at = lane_->reserve(batch.size());
    if (at == nullptr) {
      drain();
      at = lane_->reserve(batch.size());
    }
    if (at == nullptr) {
      return false;  // drain() has set the problem
    }
    std::memcpy(at, batch.data(), batch.size());
    lane_->commit(batch.size());
    last = header;
    return true;
  }

  std::uint64_t end() {
    drain();
    const std::uint64_t segment = writer_->segment();
    writer_->close();
    return segment;
  }

  std::string problem;
  BatchHeader last{};

 private:
  void make_lane(const plan::Plan& plan) {
    lane_bytes_ = std::max(kCopyBytes, 2 * (engine::batch_bytes_bound(plan) + 64));
    memory_.assign(Lane::bytes_needed(kCopyRecords, lane_bytes_) / 8 + 64, 0);
    Arena arena(memory_.data(), memory_.size() * 8);
    lane_ = std::make_unique<Lane>();
    lane_->init(arena, kCopyRecords, lane_bytes_);
  }

  // Opens a writer that continues after `before`, from that state.
  std::string open(const plan::Plan& plan, const journal::SegmentHeader& header, Bytes frozen,
                   std::uint64_t batch, const journal::ReadResult& before) {
    writer_ = std::make_unique<journal::Writer>();
    if (!frozen.empty()) {
      writer_->keep_frozen(frozen, batch);
    }
    journal::WriterOptions options;
    options.folder = folder_;
    options.segment_bytes =
        plan.limits()->segment_bytes() / limits::kBlockAlignment * limits::kBlockAlignment;
    options.journal_bytes = std::numeric_limits<std::uint64_t>::max();
    options.max_batch_bytes = engine::batch_bytes_bound(plan);
    options.max_frozen_bytes = std::max(engine::frozen_bytes_bound(plan), frozen.size());
    options.header = header;
    options.next_batch = batch + 1;
    if (!before.segments.empty()) {
      options.next_segment = before.segments.back().number + 1;
      options.next_block = before.last_block + 1;
      options.chain = before.chain;
      options.segments = before.segments;
    }
    problem = writer_->open(options);
    return problem;
  }

  void drain() {
    while (problem.empty() && lane_->size() != 0) {
      if (!writer_->step(*lane_)) {
        problem = folder_ + ": " + platform::error_text(writer_->last_error());
      }
    }
  }

  std::string data_, folder_;
  std::size_t lane_bytes_ = 0;
  std::vector<std::uint64_t> memory_;
  std::unique_ptr<Lane> lane_;
  std::unique_ptr<journal::Writer> writer_;
};

// Creates the folder with its plans; empty, or why it cannot be written.
std::string make_data(const std::string& data, const std::string& out) {
  for (const std::string& folder : {journal_folder(out), out + "/plans"}) {
    if (const int error = platform::make_folders(folder); error != 0) {
      return folder + ": " + platform::error_text(error);
    }
  }
  for (const std::string& name : platform::list_folder(data + "/plans")) {
    auto content = platform::read_file(data + "/plans/" + name, limits::kPlanBytes);
    const int error =
        content ? platform::write_file_durably(out + "/plans/" + name, content.value()) : 0;
    if (error != 0) {
      return out + ": " + platform::error_text(error);
    }
  }
  return {};
}

}  // namespace

namespace {

// The plan of the segment in which the island begins.
PlanHash plan_of_island(const std::string& data, const Chart& chart, const Island& island) {
  PlanHash hash = plan_hash_of(chart.read.header.plan_hash);
  bool found = false;
  journal::Visit visit;
  visit.around = true;
  PlanHash now = hash;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes, std::uint64_t number) {
    now = plan_hash_of(header.plan_hash);
    found = number == island.state_segment;
    hash = found ? now : hash;
    return !found;
  };
  visit.batch = [&](Bytes batch) {
    found = island.state_segment == 0 && header_of(batch).number == island.first_batch;
    hash = found ? now : hash;
    return !found;
  };
  journal::read_journal(journal_folder(data), visit);
  return hash;
}

// The first island from which a replay can start; the number of islands if none.
std::size_t first_beginning(const Chart& chart) {
  const auto found = std::find_if(chart.islands.begin(), chart.islands.end(),
                                  [](const Island& island) { return island.begins(); });
  return static_cast<std::size_t>(found - chart.islands.begin());
}

std::string why_no_beginning(const Chart& chart, const std::string& damage) {
  const std::string& why = chart.read.problem.empty() ? damage : chart.read.problem;
  return why.empty() ? "no journal in this folder" : why;
}

std::uint64_t last_sequence_of(const BatchHeader& batch) {
  return batch.first_sequence + batch.input_count + batch.derived_count - 1;
}

// Copies from island `at` up to the moment. A change of plan is copied with the first batch after
// it.
void copy_until(const std::string& data, const Chart& chart, std::size_t at, const Moment& moment,
                KeptPlans& plans, PlanHash hash, Copy& copy) {
  std::size_t written = at;
  std::vector<std::pair<journal::SegmentHeader, std::vector<std::uint8_t>>> changes;
  journal::Visit visit;
  visit.around = true;
  visit.node = identity_of_folder(data).node;
  visit.segment = [&](const journal::SegmentHeader& next, Bytes frozen, std::uint64_t) {
    const PlanHash now = changes.empty() ? hash : plan_hash_of(changes.back().first.plan_hash);
    if (plan_hash_of(next.plan_hash) != now && copy.last.number != 0 &&
        next.frozen_batch >= copy.last.number) {
      changes.emplace_back(next, std::vector<std::uint8_t>(frozen.begin(), frozen.end()));
    }
    return true;
  };
  visit.batch = [&](Bytes batch) {
    const BatchHeader next = header_of(batch);
    if (beyond(moment, next)) {
      return false;
    }
    while (at + 1 < chart.islands.size() && next.number > chart.islands[at].last_batch) {
      ++at;
    }
    const Island& island = chart.islands[at];
    if (!island.begins() || next.number <= island.state_batch || next.number < island.first_batch) {
      return true;  // no replay reaches it
    }
    if (changes.empty() && at != written && !copy.go_on(island, next)) {
      return false;
    }
    for (const auto& [header, carried] : changes) {
      hash = plan_hash_of(header.plan_hash);
      const plan::Plan* plan = plans.find(hash, copy.problem);
      if (plan == nullptr || !copy.change_plan(*plan, header, carried)) {
        return false;
      }
    }
    changes.clear();
    written = at;
    return copy.put(batch, next);
  };
  journal::read_journal(journal_folder(data), visit);
}

}  // namespace

Recovered recover_until(const std::string& data, const std::string& out, const Moment& moment) {
  Recovered result;
  if (platform::exists(journal_folder(out))) {
    result.problem = out + " already holds a journal; name a new folder";
    return result;
  }
  if (const std::string why = journal::why_other_layout(data); !why.empty()) {
    result.problem = data + ": " + why;
    return result;
  }
  // First pass: finds the valid parts, the highest epoch, and the islands.
  const std::uint64_t node = identity_of_folder(data).node;
  const Chart chart = chart_of(data, node);
  result.damage = damage_text(chart.read);
  std::size_t at = first_beginning(chart);
  if (chart.read.other_version || at == chart.islands.size()) {
    result.problem = data + ": " + why_no_beginning(chart, result.damage);
    return result;
  }
  KeptPlans plans(data);
  journal::SegmentHeader header = chart.read.header;
  PlanHash hash = plan_of_island(data, chart, chart.islands[at]);
  std::copy(hash.begin(), hash.end(), std::begin(header.plan_hash));
  const plan::Plan* plan = plans.find(hash, result.problem);
  if (plan == nullptr) {
    return result;
  }
  result.problem = make_data(data, out);
  result.disk = !result.problem.empty();
  if (result.disk) {
    return result;
  }
  const KeptHistory history = read_history(data);
  header.epoch = std::max(chart.read.epoch, history.record ? history.record->epoch : 0);
  Copy copy(data, out, *plan);
  result.problem = copy.begin(*plan, header, chart.islands[at]);
  result.disk = !result.problem.empty();
  if (result.disk) {
    return result;
  }
  copy_until(data, chart, at, moment, plans, hash, copy);
  const std::uint64_t segment = copy.end();
  result.problem = copy.problem;
  result.disk = !result.problem.empty();
  result.last = copy.last;
  if (result.problem.empty() && result.last.number == 0) {
    result.problem = "the journal starts later than that";
  }
  if (result.problem.empty()) {
    keep_history(out, {header.epoch, segment, result.last.number, last_sequence_of(result.last)});
  }
  return result;
}

}  // namespace vedette::node
