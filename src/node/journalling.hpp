// Purpose: the journal's two threads. The writing thread writes batches, hands them to the mirror
// once they are on disk, and ends a gap with a state. The handing thread never waits for the disk:
// it hands late batches to the mirror although they are not on disk, and abandons those that their
// lane has no space for (a gap).
// In: the engine's lane of batches, states of the mirror, copies of the engine's state. Out:
// blocks, segments, the mirror's lane, how long the disk failed, how the flash is spared. Bound:
// one block a turn; kLateNs + kMarkNs + kHandNs until the mirror gets a batch that is not on disk.
// When full: see journal/writer.hpp and node/mirror.hpp. Runs on: turn() and run() on the writing
// thread, hand() and run_hand() on the handing thread, trouble() and hangs() on the main thread,
// newly_failed() and newly_spares() on the engine's.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <string>

#include "edge/journal/writer.hpp"
#include "model/derived.hpp"
#include "node/mirror.hpp"
#include "node/wear.hpp"

namespace vedette::node {

class Journalling {
 public:
  static constexpr std::int64_t kLateNs = 1'000'000'000;  // for which a batch may wait for the disk

  Journalling(journal::Writer& writer, Mirror& mirror, Lane& batches)
      : writer_(writer), mirror_(mirror), batches_(batches) {}

  // Before any thread runs.
  void init(const plan::Limits& limits);
  // Until `stop`, and the lane is empty or the disk fails. `stepped`: node time waits for the disk.
  void run(bool stepped, const std::atomic<bool>& stop);
  // From the engine's thread: an action waits for the disk, so its batch waits for no others.
  void hurry() { hurry_.store(true, std::memory_order_relaxed); }
  // One turn; false if the lane was empty or the write failed.
  bool turn(std::int64_t now_ns);

  // Until `end`.
  void run_hand(bool stepped, const std::atomic<bool>& end);
  // One turn; false if the mirror's lane is full.
  bool hand(std::int64_t now_ns, bool stepped);

  // Why the disk fails, or is behind; empty if it does neither.
  std::string trouble() const;
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // For how long the writing thread has been in one turn.
  std::int64_t turn_takes_ns(std::int64_t now_ns) const {
    const std::int64_t since_ns = turn_since_ns_.load(std::memory_order_relaxed);
    return since_ns == 0 ? 0 : now_ns - since_ns;
  }
  // A stop waits no longer.
  bool hangs(std::int64_t now_ns) const { return turn_takes_ns(now_ns) > kHangNs; }
  // Whether another thread may read the disk, without hanging too.
  bool disk_answers(std::int64_t now_ns) const { return turn_takes_ns(now_ns) < kLateNs; }
  // Until the disk is full at the rate of this run; nothing if it has space for all that [limits]
  // allows, or cannot tell.
  std::optional<double> hours_left() const;
  // Of history that [limits] journal holds at that rate, once archived; nothing in the first
  // minute.
  std::optional<double> hours_fit() const;
  // For how long a batch waits for others now.
  std::int64_t commit_ns() const { return commit_ns_.load(std::memory_order_relaxed); }
  // Members of `journal.wear` in `status`.
  void wear_members(JsonWriter<std::string>& json) const;
  static constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

  // For the engine's thread: how long the disk failed, if a gap began or ended since the last call.
  std::optional<std::int64_t> newly_failed();
  // For the engine's thread: the step that holds, if that is another than at the last call.
  std::optional<WearStep> newly_spares();

 private:
  static constexpr std::uint64_t kNoRate = ~std::uint64_t{0};
  static constexpr std::int64_t kMarkNs = 250'000'000;
  static constexpr std::int64_t kHangNs = 10'000'000'000;
  enum class Trouble : std::uint8_t { none, slow, gap };
  enum class Use : std::uint8_t { none, later, ends_gap };  // of a state; later: ahead of the disk
  using Guard = std::unique_lock<std::mutex>;

  void gather(std::int64_t commit_ns);
  bool lane_fills();
  void look_at_wear();
  WearStep wear_step() const;
  void look_at_space(std::int64_t now_ns);
  void wait_for_state();
  bool hand_waiting();
  void abandon(std::int64_t now_ns, bool all_handed);
  void pass_copy_on(std::int64_t now_ns);
  std::uint64_t late_batch(std::int64_t now_ns);
  // The oldest state that ends the gap: it holds what is on disk and what was abandoned.
  std::uint64_t least_for_gap() const {
    return std::max(writer_.given_up_through(), writer_.last_batch());
  }
  void ask_for_state(std::int64_t now_ns);
  bool take_states(std::int64_t now_ns, Guard& guard);
  Use use(const HandedState& state);
  bool is_over(std::int64_t stopping_ns);
  void say_fault(std::int64_t took_ns);

  journal::Writer& writer_;
  Mirror& mirror_;
  Lane& batches_;

  // Who holds it has the reading end of the lane, the writing end of the mirror's, and the gap.
  // Nobody waits for the disk with it.
  std::mutex guard_;
  std::int64_t worked_ns_ = 0;       // when the disk last worked; 0: before the first turn
  std::int64_t stuck_since_ns_ = 0;  // the mirror's lane takes no batch to be abandoned; 0: it does
  std::int64_t late_since_ns_ = 0;   // since when there is a late batch; 0: there is none
  std::int64_t copy_since_ns_ = 0;   // since when the writing thread holds the copy; 0: it does not
  // The newest batch of some looks, at least kMarkNs apart: one that waits, and was there kLateNs
  // ago, is late.
  struct Mark {
    std::uint64_t batch = 0;
    std::int64_t ns = 0;
  };
  std::array<Mark, kLateNs / kMarkNs + 2> marks_{};
  std::size_t next_mark_ = 0;

  // Of the writing thread.
  std::int64_t gap_tried_ns_ = 0;  // when the last state to end the gap was requested
  bool asked_in_gap_ = false;      // of the mirror

  std::atomic<Trouble> trouble_{Trouble::none};
  std::atomic<std::int64_t> turn_since_ns_{0};  // the writing thread's; 0: it is between turns
  std::atomic<bool> ended_{false};
  std::atomic<bool> hurry_{false};

  std::int64_t began_ns_ = 0;                  // of the writing thread: its first write
  std::int64_t looked_ns_ = 0;                 // when it looked at the disk's space
  std::atomic<std::int64_t> left_ns_{kNoEnd};  // until the disk is full
  std::atomic<std::int64_t> fit_ns_{kNoEnd};   // of history in the journal's bound
  alignas(kCacheLineBytes) std::atomic<std::uint32_t> faults_{0};  // the engine reads it each turn
  std::atomic<std::int64_t> took_ns_{0};
  std::uint32_t faults_told_ = 0;  // of the engine's thread

  Wear wear_;  // of the writing thread
  // What it last said; all but the rate are stored before the count of changes.
  std::atomic<std::int64_t> commit_ns_{0}, image_ns_{0};
  std::atomic<std::uint64_t> wear_budget_{0}, wear_rate_{kNoRate};
  std::atomic<std::uint8_t> wear_number_{0};
  std::atomic<bool> packs_{false};
  alignas(kCacheLineBytes) std::atomic<std::uint32_t> wear_changes_{0};
  std::uint32_t wear_told_ = 0;  // of the engine's thread
};

}  // namespace vedette::node
