#include "core/engine/crowds.hpp"

#include <algorithm>
#include <bit>

#include "base/plausible.hpp"

namespace vedette::engine {
namespace {

constexpr std::array kTables{Cause::tracks_full, Cause::contacts_full, Cause::deliveries_full,
                             Cause::alarms_full, Cause::pairs_full};

bool plausible(Causes causes) {
  return causes.bits >> static_cast<unsigned>(Cause::count) == 0;
}

}  // namespace

void Crowds::settle(std::uint64_t contacts_at_bound, std::int64_t now_ns) {
  const std::array<std::uint64_t, kTables.size()> now{
      counts_.tracks_refused + counts_.evicted[1] + counts_.evicted[2] + counts_.evicted[3],
      contacts_at_bound, counts_.orders_refused, counts_.alarms_refused, counts_.pairs_refused};
  for (std::size_t i = 0; i < kTables.size(); ++i) {
    Crowd& crowd = crowds_[i];
    crowd.grew_ns = now[i] != crowd.seen ? now_ns : crowd.grew_ns;
    crowd.seen = now[i];
    full_.set(kTables[i], crowd.grew_ns != 0 && now_ns - crowd.grew_ns < limits::kCrowdedNs);
  }
}

bool Crowds::changed(Causes now, CauseChange& out) {
  now.set(Cause::overload, false);
  now.set(Cause::safe, false);
  if (now == told_) {
    return false;
  }
  out = {now.bits, told_.bits};
  told_ = now;
  return true;
}

void Crowds::stand(Causes own, std::int64_t now_ns) {
  const Causes all{own.bits | seen_.bits};
  for (std::uint64_t come = all.bits & ~node_.causes.bits; come != 0; come &= come - 1) {
    node_.since_ns[static_cast<std::size_t>(std::countr_zero(come))] = now_ns;
  }
  node_.causes = all;
}

void Crowds::freeze(Freezer& out, const TrackTable&) const {
  out.put(told_);
  out.put(counts_);
  out.put(crowds_);
  out.put(full_);
  out.put(seen_);
  out.put(node_);
}

bool Crowds::thaw(Thawer& in, Thawing&) {
  told_ = in.get<Causes>();
  counts_ = in.get<Crowding>();
  crowds_ = in.get<decltype(crowds_)>();
  full_ = in.get<Causes>();
  seen_ = in.get<Causes>();
  node_ = in.get<NodeFacts>();
  return plausible(told_) && plausible(full_) && plausible(seen_) && plausible(node_.causes) &&
         std::all_of(node_.since_ns.begin(), node_.since_ns.end(), plausible_ns) &&
         std::all_of(crowds_.begin(), crowds_.end(),
                     [](const Crowd& crowd) { return plausible_ns(crowd.grew_ns); });
}

}  // namespace vedette::engine
