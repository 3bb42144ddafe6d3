// Purpose: what a batch's belief means: judges the tracks on the agenda, contacts and the sweep,
// and follows each changed assessment to decisions and action intents.
// In: belief, complete for this batch. Out: derived events; actions under way. Bound: the agenda,
// limits::kSweepTracks contacts and sweep_tracks() tracks of a sweep in one step.
// Runs on: the engine thread.
#pragma once

#include <cstdint>

#include "core/engine/state.hpp"
#include "core/engine/step.hpp"

namespace vedette::engine {

class Judgement {
 public:
  Judgement(State& state, Step& step) : state_(state), step_(step) {}

  void begin();  // belief is as this step leaves it
  void judge_agenda();
  // Contacts that looks of sensors changed; what does not fit this batch is due in the next.
  void judge_contacts();
  void sweep();
  // Evicts tracks from a full table, so that newcomers of the next step find their places free.
  void make_room();

 private:
  using Case = assess::Assess::Case;
  // Of the subject being judged: what its consequences say they come from.
  struct Turn {
    Judgement* self;
    std::uint64_t cause;
    std::int64_t newest_arrival_ns;
  };
  // A change of an assessment on its way through the decisions.
  struct Consequence {
    const Turn& turn;
    assess::View view;  // with the change's level and confidence
    const AssessmentChange& change;
    std::uint64_t cause;  // its event
  };

  Case case_of(std::uint32_t track) const;
  void judge(const Case& judged, std::uint64_t cause, std::int64_t arrival_ns);
  bool stop_before(EventClass next);
  void judge_source(std::size_t source, std::int64_t arrival_ns);
  // Of the agenda's next track: false when the batch is cut before it.
  static bool begin_next(void* turn, std::size_t);
  static void end_next(void* turn, std::size_t);
  void sweep_track(std::uint32_t track, std::int64_t arrival_ns);
  // Clears what is raised of it, parts its name from its contact, frees its place.
  void retire(std::uint32_t track, TrackChangeKind change, EvictionReason why, std::uint64_t cause);
  void track_changed(std::uint32_t track, TrackChangeKind change, std::uint64_t cause,
                     EvictionReason why = EvictionReason::none);
  void age_second_place(std::uint32_t track);
  bool place_of_post(Vector3& here) const;
  static bool keeps(void* self, std::uint32_t track);

  static void on_assessment(void* turn, const assess::View& view, const AssessmentChange& change);
  static void on_decision(void* consequence, const DecisionMade& decision);
  ActionIntent intent_of(const DecisionMade& decision, const AssessmentChange& change,
                         const assess::View& view) const;
  void describe_subject(ActionIntent& intent, const Track& subject, const assess::View& view) const;
  void order(const ActionIntent& intent, std::uint64_t cause, std::int64_t newest_arrival_ns);

  State& state_;
  Step& step_;
  assess::World world_;  // what is the same for all that this step judges
};

}  // namespace vedette::engine
