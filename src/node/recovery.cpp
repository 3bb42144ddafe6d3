// What a node goes on from: the newest whole state, and what the journal holds behind it.
#include <algorithm>
#include <cstring>

#include "node/history_record.hpp"
#include "node/node.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kWaitNs = 20'000;

}  // namespace

Node::Failure Node::recover(std::span<std::uint8_t> shard_memory) {
  const std::string journal_folder = options_.data + "/journal";
  journal::WriterOptions& writer = writer_options_;
  const auto segments = journal::list_segments(journal_folder);
  Stepped stepped(shard_, shard_memory, engine::release_kernels().back());
  stepped.init(plan_, segment_header_.node, 1);
  std::uint64_t from = 0;
  // Where to go on from: the newer of the image and the state that the newest segment begins with.
  const auto begin_with = [&](const std::uint8_t(&hash)[32], std::uint64_t batch, Bytes state) {
    if (from == 0 && batch != 0 && std::memcmp(hash, segment_header_.plan_hash, 32) == 0 &&
        stepped.thaw(state)) {
      from = batch;
    }
  };
  const journal::SegmentState newest = journal::newest_state(journal_folder, segments);
  // Where little follows the state, there is no need of the image.
  if (!segments.empty() && (newest.frozen.empty() || newest.much_follows)) {
    from = begin_with_image(stepped, newest.header.frozen_batch);
  }
  begin_with(newest.header.plan_hash, newest.header.frozen_batch, newest.frozen);
  ReplayResult result = replay(options_.data, stepped, from);
  const bool damaged = !result.problem.empty() && !result.journal.torn_tail;
  if (from != 0 && (result.journal.last_batch < from || damaged)) {
    // The image is no help: the journal is the truth and rebuilds it.
    stepped.init(plan_, segment_header_.node, 1);
    result = replay(options_.data, stepped, 0);
  }
  if (result.journal.last_segment != 0 && result.journal.last_block != 0 &&
      std::memcmp(result.journal.header.plan_hash, segment_header_.plan_hash, 32) != 0) {
    return {78,
            options_.data +
                " was written by another plan; run with another --data, or move this one aside"};
  }
  if (result.journal.other_version) {
    return {78, options_.data + ": " + result.problem +
                    "; run with another --data, or move this one aside"};
  }
  if (!result.problem.empty() && !result.journal.torn_tail) {
    return {74, options_.data + ": " + result.problem + "; nothing was changed (`vedette replay " +
                    options_.data + " --verify` tells more)"};
  }
  if (result.journal.torn_tail) {
    tail_ = {result.journal.last_segment, result.journal.valid_bytes};
  }
  const KeptHistory kept_history = read_history(options_.data);
  fresh_ = shard_.progress().batch_number == 0;
  // Each place alone may be gone, or from before the last run.
  const std::uint32_t recorded = kept_history.record ? kept_history.record->epoch : 0;
  const std::uint32_t used = fresh_ ? 0 : shard_.epoch();
  epoch_ = std::max(std::max({result.journal.epoch, recorded, used}) + 1, options_.least_epoch);
  shard_.set_epoch(epoch_);
  for (const act::Delivery::Order& order : shard_.delivery().orders()) {
    if (order.stage == act::Delivery::Stage::sent) {
      unanswered_.push_back(order.sequence);
    }
  }
  std::sort(unanswered_.begin(), unanswered_.end());
  segment_header_.epoch = epoch_;
  writer.folder = journal_folder;
  writer.segment_bytes =
      plan_.limits()->segment_bytes() / limits::kBlockAlignment * limits::kBlockAlignment;
  writer.journal_bytes = plan_.limits()->journal_bytes();
  writer.max_batch_bytes = batch_bytes_bound(plan_);
  writer.max_frozen_bytes = frozen_bytes_bound(plan_);
  writer.header = segment_header_;
  writer.next_segment = (segments.empty() ? 0 : segments.back()) + 1;
  writer.next_block = result.journal.last_block + 1;
  writer.chain = result.journal.chain;
  writer.durable_sequence = shard_.progress().last_sequence;
  writer.next_batch = shard_.progress().batch_number + 1;
  writer.segments = result.journal.segments;
  writer.idle = result.journal.torn_tail ? journal::ReadResult::Idle{} : result.journal.idle;
  if (!fresh_) {
    Freezer freezer(frozen_);
    shard_.freeze(freezer);
    CHECK(freezer.ok(), "the state is larger than its bound");
    writer_.keep_frozen(Bytes(frozen_.data(), freezer.used()), shard_.progress().batch_number);
  }
  return {};
}

// Everything else is open: from here on the data folder changes, and the segment comes last.
Node::Failure Node::begin_history() {
  const auto io = [](std::string message) { return Failure{74, std::move(message)}; };
  std::string problem = keep_identity(options_.data, identity_);
  if (!problem.empty()) {
    return io(problem);
  }
  if (tail_.segment != 0) {
    const int error =
        journal::cut_tail(options_.data + "/journal", tail_.segment, tail_.valid_bytes);
    if (error != 0) {
      return io("cutting the torn tail: " + platform::error_text(error));
    }
  }
  KeptPlan kept;  // one that is spoilt is as good as none, and this node holds the right bytes
  if (!load_kept_plan(options_.data, segment_header_.plan_hash, kept).empty()) {
    const std::string path = plan_path(options_.data, segment_header_.plan_hash);
    const int error = platform::write_file_durably(path, plan_bytes_);
    if (error != 0) {
      return io(path + ": " + platform::error_text(error));
    }
  }
  problem = writer_.begin();
  if (!problem.empty()) {
    return io(problem);
  }
  const int error = keep_history(
      options_.data,
      {epoch_, writer_.segment(), shard_.progress().batch_number, shard_.progress().last_sequence});
  return error == 0 ? Failure{} : io(options_.data + "/history: " + platform::error_text(error));
}

bool Node::wait_for_history() const {
  Begun begun = begun_.load(std::memory_order_acquire);
  while (begun == Begun::waiting) {
    platform::rest_ns(kWaitNs);
    begun = begun_.load(std::memory_order_acquire);
  }
  return begun == Begun::yes;
}

}  // namespace vedette::node
