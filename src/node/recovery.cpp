// What a node goes on from: the newest whole state, and what the journal holds behind it.
#include <algorithm>
#include <cstring>

#include "node/node.hpp"
#include "platform/file.hpp"

namespace vedette::node {

Node::Failure Node::recover(std::span<std::uint8_t> shard_memory) {
  const std::string journal_folder = options_.data + "/journal";
  journal::WriterOptions& writer = writer_options_;
  const auto segments = journal::list_segments(journal_folder);
  Stepped stepped(shard_, shard_memory, engine::release_kernels().back());
  stepped.init(plan_, segment_header_.node, 1);
  std::uint64_t from = 0;
  belief::ImagePosition position{};
  std::vector<std::uint8_t> frozen;
  // Where to go on from: the newer of the image and the state that the newest segment begins with.
  const auto begin_with = [&](const std::uint8_t(&hash)[32], std::uint64_t batch, Bytes state) {
    if (from == 0 && batch != 0 && std::memcmp(hash, segment_header_.plan_hash, 32) == 0) {
      if (stepped.thaw(state)) {
        from = batch;
      } else {
        stepped.init(plan_, segment_header_.node, 1);
      }
    }
  };
  const journal::SegmentState newest = journal::newest_state(journal_folder, segments);
  // Where little follows the state, there is no need of the image: it waits for its first writing.
  if (!segments.empty() && (newest.frozen.empty() || newest.much_follows) &&
      (image_error_ = image_.open(options_.data, plan_.limits()->image_bytes())) == 0 &&
      image_.read(position, frozen) && position.batch >= newest.header.frozen_batch) {
    begin_with(position.plan_hash, position.batch, frozen);
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
    const int error =
        journal::cut_tail(journal_folder, result.journal.last_segment, result.journal.valid_bytes);
    if (error != 0) {
      return {74, "cutting the torn tail: " + platform::error_text(error)};
    }
  }
  fresh_ = shard_.progress().batch_number == 0;
  epoch_ = std::max(result.journal.epoch + 1, options_.least_epoch);
  shard_.set_epoch(epoch_);
  for (const act::Delivery::Order& order : shard_.delivery().orders()) {
    if (order.stage == act::Delivery::Stage::sent) {
      unanswered_.push_back(order.sequence);
    }
  }
  std::sort(unanswered_.begin(), unanswered_.end());
  const std::string kept = plan_path(options_.data, segment_header_.plan_hash);
  if (!platform::exists(kept)) {
    const int error = platform::write_file_durably(kept, plan_bytes_);
    if (error != 0) {
      return {74, kept + ": " + platform::error_text(error)};
    }
  }
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
  if (!fresh_) {
    Freezer freezer(frozen_);
    shard_.freeze(freezer);
    CHECK(freezer.ok(), "the state is larger than its bound");
    writer_.keep_frozen(Bytes(frozen_.data(), freezer.used()), shard_.progress().batch_number);
  }
  return {};
}

}  // namespace vedette::node
