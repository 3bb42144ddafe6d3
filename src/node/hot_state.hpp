// Purpose: what a hot thread says about itself: whether it is ready, what it lacks, that it lives.
// Runs on: the thread itself writes; main reads the texts once it is ready.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "platform/hot_thread.hpp"

namespace vedette::node {

struct HotState {
  std::atomic<bool> ready{false};
  std::atomic<std::uint64_t> beat{0};  // turns of its loop, for the watchdog
  std::string problem;                 // readable once ready; empty: none
  platform::HotGrant grant;
};

// Nothing is accepted until the journal's first segment is on disk.
class BeginGate {
 public:
  void open(bool begun) {
    state_.store(begun ? State::begun : State::failed, std::memory_order_release);
  }
  // False if the node does not begin.
  bool wait() const {
    State state = state_.load(std::memory_order_acquire);
    while (state == State::waiting) {
      platform::rest_ns(kWaitNs);
      state = state_.load(std::memory_order_acquire);
    }
    return state == State::begun;
  }

 private:
  enum class State : int { waiting, begun, failed };
  static constexpr std::int64_t kWaitNs = 20'000;
  std::atomic<State> state_{State::waiting};
};

}  // namespace vedette::node
