#include "node/board.hpp"

namespace vedette::node {

void Board::publish(const engine::Shard& shard, std::int64_t at_ns) {
  const engine::Progress& p = shard.progress();
  const auto set = [](auto& at, auto value) { at.store(value, std::memory_order_relaxed); };
  set(batches, p.batch_number);
  set(sequence, p.last_sequence);
  set(digest, p.digest);
  set(accepted, p.accepted);
  set(waiting, p.waiting);
  set(transient, p.transient);
  for (std::size_t i = 0; i < 3; ++i) {
    set(exits[i], p.exits[i]);
  }
  set(tracks, static_cast<std::uint64_t>(shard.tracks().size()));
  set(raised, static_cast<std::uint64_t>(shard.assess().raised() + shard.pairs().raised()));
  set(pairs, static_cast<std::uint64_t>(shard.pairs().size()));
  set(pairs_refused, shard.pairs().refused());
  set(late_outcomes, shard.late_outcomes());
  set(second_places, static_cast<std::uint64_t>(shard.second_places().size()));
  set(second_places_refused, shard.second_places().refused());
  set(held, shard.held());
  set(kept, static_cast<std::uint64_t>(shard.waiting().size()));
  set(causes, shard.causes().bits);
  set(contacts, static_cast<std::uint64_t>(shard.contacts().size()));
  for (std::size_t i = 0; i < perceive::kTrackerBounds; ++i) {
    set(tracker_bounds[i], shard.contacts().reached_bound(static_cast<perceive::TrackerBound>(i)));
  }
  const engine::Crowding& crowding = shard.crowding();
  set(tracks_refused, crowding.tracks_refused);
  for (std::size_t i = 0; i < crowding.evicted.size(); ++i) {
    set(evicted[i], crowding.evicted[i]);
  }
  set(orders_refused, crowding.orders_refused);
  set(alarms, static_cast<std::uint64_t>(shard.alarms().alarms().size()));
  set(alarms_refused, shard.alarms().refused());
  set(alarm_changes_lost, shard.alarms().lost());
  set(orders, static_cast<std::uint64_t>(shard.delivery().size()));
  set(now_ns, at_ns);
}

}  // namespace vedette::node
