// Purpose: the journal's thread: writes batches, then hands them to the mirror. While the disk
// fails, it hands them to the mirror alone, abandons them when their lane is half full, and ends
// that gap with a state.
// In: the engine's lane of batches, states of the mirror, copies of the engine's state. Out:
// blocks, segments, the mirror's lane, how long the disk failed. Bound: one block a turn;
// kUnrecordedNs until the mirror gets a batch that is not on disk. When full: see
// journal/writer.hpp and node/mirror.hpp. Runs on: the journal's thread, except newly_failed().
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "edge/journal/writer.hpp"
#include "node/mirror.hpp"

namespace vedette::node {

class Journalling {
 public:
  static constexpr std::int64_t kUnrecordedNs = 1'000'000'000;

  Journalling(journal::Writer& writer, Mirror& mirror, Lane& batches)
      : writer_(writer), mirror_(mirror), batches_(batches) {}

  // Until `stop`, and the lane is empty or the disk fails. `stepped`: node time waits for the disk.
  void run(std::int64_t commit_ns, bool stepped, const std::atomic<bool>& stop);
  // One turn; false if the lane was empty or the write failed.
  bool turn(std::int64_t now_ns, bool stepped);

  // For the engine's thread: how long the disk failed, if a gap began or ended since the last call.
  std::optional<std::int64_t> newly_failed();

 private:
  bool hand_unrecorded();
  void wait_on();
  void abandon(std::int64_t now_ns);
  void give_up(std::int64_t now_ns);
  // The oldest state that ends the gap: it holds what is on disk and what was abandoned.
  std::uint64_t least_for_gap() const {
    return std::max(writer_.given_up_through(), writer_.last_batch());
  }
  void ask_for_state();
  bool use(const HandedState& state, std::int64_t now_ns);
  void take_states(std::int64_t now_ns);
  void say_fault(std::int64_t took_ns);

  journal::Writer& writer_;
  Mirror& mirror_;
  Lane& batches_;
  std::int64_t wrote_ns_ = 0;        // when the disk last worked; 0: before the first turn
  std::int64_t gap_tried_ns_ = 0;    // when the last state to end the gap was requested
  std::int64_t stuck_since_ns_ = 0;  // the mirror's lane takes no batch to be abandoned; 0: it does
  alignas(kCacheLineBytes) std::atomic<std::uint32_t> faults_{0};  // the engine reads it each turn
  std::atomic<std::int64_t> took_ns_{0};
  std::uint32_t faults_told_ = 0;  // of the engine's thread
};

}  // namespace vedette::node
