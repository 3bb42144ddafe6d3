// Purpose: the engine's state of each source: facts that conditions use, the last record taken, and
// the plan's limits for it. In: events as they are admitted. Bound: the plan's sources. Runs on:
// the engine thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/math.hpp"
#include "base/plausible.hpp"
#include "core/engine/waiting.hpp"
#include "model/source_facts.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

class Sources {
 public:
  static constexpr SectionName kSection{"sources", 1};
  // Unpacked from the plan, because every event needs them.
  struct Limits {
    std::int64_t horizon_ns;
    std::uint32_t sample;
  };

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  std::size_t size() const { return facts_.size(); }
  const SourceFacts& operator[](std::size_t source) const { return facts_[source]; }
  const Limits& limits(std::size_t source) const { return limits_[source]; }
  std::uint64_t last_record(std::size_t source) const { return records_[source]; }

  // Silence counts from the first batch.
  void start(std::int64_t now_ns);
  void heard(const EventHeader& event) {
    if (event.source < facts_.size()) {
      SourceFacts& source = facts_[event.source];
      // After such a silence it cannot tell what was there before.
      const bool deaf = seconds_between(source.last_ns, event.received_ns) > deaf_after_s_;
      source.since_ns = source.accepted == 0 || deaf ? event.received_ns : source.since_ns;
      source.last_ns = event.received_ns;
      source.last_event = event.sequence;
      ++source.accepted;
      records_[event.source] = std::max(records_[event.source], event.record);
    }
  }
  void turned(std::size_t source, SourceStatus status, std::uint64_t event) {
    facts_[source].status = status;
    facts_[source].last_event = event;
  }

  std::int64_t deadline_ns(const EventHeader& event) const {
    const bool horizon = event.kind == EventKind::observation && event.source < facts_.size();
    // A record made elsewhere may hold any number.
    const std::int64_t received =
        std::clamp<std::int64_t>(event.received_ns, 0, limits::kTimeMostNs);
    return received + (horizon ? limits_[event.source].horizon_ns : 0);
  }
  std::uint64_t key_of(const EventHeader& event) const {
    return urgency_key(event.event_class, deadline_ns(event));
  }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan) {
    return 8 + plan.sources()->size() * (sizeof(SourceFacts) + 8);
  }
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest&) const {}  // derived from the inputs
  std::size_t slices(const TrackTable&) const { return facts_.size(); }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
    out.mix(facts_[at]);
    out.mix(records_[at]);
  }
  bool unfinished() const { return false; }

 private:
  std::span<SourceFacts> facts_;
  std::span<std::uint64_t> records_;  // last record number accepted
  std::span<Limits> limits_;
  double deaf_after_s_ = 0.0;
};

}  // namespace vedette::engine
