// Purpose: a journal fed to the same plan: recovery at start, `vedette replay`, and what explains.
// In: a data folder. Out: the state after the last whole batch, or the first batch that differs.
// Runs on: cold threads; needs no io_uring, no privileges, no DPDK.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/engine/shard.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"

namespace vedette::node {

// The plan that a data folder was written with, kept there under its hash.
struct KeptPlan {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = nullptr;
};
std::string load_kept_plan(const std::string& data, const std::uint8_t (&hash)[32], KeptPlan& out);
std::string plan_path(const std::string& data, const std::uint8_t* hash);

// A shard for stepping outside a node, with memory of its own; or a node's, before it runs.
class Stepped {
 public:
  Stepped() = default;
  // Steps `shard` in `memory`, which is Shard::bytes_needed() of the plan and belongs to the node.
  Stepped(engine::Shard& shard, std::span<std::uint8_t> memory, engine::ReleaseKernel kernel)
      : shard_(&shard), memory_(memory), kernel_(kernel) {}
  void init(const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch);
  // Empty when what the batch makes equals the record; else what differs.
  std::string apply(Bytes batch);
  // Into what init() left, and it is that again when this is no state; restart() may follow
  // anything.
  bool thaw(Bytes frozen);
  bool restart(Bytes frozen);
  void begin_again() { init(*plan_, node_id_, epoch_); }
  engine::Shard& shard() { return *shard_; }
  std::uint64_t batch() const { return shard_->progress().batch_number; }  // where it stands
  std::uint64_t node_id() const { return node_id_; }
  std::int64_t last_admitted_ns() const { return last_admitted_ns_; }  // of the last batch applied

 private:
  const plan::Plan* plan_ = nullptr;
  std::uint64_t node_id_ = 0;
  std::uint32_t epoch_ = 0;
  std::unique_ptr<engine::Shard> own_shard_;
  std::vector<std::uint64_t> own_memory_;
  std::vector<std::uint64_t> lane_memory_;
  engine::Shard* shard_ = nullptr;
  std::span<std::uint8_t> memory_;
  engine::ReleaseKernel kernel_ = engine::ReleaseKernel::scalar;
  Lane batches_;
  std::int64_t last_admitted_ns_ = 0;
};

struct ReplayResult {
  std::string problem;  // of the journal, or the first difference
  journal::ReadResult journal;
  std::uint64_t replayed = 0;
  std::uint64_t digest = 0;
  std::uint64_t first_batch = 0;  // 1, or where the journal kept begins
  std::uint64_t unrecorded = 0;   // batches that gaps left out: it went on from the state behind
};

// Where older segments are gone: puts the first state kept that a replay of the rest can start from
// into `stepped`, and says after which batch it stands; 0 when the journal begins at batch 1 or has
// no such state.
std::uint64_t find_start(const std::string& data, Stepped& stepped);

// Applies every batch after `skip_through_batch`, where `stepped` stands, and reads no segment that
// ends before it; 0: from the beginning, or where older segments are gone from the first state kept
// in those left.
// Reading ends before the first batch that `until` is true of.
ReplayResult replay(const std::string& data, Stepped& stepped, std::uint64_t skip_through_batch,
                    const std::function<bool(const BatchHeader&)>& until = {});

}  // namespace vedette::node
