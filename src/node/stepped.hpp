// Purpose: steps a shard outside a node's threads, under the plans of one data folder: from any
// state, through recorded batches, and across changes of the plan. In: states, batches, headers of
// segments. Out: the shard after them, or what differs. Runs on: cold threads; needs no io_uring,
// no privileges, no DPDK.
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
  // Steps the node's `shard` in `memory` (Shard::bytes_needed() of init()'s plan); for another plan
  // a shard of its own.
  Stepped(engine::Shard& shard, std::span<std::uint8_t> memory, engine::ReleaseKernel kernel)
      : home_shard_(&shard), home_memory_(memory), kernel_(kernel) {}
  // Memory beside the shard's.
  static std::size_t lane_bytes(const plan::Plan& plan);
  // Starts empty. `data`: folder of other plans; empty: there are none.
  void init(const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch,
            const std::string& data = {}, const PlanHash& hash = {});

  // Empty when the batch reproduces its record; else what differs.
  std::string apply(Bytes batch);
  // Of the last batch applied: what it made, until the next; whether that differs from the record.
  Bytes made() const { return made_; }
  // And what it made before, in steps that the record has as quiet: batches, if it differed.
  Bytes also_made() const { return also_made_; }
  bool differed() const { return differed_; }
  // Thaws under the current plan, after init(). A failure leaves the state of init().
  bool thaw(Bytes frozen);
  // Thaws a state under the plan that froze it, replacing the present state.
  bool restart(Bytes frozen);
  bool restart(Bytes frozen, const PlanHash& hash);
  // Call at each segment. If its plan differs from the last one, carries belief over; empty, or the
  // error. The result must equal `frozen`, the state that the run began with.
  std::string enter(const journal::SegmentHeader& header, Bytes frozen);
  // Changes to init()'s plan, reporting what was carried.
  std::string change_to(const plan::Plan& plan, const PlanHash& hash, CarryReport& report);
  void begin_again();                        // back to the state of init()
  std::vector<std::uint8_t> frozen() const;  // the current state

  engine::Shard& shard() { return *shard_; }
  const plan::Plan& plan() const { return *plan_; }
  const PlanHash& hash() const { return hash_; }
  std::uint64_t batch() const { return shard_->progress().batch_number; }  // last batch
  std::uint64_t node_id() const { return node_id_; }
  std::int64_t last_admitted_ns() const { return last_admitted_ns_; }  // of the last batch applied

 private:
  void use(const plan::Plan& plan, const PlanHash& hash);
  bool apply_quiet(const BatchHeader& header);
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
  Bytes made_;
  std::vector<std::uint8_t> also_made_;
  bool differed_ = false;
};

}  // namespace vedette::node
