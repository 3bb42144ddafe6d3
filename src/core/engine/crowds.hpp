// Purpose: which tables are full, which causes of the mode the last batch left, and since when each
// stands. In: counts of refusals and evictions by full tables, what the node around the engine
// sees. Out: Causes, a change to record, the facts of the node. Bound: five tables, kCauseKinds.
// Runs on: the engine thread.
#pragma once

#include <array>
#include <cstdint>

#include "model/cause.hpp"
#include "model/derived.hpp"
#include "model/post_facts.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

// Total refusals and evictions by full tables.
struct Crowding {
  std::uint64_t tracks_refused, orders_refused, alarms_refused, pairs_refused;
  std::array<std::uint64_t, 4> evicted;  // tracks, by EvictionReason
};

class Crowds {
 public:
  static constexpr SectionName kSection{"crowds", 4};

  static std::size_t bytes_needed(const plan::Plan&) { return 0; }
  void init(Arena&, const Site&) {}
  static DerivedBound derived_bound(const plan::Plan&) {
    return {0, event_bytes(sizeof(CauseChange))};
  }

  Crowding& counts() { return counts_; }
  const Crowding& counts() const { return counts_; }
  // A table counts as full for a while after it refused or evicted something.
  void settle(std::uint64_t contacts_at_bound, std::int64_t now_ns);
  Causes full() const { return full_; }
  // True once after each change of the causes, except those of the load, which have their own
  // event.
  bool changed(Causes now, CauseChange& out);
  // What the node around the engine sees from now on.
  void see(std::uint64_t causes) { seen_.bits = causes & kAllCauses; }
  // `own`: the engine's causes now.
  void stand(Causes own, std::int64_t now_ns);
  Causes seen() const { return seen_; }
  const NodeFacts& node() const { return node_; }

  static std::size_t frozen_bytes_bound(const plan::Plan&) { return sizeof(Crowds); }
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const { digest.mix(counts_.tracks_refused); }
  std::size_t slices(const TrackTable&) const { return 1; }
  void slice(std::size_t, const TrackTable&, SliceDigest& out) const {
    out.mix(counts_);
    out.mix(crowds_);
    out.mix(full_);
    out.mix(told_);
    out.mix(seen_);
    out.mix(node_);
  }
  bool unfinished() const { return false; }

 private:
  static constexpr std::uint64_t kAllCauses = (std::uint64_t{1} << kCauseKinds) - 1;
  static_assert(kCauseKinds < 64);

  // For tracks, contacts, orders, alarms, pairs: the total last seen, and when it last grew.
  struct Crowd {
    std::uint64_t seen;
    std::int64_t grew_ns;  // 0 never
  };

  Crowding counts_{};
  std::array<Crowd, 5> crowds_{};
  Causes full_;
  Causes told_;  // as the last event reported
  Causes seen_;  // as the last event of the node around the engine said
  NodeFacts node_;
};

}  // namespace vedette::engine
