#include "node/replay.hpp"

#include <algorithm>
#include <cstring>

#include "node/mismatches.hpp"

namespace vedette::node {

std::uint64_t find_start(const std::string& data, Stepped& stepped) {
  std::uint64_t start = 0;
  std::uint64_t first_batch = 0;
  const Mismatches mismatches = Mismatches::read(data);
  std::vector<std::uint8_t> state;
  std::uint64_t state_batch = 0;
  PlanHash state_hash{};
  const auto take = [&] {
    const bool fits = first_batch > 1 && !state.empty() && state_batch + 1 >= first_batch &&
                      !mismatches.distrusts(state_batch);
    start = fits && stepped.restart(state, state_hash) ? state_batch : 0;
    return start == 0 && first_batch != 1;  // keep searching
  };
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    state.assign(frozen.begin(), frozen.end());
    state_batch = header.frozen_batch;
    state_hash = plan_hash_of(header.plan_hash);
    return first_batch == 0 || take();
  };
  visit.batch = [&](Bytes batch) {
    if (first_batch != 0) {
      return true;
    }
    BatchHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    first_batch = header.number;
    return take();
  };
  visit.node = stepped.node_id();
  journal::read_journal(journal_folder(data), visit);
  if (first_batch == 0 && !state.empty() && stepped.restart(state, state_hash)) {
    start = state_batch;  // repeated kills at the start left only empty segments
  }
  return start;
}

namespace {

// The state that ends a gap, or what is suspect; restored only when a batch after it is needed.
class Ahead {
 public:
  Ahead(Stepped& stepped, ReplayResult& result) : stepped_(stepped), result_(result) {}

  // False for a state that is not ahead. One between suspect batches is of no use.
  bool take(const journal::SegmentHeader& header, Bytes frozen, const Mismatches& mismatches) {
    if (header.frozen_batch <= stepped_.batch()) {
      return false;
    }
    if (mismatches.suspect(header.frozen_batch + 1, header.epoch)) {
      return true;
    }
    frozen_.assign(frozen.begin(), frozen.end());
    batch_ = header.frozen_batch;
    hash_ = plan_hash_of(header.plan_hash);
    return true;
  }
  // Passes over a suspect batch, and over those between it and the next state.
  bool pass(const BatchHeader& header, const Mismatches& mismatches) {
    const bool passes = mismatches.suspect(header.number, header.epoch) ||
                        (passed_ != 0 && header.number > batch_ + 1);
    passed_ += passes ? 1 : 0;
    result_.suspect += passes ? 1 : 0;
    return passes;
  }
  bool go_on() {
    const std::uint64_t before = stepped_.batch();
    if (batch_ > before) {
      result_.unrecorded += batch_ - before - std::min(passed_, batch_ - before);
      passed_ = 0;
      if (!stepped_.restart(frozen_, hash_)) {
        result_.problem =
            "the state after batch " + std::to_string(batch_) + ", which ends a gap, is damaged";
      }
    }
    return result_.problem.empty();
  }
  bool unbridged() const { return passed_ != 0; }

 private:
  Stepped& stepped_;
  ReplayResult& result_;
  std::vector<std::uint8_t> frozen_;
  std::uint64_t batch_ = 0;
  PlanHash hash_{};
  std::uint64_t passed_ = 0;  // since the present state
};

// Where the state to start from stands, several segments may begin: runs that ended before their
// first batch, each under its own plan. The last one's state is the newest, so none is carried
// over.
std::string enter(Stepped& stepped, const journal::SegmentHeader& header, Bytes frozen,
                  std::uint64_t from, std::uint64_t replayed) {
  if (from == 0 || replayed != 0 || header.frozen_batch != from || frozen.empty()) {
    return stepped.enter(header, frozen);
  }
  const PlanHash hash = plan_hash_of(header.plan_hash);
  const bool there = stepped.hash() == hash || stepped.restart(frozen, hash);
  return there ? std::string() : "the state after batch " + std::to_string(from) + " is damaged";
}

}  // namespace

ReplayResult replay(const std::string& data, Stepped& stepped, std::uint64_t skip_through_batch,
                    const std::function<bool(const BatchHeader&)>& until) {
  ReplayResult result;
  const std::uint64_t image = skip_through_batch;
  if (skip_through_batch == 0) {
    skip_through_batch = find_start(data, stepped);
  }
  const Mismatches mismatches = Mismatches::read(data);
  Ahead ahead(stepped, result);
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    const bool later = ahead.take(header, frozen, mismatches);
    result.problem = later ? std::string() : enter(stepped, header, frozen, image, result.replayed);
    return result.problem.empty();
  };
  visit.batch = [&](Bytes batch) {
    BatchHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    if (until && until(header)) {
      return false;
    }
    if (header.number <= skip_through_batch) {
      // The state to start from must be of this batch.
      if (header.number == stepped.batch() && header.digest != stepped.shard().progress().digest) {
        result.problem = "batch " + std::to_string(header.number) +
                         ": the state to start from belongs to another journal";
      }
      return result.problem.empty();
    }
    if (ahead.pass(header, mismatches)) {
      return true;
    }
    if (!ahead.go_on()) {
      return false;
    }
    result.first_batch = result.first_batch == 0 ? header.number : result.first_batch;
    result.problem = stepped.apply(batch);
    result.differed = stepped.differed() ? header.number : 0;
    result.replayed += result.problem.empty() ? 1 : 0;
    return result.problem.empty();
  };
  visit.node = stepped.node_id();
  result.journal = journal::read_journal(journal_folder(data), visit, image);
  if (result.problem.empty() && !result.journal.stopped) {
    ahead.go_on();  // the gap's state is the last thing recorded
    result.unbridged = ahead.unbridged();
  }
  if (result.problem.empty() && !result.journal.problem.empty()) {
    result.problem = result.journal.problem;
  }
  result.digest = stepped.shard().progress().digest;
  return result;
}

}  // namespace vedette::node
