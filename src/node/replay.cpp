#include "node/replay.hpp"

#include <cstring>

#include "base/text.hpp"
#include "plan/plan.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"

namespace vedette::node {
namespace {

// No sum or difference of such times overflows.
bool within_bounds(std::int64_t unix_ns) {
  return unix_ns >= 0 && unix_ns <= limits::kTimeMostNs;
}

}  // namespace

std::string plan_path(const std::string& data, const std::uint8_t* hash) {
  std::string name;
  append_hex(name, Bytes(hash, 32));
  return data + "/plans/" + name + ".plan";
}

std::string load_kept_plan(const std::string& data, const std::uint8_t (&hash)[32], KeptPlan& out) {
  const std::string path = plan_path(data, hash);
  auto content = platform::read_file(path, limits::kPlanBytes);
  if (!content) {
    return path + ": " + platform::error_text(content.error());
  }
  out.bytes = std::move(content).value();
  const platform::Sha256 seen = platform::sha256(out.bytes);
  if (std::memcmp(seen.data(), hash, 32) != 0) {
    return path + ": the plan does not have the hash it is named by";
  }
  std::string error;
  out.plan = plan::load_plan(out.bytes, error);
  return out.plan == nullptr ? path + ": " + error : std::string();
}

void Stepped::init(const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch) {
  plan_ = &plan;
  node_id_ = node_id;
  epoch_ = epoch;
  if (own_shard_ != nullptr || shard_ == nullptr) {
    own_shard_ = std::make_unique<engine::Shard>();
    own_memory_.resize(engine::Shard::bytes_needed(plan) / 8 + 8);
    shard_ = own_shard_.get();
    memory_ = {reinterpret_cast<std::uint8_t*>(own_memory_.data()), own_memory_.size() * 8};
  } else {
    std::destroy_at(shard_);
    std::construct_at(shard_);
  }
  Arena arena(memory_.data(), memory_.size());
  shard_->init(arena, plan, node_id, epoch, kernel_);
  constexpr std::size_t kBatches = 4;
  const std::size_t lane_bytes = 2 * engine::batch_bytes_bound(plan) + 64;
  lane_memory_.resize(Lane::bytes_needed(kBatches, lane_bytes) / 8 + 8);
  Arena lane(lane_memory_.data(), lane_memory_.size() * 8);
  batches_.init(lane, kBatches, lane_bytes);
}

bool Stepped::thaw(Bytes frozen) {
  if (!shard_->thaw(frozen)) {
    return true;
  }
  init(*plan_, node_id_, epoch_);  // nothing of a damaged one stays
  return false;
}

bool Stepped::restart(Bytes frozen) {
  init(*plan_, node_id_, epoch_);
  return thaw(frozen);
}

std::string Stepped::apply(Bytes recorded) {
  BatchHeader header;
  std::memcpy(&header, recorded.data(), sizeof header);
  const auto named = [&](const std::string& what) {
    return "batch " + std::to_string(header.number) + " (events " +
           std::to_string(header.first_sequence) + " on): " + what;
  };
  if (header.number != shard_->progress().batch_number + 1 ||
      header.first_sequence != shard_->progress().last_sequence + 1) {
    return named("does not follow batch " + std::to_string(shard_->progress().batch_number));
  }
  if (header.input_count > limits::kBatchEvents + 1) {
    return named("more inputs than a batch can have");
  }
  bool timely = within_bounds(header.admitted_ns);
  std::uint32_t seen = 0;
  for_each_event(recorded, [&](const EventHeader& event, Bytes) {
    timely = timely && (seen++ >= header.input_count ||
                        (within_bounds(event.observed_ns) && within_bounds(event.received_ns)));
  });
  if (!timely) {
    return named("holds a time before 1970 or after 2200");
  }
  const Bytes made = shard_->replay(recorded, batches_);
  if (made.empty()) {
    return named("could not be replayed");
  }
  last_admitted_ns_ = header.admitted_ns;
  std::string difference;
  BatchHeader again;
  std::memcpy(&again, made.data(), sizeof again);
  if (again.digest != header.digest || made.size() != recorded.size() ||
      std::memcmp(made.data(), recorded.data(), made.size()) != 0) {
    difference = named("the replay's digest differs from the journal's");
  }
  batches_.peek();
  batches_.release();
  return difference;
}

std::uint64_t find_start(const std::string& data, Stepped& stepped) {
  std::uint64_t start = 0;
  std::uint64_t first_batch = 0;
  std::vector<std::uint8_t> state;
  std::uint64_t state_batch = 0;
  const auto take = [&] {
    const bool fits = first_batch > 1 && !state.empty() && state_batch + 1 >= first_batch;
    start = fits && stepped.thaw(state) ? state_batch : 0;
    return start == 0 && first_batch != 1;  // go on looking
  };
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    state.assign(frozen.begin(), frozen.end());
    state_batch = header.frozen_batch;
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
  journal::read_journal(data + "/journal", visit);
  if (first_batch == 0 && !state.empty() && stepped.thaw(state)) {
    start = state_batch;  // killed so soon, again and again, that only begun segments are left
  }
  return start;
}

ReplayResult replay(const std::string& data, Stepped& stepped, std::uint64_t skip_through_batch,
                    const std::function<bool(const BatchHeader&)>& until) {
  ReplayResult result;
  const std::uint64_t image = skip_through_batch;
  if (skip_through_batch == 0) {
    skip_through_batch = find_start(data, stepped);
  }
  // Behind a gap: it is gone over only when something behind it is wanted.
  std::vector<std::uint8_t> ahead;
  std::uint64_t ahead_batch = 0;
  const auto go_on = [&] {
    const std::uint64_t before = stepped.shard().progress().batch_number;
    if (ahead_batch > before) {
      result.unrecorded += ahead_batch - before;
      if (!stepped.restart(ahead)) {
        result.problem = "the state behind batch " + std::to_string(ahead_batch) +
                         ", which ends a gap, is not whole";
      }
    }
    return result.problem.empty();
  };
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    if (header.frozen_batch > stepped.shard().progress().batch_number) {
      ahead.assign(frozen.begin(), frozen.end());
      ahead_batch = header.frozen_batch;
    }
    return true;
  };
  visit.batch = [&](Bytes batch) {
    BatchHeader header;
    std::memcpy(&header, batch.data(), sizeof header);
    if (until && until(header)) {
      return false;
    }
    if (header.number <= skip_through_batch) {
      // The state that it goes on from stands behind this very batch.
      if (header.number == stepped.shard().progress().batch_number &&
          header.digest != stepped.shard().progress().digest) {
        result.problem = "batch " + std::to_string(header.number) +
                         ": the state to go on from is not of this journal";
      }
      return result.problem.empty();
    }
    if (!go_on()) {
      return false;
    }
    result.first_batch = result.first_batch == 0 ? header.number : result.first_batch;
    result.problem = stepped.apply(batch);
    result.replayed += result.problem.empty() ? 1 : 0;
    return result.problem.empty();
  };
  visit.node = stepped.node_id();
  result.journal = journal::read_journal(data + "/journal", visit, image);
  if (result.problem.empty() && !result.journal.stopped) {
    go_on();  // killed before anything was recorded behind it
  }
  if (result.problem.empty() && !result.journal.problem.empty()) {
    result.problem = result.journal.problem;
  }
  result.digest = stepped.shard().progress().digest;
  return result;
}

}  // namespace vedette::node
