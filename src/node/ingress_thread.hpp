// Purpose: ingress on a thread and core of its own. In: the rooms. Out: events in the sources'
// lanes. Runs on: its own thread, until `stop`.
#pragma once

#include "node/hot_state.hpp"
#include "node/pace.hpp"
#include "node/rooms.hpp"
#include "platform/sandbox.hpp"

namespace vedette::node {

class IngressThread {
 public:
  explicit IngressThread(Rooms& rooms) : rooms_(rooms) {}

  void run(const BeginGate& gate, const std::atomic<bool>& stop) {
    const plan::Cores& cores = *rooms_.plan.cores();
    hot_.grant = platform::make_hot({"ingress", cores.ingress(), cores.priority()});
    hot_.problem = rooms_.ingress.start_on_this_thread();
    hot_.ready.store(true, std::memory_order_release);
    if (!hot_.problem.empty()) {
      return;
    }
    if (gate.wait()) {
      Pace pace(hot_.grant.fifo, cores.rest());
      platform::keep_own_descriptors();
      platform::confine(platform::Confined::ingress);
      platform::seal_thread();
      while (!stop.load(std::memory_order_acquire)) {
        pace.turn(rooms_.ingress.step(rooms_.clock) != 0, platform::monotonic_ns());
        hot_.beat.fetch_add(1, std::memory_order_relaxed);
      }
      platform::unseal_thread();
    }
    rooms_.ingress.stop_on_this_thread();
  }
  const HotState& hot() const { return hot_; }

 private:
  Rooms& rooms_;
  HotState hot_;
};

}  // namespace vedette::node
