// Purpose: what lives no longer than one step: the batch that is made, whether it is cut, and the
// exits of earlier events that it brings. Handed to what the step is made of.
// Bound: one exit a turn of the step. Runs on: the engine thread; no allocation after init().
#pragma once

#include <cstdint>
#include <span>

#include "base/digest.hpp"
#include "core/engine/batch_builder.hpp"
#include "model/derived.hpp"

namespace vedette::engine {

// Asked between two work items: is something critical waiting? Then the batch is cut there, and the
// next one begins with it.
struct Urgency {
  bool (*waiting)(void* context) = nullptr;
  void* context = nullptr;
};

// Told of each action as soon as it is under way, while the step goes on: what must not wait for
// the disk need not wait for the rest of the batch either.
struct Effects {
  void (*act)(void* context, const EventHeader& event, const ActionIntent& intent,
              std::int64_t newest_arrival_ns) = nullptr;
  void* context = nullptr;
};

struct Step {
  BatchBuilder batch;
  Urgency urgency;
  Effects effects;
  std::uint32_t items = 0;  // subjects judged
  RoundsDigest belief;      // of the tracks judged
  std::uint32_t recorded_cut = kNotCut;
  bool replaying = false;
  bool cut = false;
  bool newcomers_refused = false;
  std::size_t tracks_before = 0;
  std::span<Resolution> left;  // exits of events of earlier batches; they stand behind the inputs
  std::size_t left_count = 0;
  std::span<std::uint16_t> touched_sources;
  std::size_t touched_source_count = 0;

  void begin(const Urgency& by, const Effects& to, std::size_t tracks) {
    urgency = by;
    effects = to;
    items = 0;
    belief = RoundsDigest();
    cut = newcomers_refused = false;
    tracks_before = tracks;
    left_count = touched_source_count = 0;
  }
  std::int64_t now_ns() const { return batch.admitted_ns(); }

  // An event that this batch derives, resolved at once.
  template <typename Payload>
  EventHeader& tell(EventKind kind, EventClass event_class, std::uint64_t cause,
                    const Payload& payload) {
    EventHeader& event = derive(kind, event_class, cause, payload);
    batch.resolve(event, Exit::success, Reason::applied);
    return event;
  }
  template <typename Payload>
  EventHeader& derive(EventKind kind, EventClass event_class, std::uint64_t cause,
                      const Payload& payload) {
    EventHeader* event = batch.add_derived(kind, event_class, cause, payload);
    CHECK(event != nullptr, "derived events within the plan's bound");
    return *event;
  }
  // The record of an earlier event's exit, for whoever asks how it ended.
  void resolved(const Resolution& resolution) {
    tell(EventKind::resolution, EventClass::normal, resolution.sequence, resolution);
  }
  void leaves(std::uint64_t sequence, Exit exit, Reason reason) {
    left[left_count++] = {sequence, exit, reason, {}};
  }

  // True: the batch is cut before that item. `left_over`: subjects that a cut would leave behind,
  // which must not exceed one batch's.
  bool stop_before(EventClass next, std::size_t left_over, std::size_t most) {
    return cut || ((replaying || urgency.waiting != nullptr) && cuts_before(next, left_over, most));
  }

 private:
  bool cuts_before(EventClass next, std::size_t left_over, std::size_t most) {
    if (replaying) {
      cut = items == recorded_cut;
      return cut;
    }
    cut = next != EventClass::critical && left_over <= most && urgency.waiting(urgency.context);
    if (cut) {
      batch.cut_at(items);
    }
    return cut;
  }
};

}  // namespace vedette::engine
