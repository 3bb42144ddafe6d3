// Purpose: the reading of events as they become durable, while a node runs and across its restarts,
// until it is interrupted.
#include <atomic>
#include <cinttypes>

#include "cli/event_reading.hpp"
#include "cli/print.hpp"
#include "core/engine/shard.hpp"
#include "edge/journal/cursor.hpp"
#include "edge/journal/reader.hpp"
#include "edge/journal/writer.hpp"
#include "platform/hot_thread.hpp"
#include "platform/machine.hpp"

namespace vedette::cli {
namespace {

constexpr std::int64_t kLookNs = 200'000'000;  // between two looks at a journal without news

std::atomic<bool> g_stop{false};

class Follower {
 public:
  // `next`: the first batch; 0: what comes from now on.
  Follower(const std::string& data, PlanInReading& plan, std::uint64_t next)
      : folder_(journal_folder(data)), plan_(plan) {
    const plan::Limits& limits = *(*plan_).limits();
    cursor_.init(folder_, journal::Writer::longest_block(limits.segment_bytes(),
                                                         engine::batch_bytes_bound(*plan_)));
    next_ = next != 0 ? next : cursor_.newest() + 1;
  }

  // True if there was something new.
  bool turn(const std::function<void(Bytes batch)>& show) {
    const bool any = cursor_.read(next_, journal::Cursor::kFollowed, [&](Bytes batch) {
      enter_segment();
      show(batch);
      next_ = payload_as<BatchHeader>(batch.first(sizeof(BatchHeader))).number + 1;
      return true;
    });
    return any || skip();
  }

 private:
  void enter_segment() {
    journal::SegmentHeader header{};
    if (cursor_.segment() != segment_ &&
        folder_.read_at(journal::segment_name(cursor_.segment()), sizeof(journal::BlockHeader),
                        {reinterpret_cast<std::uint8_t*>(&header), sizeof header})) {
      segment_ = cursor_.segment();
      plan_.enter(header.plan_hash);
    }
  }

  // Past batches that the journal does not have; false if it may still get the next one.
  bool skip() {
    const std::uint64_t behind = cursor_.first_behind();
    if (behind == 0) {
      return false;
    }
    const bool dropped = cursor_.segment() == journal::list_segments(folder_).front();
    print_error(dropped ? "vedette: batches %" PRIu64 " to %" PRIu64
                          " left the journal at its bound before they were read\n"
                        : "vedette: batches %" PRIu64 " to %" PRIu64
                          " cannot be read: the disk did not take them, or they are damaged\n",
                next_, behind - 1);
    next_ = behind;
    return true;
  }

  platform::Folder folder_;
  PlanInReading& plan_;
  journal::Cursor cursor_;
  std::uint64_t next_ = 0;
  std::uint64_t segment_ = 0;
};

}  // namespace

void EventReading::follow(const Show& show) {
  platform::catch_stop_signals([](int) { g_stop.store(true, std::memory_order_relaxed); });
  const platform::Folder folder = journal_folder(command_.data);
  const std::vector<std::uint64_t> segments = journal::list_segments(folder);
  names_.learn_state(journal::newest_state(folder, segments).frozen);
  const std::uint64_t oldest = segments.empty() ? 0 : journal::first_batch_of(folder, segments[0]);
  const std::uint64_t first = since_ns_ == 0 ? 0 : std::max(batch_before(since_ns_) + 1, oldest);
  Follower follower(command_.data, *plan_, first);
  print_error("vedette: following %s\n", command_.data);
  bool later = false;
  while (!later && !g_stop.load(std::memory_order_relaxed)) {
    const bool any =
        follower.turn([&](Bytes batch) { later = later || !show_batch(batch, false, show); });
    if (!any) {
      platform::rest_ns(kLookNs);
    } else if (output_failed()) {
      break;  // nobody reads
    }
  }
}

}  // namespace vedette::cli
