// Purpose: judges the tracks on the agenda, contacts and the sweep, and follows each changed
// assessment to decisions and action intents. In: belief, complete for this batch. Out: derived
// events; actions under way. Bound: the agenda, limits::kSweepTracks contacts and sweep_tracks()
// tracks of a sweep per step. Runs on: the engine thread.
#pragma once

#include <cstdint>

#include "core/engine/state.hpp"
#include "core/engine/step.hpp"

namespace vedette::engine {

class Judgement {
 public:
  Judgement(State& state, Step& step) : state_(state), step_(step) {}

  void begin();  // call when belief is complete
  void judge_agenda();
  // Judges contacts that sensors changed; those beyond this batch's bound come in the next.
  void judge_contacts();
  // Clears pairs of which a track is gone; call first.
  void part_pairs();
  // Judges tracks whose pairs had more changes than a step makes.
  void judge_pairs_left();
  void sweep();
  // Records what became of alarms; escalates, and announces again those that are due. At most
  // alarm::Alarms::kPerBatch in a batch.
  void tend_alarms();
  ActionIntent describe(const Alarm& alarm) const;
  // A subject as conditions read it after the last step, at its second place if asked. `world`
  // must outlive the view. False: it is gone.
  bool view_of(const Subject& subject, bool second, assess::World& world, assess::View& view) const;
  // Evicts tracks from a full table, so that the next step's newcomers find free slots.
  void make_room();

 private:
  using Case = assess::Assess::Case;
  // The subject being judged, with the causes that its consequences cite.
  struct Turn {
    Judgement* self;
    std::uint64_t cause;
    std::int64_t newest_arrival_ns;
  };
  // A changed assessment on its way through the decisions.
  struct Consequence {
    const Turn& turn;
    assess::View view;  // with the change's level and confidence
    const AssessmentChange& change;
    std::uint64_t cause;  // its event
  };

  assess::World world_at(std::int64_t now_ns) const;
  Case case_of(std::uint32_t track) const;
  void judge(const Case& judged, std::uint64_t cause, std::int64_t arrival_ns);
  bool stop_before(EventClass next);
  void judge_source(std::size_t source, std::int64_t arrival_ns);
  void judge_post(std::int64_t arrival_ns);  // sinks and the node itself
  // For the agenda's next track; false when the batch is cut before it.
  static bool begin_next(void* turn, std::size_t);
  static void end_next(void* turn, std::size_t);
  void judge_pairs(std::uint32_t track, std::uint64_t cause, std::int64_t arrival_ns);
  void sweep_track(std::uint32_t track, std::int64_t arrival_ns);
  // Clears its assessments, separates name and contact, frees its slot.
  void retire(std::uint32_t track, TrackChangeKind change, EvictionReason why, std::uint64_t cause);
  void track_changed(std::uint32_t track, TrackChangeKind change, std::uint64_t cause,
                     EvictionReason why = EvictionReason::none);
  void age_second_place(std::uint32_t track);
  bool place_of_post(Vector3& here) const;
  static bool keeps(void* self, std::uint32_t track);

  void escalate(const Alarm& alarm, std::uint64_t cause);
  void announce(const Alarm& alarm);
  // False: the subject is gone.
  bool case_of(const Subject& subject, Case& out) const;
  void decide(Consequence& follows, std::int64_t late_ns);
  static void on_assessment(void* turn, const assess::View& view, const AssessmentChange& change);
  // Those that this mode lets through, in order.
  std::span<const std::uint16_t> actions_of(
      const DecisionMade& decision, std::array<std::uint16_t, limits::kRunActions>& room) const;
  static void on_decision(void* consequence, const DecisionMade& decision);
  ActionIntent intent_of(const DecisionMade& decision, const AssessmentChange& change,
                         const assess::View& view) const;
  void describe_subject(ActionIntent& intent, const Track& subject, const assess::View& view) const;
  void retract_superseded(const ActionIntent& by, std::uint64_t cause);
  void order(const ActionIntent& intent, std::uint64_t cause, std::int64_t newest_arrival_ns);

  State& state_;
  Step& step_;
  assess::World world_;     // shared by all that this step judges
  mutable SinkFacts sink_;  // of the last case of an alarm about one
};

}  // namespace vedette::engine
