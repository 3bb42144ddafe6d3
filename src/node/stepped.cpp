#include "node/stepped.hpp"

#include <algorithm>
#include <cstring>

namespace vedette::node {
namespace {

// Sums and differences of such times do not overflow.
bool within_bounds(std::int64_t unix_ns) {
  return unix_ns >= 0 && unix_ns <= limits::kTimeMostNs;
}

constexpr std::size_t kBatches = 4;
std::size_t two_batches(const plan::Plan& plan) {
  return 2 * engine::batch_bytes_bound(plan) + 64;
}

}  // namespace

std::size_t Stepped::lane_bytes(const plan::Plan& plan) {
  return align_up(Lane::bytes_needed(kBatches, two_batches(plan)), 8) + 64;
}

void Stepped::init(const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch,
                   const std::string& data, const PlanHash& hash) {
  home_plan_ = &plan;
  home_hash_ = hash;
  kept_ = KeptPlans(data);
  node_id_ = node_id;
  epoch_ = epoch;
  begin_again();
}

void Stepped::begin_again() {
  use(*home_plan_, home_hash_);
}

// Creates a new shard for that plan.
void Stepped::use(const plan::Plan& plan, const PlanHash& hash) {
  plan_ = &plan;
  hash_ = hash;
  std::span<std::uint8_t> memory = home_memory_;
  if (home_shard_ != nullptr && &plan == home_plan_) {
    shard_ = home_shard_;
    std::destroy_at(shard_);
    std::construct_at(shard_);
    own_shard_.reset();
    own_memory_ = {};
  } else {
    own_shard_ = std::make_unique<engine::Shard>();
    own_memory_.assign(engine::Shard::bytes_needed(plan) / 8 + 8, 0);
    shard_ = own_shard_.get();
    memory = {reinterpret_cast<std::uint8_t*>(own_memory_.data()), own_memory_.size() * 8};
  }
  Arena arena(memory.data(), memory.size());
  shard_->init(arena, plan, node_id_, epoch_, kernel_);
  lane_memory_.resize(lane_bytes(plan) / 8);
  Arena lane(lane_memory_.data(), lane_memory_.size() * 8);
  batches_.init(lane, kBatches, two_batches(plan));
}

bool Stepped::thaw(Bytes frozen) {
  if (!shard_->thaw(frozen)) {
    return true;
  }
  use(*plan_, hash_);  // discards a partly thawed state
  return false;
}

bool Stepped::restart(Bytes frozen) {
  use(*plan_, hash_);
  return thaw(frozen);
}

bool Stepped::restart(Bytes frozen, const PlanHash& hash) {
  std::string problem;
  const plan::Plan* plan = find_plan(hash, problem);
  if (plan == nullptr) {
    return false;
  }
  use(*plan, hash);
  return thaw(frozen);
}

const plan::Plan* Stepped::find_plan(const PlanHash& hash, std::string& problem) {
  return hash == home_hash_ || kept_.empty() ? home_plan_ : kept_.find(hash, problem);
}

std::vector<std::uint8_t> Stepped::frozen() const {
  std::vector<std::uint8_t> bytes(engine::frozen_bytes_bound(*plan_));
  Freezer out(bytes);
  shard_->freeze(out);
  CHECK(out.ok(), "the state is larger than its bound");
  bytes.resize(out.used());
  return bytes;
}

std::string Stepped::change_to(const plan::Plan& plan, const PlanHash& hash, CarryReport& report) {
  const std::vector<std::uint8_t> before = frozen();
  const plan::Plan& from = *plan_;
  PlanChange change{};
  std::copy(hash_.begin(), hash_.end(), std::begin(change.from));
  std::copy(hash.begin(), hash.end(), std::begin(change.to));
  std::vector<std::uint32_t> slots(from.limits()->tracks());
  Carry carry(from, plan, slots);
  use(plan, hash);
  if (const engine::ThawRefusal refusal = shard_->thaw(before, carry, change)) {
    return "belief cannot be carried over to this plan: the state of " + std::string(refusal.room) +
           " does not fit";
  }
  report = carry.report;
  return {};
}

std::string Stepped::enter(const journal::SegmentHeader& header, Bytes recorded) {
  const PlanHash hash = plan_hash_of(header.plan_hash);
  if (hash == hash_ || kept_.empty() || header.frozen_batch < batch()) {
    return {};
  }
  std::string problem;
  const plan::Plan* plan = find_plan(hash, problem);
  if (plan == nullptr) {
    return problem;
  }
  if (batch() == 0 && header.frozen_batch == 0) {  // nothing to carry
    use(*plan, hash);
    return {};
  }
  if (header.frozen_batch != batch()) {
    return {};  // a gap: its state has the result
  }
  CarryReport report{};
  problem = change_to(*plan, hash, report);
  if (!problem.empty()) {
    return problem;
  }
  shard_->set_epoch(header.epoch);
  const std::vector<std::uint8_t> carried = frozen();
  const bool same =
      recorded.empty() || (carried.size() == recorded.size() &&
                           std::memcmp(carried.data(), recorded.data(), carried.size()) == 0);
  return same ? std::string()
              : "after batch " + std::to_string(batch()) +
                    " the plan changes, and the state carried over differs from the journal's";
}

// The steps before a batch that have none. False: one told something here. What follows keeps its
// recorded numbers.
bool Stepped::apply_quiet(const BatchHeader& header) {
  for (Bytes made = shard_->replay_quiet(header, batches_); !made.empty();
       made = shard_->replay_quiet(header, batches_)) {
    also_made_.insert(also_made_.end(), made.begin(), made.end());
    batches_.peek();
    batches_.release();
    shard_->pass_over(header.number - 1, header.first_sequence - 1);
  }
  return also_made_.empty();
}

std::string Stepped::apply(Bytes recorded) {
  made_ = {};
  also_made_.clear();
  differed_ = false;
  BatchHeader header;
  std::memcpy(&header, recorded.data(), sizeof header);
  const auto named = [&](const std::string& what) {
    return "batch " + std::to_string(header.number) + " (events " +
           std::to_string(header.first_sequence) + " and later): " + what;
  };
  if (header.number != shard_->progress().batch_number + 1 ||
      header.first_sequence != shard_->progress().last_sequence + 1) {
    return named("does not follow batch " + std::to_string(shard_->progress().batch_number));
  }
  if (header.input_count > limits::kBatchEvents) {
    return named("has more inputs than a batch can hold");
  }
  bool timely = within_bounds(header.admitted_ns);
  std::uint32_t seen = 0;
  for_each_event(recorded, [&](const EventHeader& event, Bytes) {
    timely = timely && (seen++ >= header.input_count ||
                        (within_bounds(event.observed_ns) && within_bounds(event.received_ns)));
  });
  if (!timely) {
    return named("contains a time before 1970 or after 2200");
  }
  const bool quietly = apply_quiet(header);
  const Bytes made = shard_->replay(recorded, batches_);
  if (made.empty()) {
    return named("cannot be replayed");
  }
  last_admitted_ns_ = header.admitted_ns;
  std::string difference;
  BatchHeader again;
  std::memcpy(&again, made.data(), sizeof again);
  if (!quietly || again.digest != header.digest || made.size() != recorded.size() ||
      std::memcmp(made.data(), recorded.data(), made.size()) != 0) {
    difference = named("the replay's digest differs from the journal's");
    differed_ = true;
  }
  made_ = made;  // stays in the lane until the next step
  batches_.peek();
  batches_.release();
  return difference;
}

}  // namespace vedette::node
