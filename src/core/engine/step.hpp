// Purpose: the state of one step: its batch, whether it is cut, and the exits of earlier events in
// it. Passed to everything that works in the step. Bound: one exit a turn of the step. Runs on: the
// engine thread; no allocation after init().
#pragma once

#include <cstdint>
#include <span>

#include "base/digest.hpp"
#include "core/engine/batch_builder.hpp"
#include "model/derived.hpp"

namespace vedette::engine {

// Queried between two work items: is something critical waiting? If so the batch is cut there, and
// the next one begins with it.
struct Urgency {
  bool (*waiting)(void* context) = nullptr;
  void* context = nullptr;
};

// Called for each action as soon as it is under way, because an action that need not wait for the
// disk need not wait for the rest of the batch.
struct Effects {
  void (*act)(void* context, const EventHeader& event, const ActionIntent& intent,
              std::int64_t newest_arrival_ns) = nullptr;
  void* context = nullptr;
};

struct Step {
  BatchBuilder batch;
  Urgency urgency;
  Effects effects;
  std::uint32_t items = 0;  // waiting events worked, subjects judged, shares of the self-check
  RoundsDigest belief;      // of the judged tracks
  std::uint32_t recorded_cut = kNotCut;
  bool replaying = false;
  bool cut = false;
  bool newcomers_refused = false;
  std::size_t tracks_before = 0;
  std::uint32_t rounds_before = 0;  // of the self-check
  std::span<Resolution> left;       // exits of events of earlier batches; written after the inputs
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

  // Appends a derived event that is resolved at once.
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
  // Records an earlier event's exit.
  void resolved(const Resolution& resolution) {
    tell(EventKind::resolution, EventClass::normal, resolution.sequence, resolution);
  }
  void leaves(std::uint64_t sequence, Exit exit, Reason reason) {
    left[left_count++] = {sequence, exit, reason, {}};
  }

  // True: the batch is cut before that item. `left_over`: subjects that the cut would leave, at
  // most one batch's.
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
