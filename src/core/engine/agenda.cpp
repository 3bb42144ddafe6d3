#include "core/engine/agenda.hpp"

#include <algorithm>

#include "base/plausible.hpp"

namespace vedette::engine {

std::size_t Agenda::bytes_needed(const plan::Plan& plan) {
  const std::size_t tracks = plan.limits()->tracks();
  return 2 * arena_bytes<Touched>(kTouched) + kEventClasses * ReadyPages::bytes_needed(tracks) +
         arena_bytes<std::uint16_t>(tracks) +
         arena_bytes<std::uint16_t>(kTouched + ReadySet::kSlack);
}

void Agenda::init(Arena& arena, const Site& site) {
  const std::size_t tracks = site.plan->limits()->tracks();
  touched_ = arena.make<Touched>(kTouched);
  ordered_ = arena.make<Touched>(kTouched);
  for (ReadyPages& ready : ready_) {
    ready.init(arena, tracks, kernel_);
  }
  place_of_ = arena.make<std::uint16_t>(tracks);
  queue_ = arena.make<std::uint16_t>(kTouched + ReadySet::kSlack);
}

inline void Agenda::mark_ready(std::size_t place) {
  const Touched& t = touched_[place];
  place_of_[t.track] = static_cast<std::uint16_t>(place);
  ready_[static_cast<std::size_t>(t.event_class)].set(t.track);
}

void Agenda::begin_batch() {
  ticked_ = false;
  if (!ordered_now_) {
    return;
  }
  const std::size_t end = count_;
  count_ = 0;
  for (std::size_t i = judged_; i < end; ++i) {
    if (touched_[i].track != kNone) {
      touched_[count_] = touched_[i];
      mark_ready(count_++);
    }
  }
  judged_ = 0;
  ordered_now_ = false;
}

void Agenda::touch(std::uint32_t track, const EventHeader& event, std::uint32_t changes) {
  const EventClass event_class = std::min(event.event_class, EventClass::bulk);
  // Within a batch, nothing is judged yet: merge with the earlier touch.
  if (const std::size_t at = place_of_[track]; at < count_ && touched_[at].track == track) {
    Touched& t = touched_[at];
    t.cause = event.sequence;
    t.arrival_ns = event.arrival_ns;
    t.changes = static_cast<std::uint16_t>(t.changes | changes);
    if (event_class < t.event_class) {
      ready_[static_cast<std::size_t>(t.event_class)].clear(track);
      t.event_class = event_class;
      mark_ready(at);
    }
    return;
  }
  touched_[count_] = {
      track, static_cast<std::uint16_t>(changes), event_class, 0, event.sequence, event.arrival_ns};
  mark_ready(count_++);
}

void Agenda::order() {
  ordered_now_ = true;
  if (count_ == 1) {  // a batch of one event needs no order
    ready_[static_cast<std::size_t>(touched_[0].event_class)].clear(touched_[0].track);
    return;
  }
  std::size_t count = 0;
  for (ReadyPages& ready : ready_) {
    ready.release(queue_,
                  [&](std::uint32_t track) { ordered_[count++] = touched_[place_of_[track]]; });
  }
  CHECK(count == count_, "every touched track is ready once");
  std::swap(touched_, ordered_);
}

void Agenda::forget(std::uint32_t track) {
  for (std::size_t t = 0; t < count_; ++t) {
    touched_[t].track = touched_[t].track == track ? kNone : touched_[t].track;
  }
}

bool Agenda::has(std::uint32_t track) const {
  const std::span<const Touched> due = left();
  return std::any_of(due.begin(), due.end(),
                     [&](const Touched& touched) { return touched.track == track; });
}

void Agenda::tick(std::int64_t next_ns) {
  next_tick_ns_ = next_ns;
  // Ticks in every batch may restart a sweep once, so that it still ends.
  sweep_again_ = sweeping() && sweep_at_ != 0;
  if (!sweeping()) {
    sweep_at_ = 0;
    ticked_ = true;
  }
}

// Skips free slots even in a cut batch: a replay learns of the cut only at an item.
std::uint32_t Agenda::sweep_place(const TrackTable& tracks) {
  while (sweep_at_ < tracks.high_water() && !tracks.in_use(sweep_at_)) {
    ++sweep_at_;
  }
  if (sweep_at_ >= tracks.high_water()) {
    sweep_at_ = sweep_again_ ? 0 : kNoSweep;
    sweep_again_ = false;
    return kNone;
  }
  return sweep_at_;
}

void Agenda::freeze(Freezer& out, const TrackTable&) const {
  out.put(FrozenHead{next_tick_ns_, sweep_at_, sweep_again_ ? 1U : 0U, left().size()});
  for (const Touched& t : left()) {
    out.put(t);
  }
}

bool Agenda::plausible(const Touched& t, std::size_t place, const TrackTable& tracks) const {
  if (t.event_class > EventClass::bulk || !plausible_ns(t.arrival_ns)) {
    return false;
  }
  if (t.track == kNone) {
    return true;
  }
  const auto same = [&](const Touched& other) { return other.track == t.track; };
  return t.track < tracks.capacity() && tracks.in_use(t.track) &&
         std::none_of(touched_.begin(), touched_.begin() + static_cast<std::ptrdiff_t>(place),
                      same);
}

bool Agenda::thaw(Thawer& in, Thawing& with) {
  const auto head = in.get<FrozenHead>();
  next_tick_ns_ = head.next_tick_ns;
  sweep_at_ = head.sweep_at;
  sweep_again_ = head.sweep_again != 0;
  if (!plausible_ns(next_tick_ns_) || head.left > limits::kBatchEvents ||
      (sweep_at_ != kNoSweep && sweep_at_ > limits::kTracks)) {
    return false;
  }
  if (with.carry.tracks_moved() && sweeping()) {
    sweep_at_ = 0;  // restart, because tracks have other slots
  }
  if (sweeping() && sweep_at_ > with.tracks.capacity()) {
    return false;
  }
  count_ = 0;
  judged_ = 0;
  ordered_now_ = true;
  for (std::size_t i = 0; i < head.left; ++i) {
    auto t = in.get<Touched>();
    if (t.track != kNone) {
      t.track = with.carry.slot(t.track);
      const bool gone = t.track == Carry::kGoneSlot || t.track >= with.tracks.capacity() ||
                        !with.tracks.in_use(t.track);
      t.track = gone && !with.carry.same() ? kNone : t.track;
    }
    if (!in.ok() || !plausible(t, i, with.tracks)) {
      return false;
    }
    touched_[count_++] = t;
  }
  return true;
}

}  // namespace vedette::engine
