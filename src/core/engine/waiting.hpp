// Purpose: accepted events that are not yet worked, found by sequence, or the next by class and
// deadline. In: add(). Out: first(), find(), remove(). Bound: the plan's waiting_events. When full:
// full() is true, and further events stay in their lanes. Runs on: the engine thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/id_map.hpp"
#include "core/engine/calendar.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/observation.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

// One word that orders by class, then time; the smaller goes first.
inline std::uint64_t urgency_key(EventClass event_class, std::int64_t deadline_ns) {
  const std::uint64_t time = deadline_ns < 0 ? 0 : static_cast<std::uint64_t>(deadline_ns) >> 2;
  return static_cast<std::uint64_t>(event_class) << 62 | time;
}

class Waiting {
 public:
  static constexpr std::uint32_t kNone = Calendar::kNone;
  struct Event {
    EventHeader header;
    Observation observation;
  };

  static constexpr SectionName kSection{"waiting", 1};

  static std::size_t bytes_needed(const plan::Plan& plan) {
    const std::size_t capacity = plan.limits()->waiting_events();
    return arena_bytes<Event>(capacity) + arena_bytes<std::uint32_t>(capacity) +
           IdMap::bytes_needed(capacity) + Calendar::bytes_needed(capacity);
  }
  // Deadlines are ordered exactly up to the longest horizon of a source.
  void init(Arena& arena, const Site& site) {
    const std::size_t capacity = site.plan->limits()->waiting_events();
    std::int64_t longest_ns = 0;
    for (const plan::Source* source : *site.plan->sources()) {
      longest_ns = std::max(longest_ns, source->horizon_ns());
    }
    events_ = arena.make<Event>(capacity);
    free_ = arena.make<std::uint32_t>(capacity);
    by_sequence_.init(arena, capacity);
    calendar_.init(arena, capacity, longest_ns / 4000 + 1);
    sources_ = site.plan->sources()->size();
    clear();
  }
  // At most one exit at each turn of a step.
  static DerivedBound derived_bound(const plan::Plan& plan) {
    return {0, plan.limits()->batch_events() * event_bytes(sizeof(Resolution))};
  }

  bool full() const { return size_ == events_.size(); }
  std::size_t size() const { return size_; }

  void add(const EventHeader& header, const Observation& observation, std::int64_t deadline_ns) {
    if (size_ == 0) {
      calendar_.advance(now_ns_);
    }
    calendar_.add(keep(header, observation), static_cast<std::size_t>(header.event_class),
                  deadline_ns);
  }
  void remove(std::uint32_t slot) {
    calendar_.remove(slot);
    by_sequence_.erase(events_[slot].header.sequence);
    --size_;
    free_[events_.size() - 1 - size_] = slot;
  }

  // The most urgent; kNone when nothing waits.
  std::uint32_t first() const {
    for (std::size_t c = 0; size_ != 0 && c < kEventClasses; ++c) {
      const std::uint32_t slot = calendar_.first(c);
      if (slot != kNone) {
        return slot;
      }
    }
    return kNone;
  }
  // One with an expired deadline; kNone if there is none.
  std::uint32_t overdue(std::int64_t now_ns) const {
    for (std::size_t c = 0; size_ != 0 && c < kEventClasses; ++c) {
      const std::uint32_t slot = calendar_.first(c);
      if (slot != kNone && calendar_.at_ns(slot) <= now_ns) {
        return slot;
      }
    }
    return kNone;
  }
  std::uint32_t find(std::uint64_t sequence) const { return by_sequence_.find(sequence); }
  const Event& operator[](std::uint32_t slot) const { return events_[slot]; }
  std::int64_t deadline_ns(std::uint32_t slot) const { return calendar_.at_ns(slot); }
  // An empty calendar is brought up to date at the next add().
  void advance(std::int64_t now_ns) {
    now_ns_ = now_ns;
    if (size_ != 0) {
      calendar_.advance(now_ns);
    }
  }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan) {
    return 64 + plan.limits()->waiting_events() * (sizeof(Event) + 2 * sizeof(std::int64_t));
  }
  void freeze(Freezer& out, const TrackTable&) const {
    out.put(static_cast<std::uint64_t>(size_));
    calendar_.freeze(out);
    calendar_.for_each([&](std::uint32_t slot) {
      out.put(events_[slot]);
      out.put(calendar_.at_ns(slot));
      out.put(calendar_.tick(slot));
    });
  }
  bool thaw(Thawer& in, Thawing& with) {
    clear();
    const auto count = in.get<std::uint64_t>();
    if (!calendar_.thaw(in) || (with.carry.same() && count > events_.size())) {
      return false;
    }
    if (!with.carry.same()) {
      calendar_.clear();  // its grain belongs to the plan
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!thaw_event(in, with)) {
        return false;
      }
    }
    return in.ok();
  }
  void digest(WordsDigest& digest) const { digest.mix(std::uint64_t{size_}); }
  // Where an event lies is no part of the state, so slices go by where its sequence would lie.
  std::size_t slices(const TrackTable&) const {
    return 1 + (size_ == 0 ? 0 : by_sequence_.homes());
  }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
    if (at == 0) {
      calendar_.mix(out);
      return;
    }
    std::uint64_t sum = 0;
    by_sequence_.for_each_of(at - 1, [&](std::uint32_t slot) {
      SliceDigest event;
      event.mix(events_[slot]);
      event.mix(calendar_.at_ns(slot));
      event.mix(calendar_.tick(slot));
      const std::uint32_t before = calendar_.before(slot);
      event.mix(before == kNone ? std::uint64_t{0} : events_[before].header.sequence);
      sum += event.value();
    });
    out.mix(sum);
  }
  bool unfinished() const { return false; }  // admission checks it, unless held

 private:
  // What the shard lets wait: a whole observation without an exit.
  static bool plausible(const Event& event, std::uint64_t newest, std::size_t sources) {
    const EventHeader& e = event.header;
    const Observation& o = event.observation;
    return e.kind == EventKind::observation && e.payload_bytes == sizeof(Observation) &&
           e.event_class <= EventClass::bulk && e.state.phase() == Phase::accepted &&
           e.sequence <= newest && (e.source < sources || e.source == kNoSource) &&
           plausible_ns(e.observed_ns) && plausible_ns(e.received_ns) &&
           plausible_ns(e.arrival_ns) && o.latitude_e7 >= -900'000'000 &&
           o.latitude_e7 <= 900'000'000 && o.longitude_e7 >= -1'800'000'000 &&
           o.longitude_e7 <= 1'800'000'000;
  }
  bool thaw_event(Thawer& in, Thawing& with) {
    auto event = in.get<Event>();
    const auto deadline_ns = in.get<std::int64_t>();
    const auto tick = in.get<std::int64_t>();
    const bool of_source = event.header.source != kNoSource;
    if (of_source) {
      event.header.source = with.carry.source(event.header.source);
    }
    const bool stays = !of_source || event.header.source < sources_;
    if (!in.ok() || event.header.sequence > with.newest || deadline_ns < 0 ||
        !plausible_ns(deadline_ns)) {
      return false;
    }
    if (Carry& carry = with.carry; !carry.same()) {
      ++(stays && !full() ? carry.report.waiting.kept : carry.report.waiting.left);
      if (!stays || full()) {
        with.leave(with.context, {event.header.sequence, 0});
        return true;
      }
    }
    if (!plausible(event, with.newest, sources_) || find(event.header.sequence) != kNone) {
      return false;
    }
    const std::uint32_t slot = keep(event.header, event.observation);
    const auto ring = static_cast<std::size_t>(event.header.event_class);
    with.carry.same() ? calendar_.add_at_tick(slot, ring, deadline_ns, tick)
                      : calendar_.add(slot, ring, deadline_ns);
    return true;
  }
  std::uint32_t keep(const EventHeader& header, const Observation& observation) {
    CHECK(!full(), "the caller asks for room first");
    const std::uint32_t slot = free_[events_.size() - 1 - size_];
    ++size_;
    events_[slot] = {header, observation};
    by_sequence_.insert(header.sequence, slot);
    return slot;
  }
  void clear() {
    size_ = 0;
    by_sequence_.clear();
    calendar_.clear();
    for (std::size_t i = 0; i < free_.size(); ++i) {
      free_[i] = static_cast<std::uint32_t>(free_.size() - 1 - i);
    }
  }

  std::span<Event> events_;
  std::span<std::uint32_t> free_;  // free slots: the first capacity - size_ entries, a stack
  IdMap by_sequence_;
  Calendar calendar_;
  std::size_t size_ = 0;
  std::size_t sources_ = 0;
  std::int64_t now_ns_ = 0;  // of the last advance()
};

}  // namespace vedette::engine
