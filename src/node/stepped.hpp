// Purpose: a shard that is stepped outside a node's threads, by the plans of one data folder: from
// a state of any of them, through recorded batches, and over a change of the plan.
// In: states, batches, headers of segments. Out: the shard behind them, or what differs.
// Runs on: cold threads; needs no io_uring, no privileges, no DPDK.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/engine/shard.hpp"
#include "edge/journal/format.hpp"
#include "model/batch.hpp"
#include "node/kept_plans.hpp"

namespace vedette::node {

class Stepped {
 public:
  Stepped() = default;
  // Steps `shard` in `memory` by the plan that init() names, which is Shard::bytes_needed() of it
  // and belongs to the node; by any other plan a shard of its own.
  Stepped(engine::Shard& shard, std::span<std::uint8_t> memory, engine::ReleaseKernel kernel)
      : home_shard_(&shard), home_memory_(memory), kernel_(kernel) {}
  // Nothing is known yet. `data`: where other plans are kept; with none there is but this one.
  void init(const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch,
            const std::string& data = {}, const PlanHash& hash = {});

  // Empty when what the batch makes equals the record; else what differs.
  std::string apply(Bytes batch);
  // Into what init() left, by the plan that is used; it is that again when this is no state.
  bool thaw(Bytes frozen);
  // From a state by the plan that froze it, whatever went before.
  bool restart(Bytes frozen);
  bool restart(Bytes frozen, const PlanHash& hash);
  // A segment begins here. By another plan than the one before, what is believed is carried over;
  // empty, or why not. `frozen` is what the run that wrote it began with, and must be the same.
  std::string enter(const journal::SegmentHeader& header, Bytes frozen);
  // The plan of init() goes on: what was carried over, and by which plan it was before.
  std::string change_to(const plan::Plan& plan, const PlanHash& hash, CarryReport& report);
  void begin_again();                        // as init() left it
  std::vector<std::uint8_t> frozen() const;  // the state where it stands

  engine::Shard& shard() { return *shard_; }
  const plan::Plan& plan() const { return *plan_; }
  const PlanHash& hash() const { return hash_; }
  std::uint64_t batch() const { return shard_->progress().batch_number; }  // where it stands
  std::uint64_t node_id() const { return node_id_; }
  std::int64_t last_admitted_ns() const { return last_admitted_ns_; }  // of the last batch applied

 private:
  void use(const plan::Plan& plan, const PlanHash& hash);
  const plan::Plan* find_plan(const PlanHash& hash, std::string& problem);

  const plan::Plan* home_plan_ = nullptr;
  PlanHash home_hash_{};
  engine::Shard* home_shard_ = nullptr;
  std::span<std::uint8_t> home_memory_;
  KeptPlans kept_;

  const plan::Plan* plan_ = nullptr;
  PlanHash hash_{};
  std::uint64_t node_id_ = 0;
  std::uint32_t epoch_ = 0;
  std::unique_ptr<engine::Shard> own_shard_;
  std::vector<std::uint64_t> own_memory_;
  std::vector<std::uint64_t> lane_memory_;
  engine::Shard* shard_ = nullptr;
  engine::ReleaseKernel kernel_ = engine::ReleaseKernel::scalar;
  Lane batches_;
  std::int64_t last_admitted_ns_ = 0;
};

}  // namespace vedette::node
