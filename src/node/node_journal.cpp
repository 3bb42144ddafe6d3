// The journal thread: blocks, belief images, and gaps while the disk takes nothing.
#include <algorithm>
#include <cstring>

#include "node/history_record.hpp"
#include "node/node.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kGapRetryNs = 1'000'000'000;  // retry interval of a journal with a gap

}  // namespace

void Node::say_journal_fault(std::int64_t took_ns) {
  journal_took_ns_.store(took_ns, std::memory_order_relaxed);
  // Pairs with the acquire in check_journal(): publishes the time.
  journal_faults_.fetch_add(1, std::memory_order_release);
}

void Node::write_image() {
  const Bytes frozen(frozen_.data(), frozen_used_);
  if (writer_.has_gap() && writer_.go_on(frozen, frozen_batch_, frozen_sequence_, batches_) != 0) {
    frozen_state_.store(kIdle, std::memory_order_release);
    return;
  }
  // Never ahead of the journal. Compares batches, because not every batch has an event.
  if (frozen_batch_ > writer_.last_batch()) {
    return;
  }
  image::ImagePosition position{};
  position.batch = frozen_batch_;
  position.digest = frozen_digest_;
  std::memcpy(position.plan_hash, segment_header_.plan_hash, sizeof position.plan_hash);
  const int error = image_.write(position, frozen, engine::frozen_tracks(frozen));
  image_error_.store(error, std::memory_order_relaxed);
  images_written_.fetch_add(error == 0 ? 1 : 0, std::memory_order_relaxed);
  keep_history(options_.data, {epoch_, writer_.segment(), frozen_batch_, frozen_sequence_});
  writer_.keep_frozen(frozen, frozen_batch_);
  frozen_state_.store(kIdle, std::memory_order_release);
}

// With stepped time, waits for the disk instead. Otherwise abandons batches and requests a state
// from after them, which ends the gap; later batches stay in their lane until it is written.
void Node::give_up_batches(std::int64_t now_ns, std::int64_t wrote_ns) {
  const int state = frozen_state_.load(std::memory_order_acquire);
  const bool gap = writer_.has_gap();
  if (clock_.stepped() || !writer_.must_give_up(batches_) || state == kWanted ||
      (gap && state == kReady)) {
    return;
  }
  // A state frozen before the gap cannot end it.
  const bool try_again = !gap || now_ns - gap_tried_ns_ > kGapRetryNs;
  if (!gap) {
    say_journal_fault(now_ns - wrote_ns);
  }
  if (try_again || batches_.half_full()) {
    writer_.give_up(batches_);
  }
  if (try_again) {
    gap_tried_ns_ = now_ns;
    frozen_state_.store(kWanted, std::memory_order_release);
  }
}

void Node::journal_loop() {
  platform::make_hot({"journal", -1, 0});
  std::int64_t last_image_ns = platform::monotonic_ns();
  std::int64_t wrote_ns = last_image_ns;
  const std::int64_t commit_ns = plan_.limits()->commit_ns();
  for (;;) {
    const bool stopping = stop_journal_.load(std::memory_order_acquire);
    if (!stopping && commit_ns > 0 && !clock_.stepped() && batches_.size() != 0) {
      // Group commit: let more batches arrive.
      platform::rest_ns(std::min<std::int64_t>(commit_ns, 999'999'999));
    }
    const bool wrote = writer_.step(batches_);
    const std::int64_t now = platform::monotonic_ns();
    wrote_ns = writer_.last_error() == 0 ? now : wrote_ns;
    give_up_batches(now, wrote_ns);
    if ((now - last_image_ns > plan_.limits()->checkpoint_ns() || writer_.wants_frozen()) &&
        frozen_state_.load(std::memory_order_relaxed) == kIdle) {
      last_image_ns = now;
      frozen_state_.store(kWanted, std::memory_order_release);
    }
    if (frozen_state_.load(std::memory_order_acquire) == kReady) {
      const bool gap = writer_.has_gap();
      write_image();
      if (gap && !writer_.has_gap()) {
        say_journal_fault(platform::monotonic_ns() - wrote_ns);
      }
    }
    if (!wrote) {
      if (stopping && (batches_.size() == 0 || writer_.last_error() != 0)) {
        break;
      }
      platform::rest_ns(clock_.stepped() ? 50'000 : 200'000);
    }
  }
}

}  // namespace vedette::node
