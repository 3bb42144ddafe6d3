// Purpose: what the engine publishes about itself, for `status` and the other threads. In: the
// shard after each step. Out: words that any thread reads, each by itself. Runs on: the engine's
// thread writes, unless a member says otherwise.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/engine/shard.hpp"
#include "model/limits.hpp"

namespace vedette::node {

struct Board {
  using Count = std::atomic<std::uint64_t>;

  Count batches{0}, sequence{0}, digest{0}, accepted{0}, waiting{0}, transient{0}, exits[3]{};
  Count tracks{0}, raised{0}, contacts{0}, orders{0}, late_outcomes{0}, overruns{0};
  Count assessments{0}, decisions{0}, fallbacks{0}, actions{0};
  Count kept{0};  // events that wait for the end of a hold
  Count tracks_refused{0}, orders_refused{0}, second_places{0}, second_places_refused{0};
  Count alarms{0}, alarms_refused{0}, alarm_changes_lost{0}, pairs{0}, pairs_refused{0};
  std::array<Count, perceive::kTrackerBounds> tracker_bounds{};
  std::array<Count, 4> evicted{};                        // tracks, by EvictionReason
  Count causes{0};                                       // Causes of the engine
  Count noted{0};                                        // Causes of other threads: note()
  Count seen{0};                                         // Causes that the main thread sees
  Count untold{0}, faults_lost{0}, commands_refused{0};  // records that found their lane full
  std::atomic<std::uint64_t> denied{0};  // commands of somebody without a role for them
  std::atomic<std::int64_t> now_ns{0}, longest_turn_ns{0};
  std::array<std::atomic<BreakerState>, limits::kSinks> breakers{};
  std::atomic<bool> finished{false}, fifo{false}, sealed{false}, held{false};
  // Result of the newest command: its event, then its number, exit and reason.
  Count ordered_sequence{0}, ordered{0};

  void publish(const engine::Shard& shard, std::int64_t at_ns);
  void see_turn(std::int64_t took_ns) {
    if (took_ns > longest_turn_ns.load(std::memory_order_relaxed)) {
      longest_turn_ns.store(took_ns, std::memory_order_relaxed);
    }
  }
  // From any thread: sets or clears a cause that is not the engine's.
  void note(Cause cause, bool there) {
    Causes bit;
    bit.set(cause);
    there ? noted.fetch_or(bit.bits, std::memory_order_relaxed)
          : noted.fetch_and(~bit.bits, std::memory_order_relaxed);
  }
};

}  // namespace vedette::node
