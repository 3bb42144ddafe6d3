// Purpose: one engine: joins admission, perceive, assess, decide and action intents into one step,
// state' and effects = step(state, batch), which reads no clock, no socket and no random source.
// In: lanes of events and the node time. Out: one sealed batch in the batch lane for each step.
// Bound: plan limits; bytes_needed() is exact. When full: nothing is admitted, the lanes fill.
// Runs on: the engine thread, or stepped by replay and tests.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/lane.hpp"
#include "core/assess/assess.hpp"
#include "core/decide/decide.hpp"
#include "core/deliver/delivery.hpp"
#include "core/engine/batch_builder.hpp"
#include "core/engine/load.hpp"
#include "core/engine/ready_pages.hpp"
#include "core/engine/waiting.hpp"
#include "core/perceive/contacts.hpp"
#include "core/perceive/eviction.hpp"
#include "core/perceive/own_position.hpp"
#include "core/perceive/perceive.hpp"
#include "core/perceive/second_places.hpp"
#include "model/cause.hpp"
#include "model/derived.hpp"
#include "model/plan_generated.h"
#include "model/track_table.hpp"

namespace vedette::engine {

// Of the whole state, for snapshots: an upper bound for this plan.
std::size_t frozen_bytes_bound(const plan::Plan& plan);
// Where a frozen state has its tracks; none where it is no whole state.
std::span<const FrozenTrack> frozen_tracks(Bytes frozen);
// Largest batch this plan can make.
std::size_t batch_bytes_bound(const plan::Plan& plan);

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

class Shard {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch,
            ReleaseKernel kernel = ReleaseKernel::scalar);

  // One step at node time `now_ns`. What stands at the heads of the lanes and what waits is worked
  // by class and then by deadline. Empty when there was nothing to do or the batch lane is full.
  Bytes step(std::span<Lane* const> lanes, Lane& batches, std::int64_t now_ns,
             std::int64_t arrival_ns, const Urgency& urgency = {}, const Effects& effects = {});
  // The same step with the inputs of a recorded batch; what it makes must equal the record.
  Bytes replay(Bytes recorded, Lane& batches);

  // An event of it comes to the next step: its track is asked from memory, as soon as it is known
  // whom a frame is about.
  void foresee(IdentityKind kind, std::uint64_t identity) const {
    const std::uint64_t key = track_key(kind, identity);
    const std::uint32_t guess = tracks_.guess(key);
    tracks_.prefetch_find(key);
    tracks_.prefetch(guess);
    assess_.prefetch_early(guess);
  }

  // True when the last step left work behind: a sweep under way, a batch that was cut, or events
  // that wait although nothing holds them.
  bool unfinished() const {
    return sweeping() || touched_count_ > judged_ || contacts_.any_due() ||
           (!held_ && waiting_.size() != 0);
  }
  std::int64_t next_tick_ns() const { return next_tick_ns_; }

  void freeze(Freezer& out) const;
  // False when it is no state of this plan's; what is here then is good for nothing but init().
  bool thaw(Thawer& in);
  void set_epoch(std::uint32_t epoch) { epoch_ = epoch; }
  std::uint32_t epoch() const { return epoch_; }
  // Batches and events up to these are somebody's already, and not part of what this one knows.
  void pass_over(std::uint64_t batch, std::uint64_t sequence) {
    progress_.batch_number = batch;
    progress_.last_sequence = sequence;
  }

  const Progress& progress() const { return progress_; }
  const TrackTable& tracks() const { return tracks_; }
  const deliver::Delivery& delivery() const { return delivery_; }
  const Waiting& waiting() const { return waiting_; }
  bool held() const { return held_; }
  Mode mode() const { return load_.mode(); }
  Causes causes() const;  // as they are behind the last step
  const assess::Assess& assess() const { return assess_; }
  const perceive::Config& config() const { return config_; }
  const perceive::Contacts& contacts() const { return contacts_; }
  const perceive::SecondPlaces& second_places() const { return second_places_; }
  std::uint64_t last_record(std::uint16_t source) const { return records_[source]; }
  std::uint64_t late_outcomes() const { return late_outcomes_; }
  // What full tables turned away and gave up, ever.
  struct Crowding {
    std::uint64_t tracks_refused, orders_refused;
    std::array<std::uint64_t, 4> evicted;  // tracks, by EvictionReason
  };
  const Crowding& crowding() const { return crowding_; }

 private:
  static constexpr std::uint32_t kNoSweep = 0xFFFFFFFF;
  // Those left by a cut, at most one batch's, and those of the batch under way.
  static constexpr std::size_t kTouched = 2 * limits::kBatchEvents;

  bool thaw_causes(Thawer& in);
  bool thaw_room(Thawer& in);
  bool thaw_touched(Thawer& in);
  bool thaw_sources(Thawer& in);
  bool sweeping() const { return sweep_at_ != kNoSweep; }
  void expect(const EventHeader& event);              // it is worked soon
  void expect_later(const EventHeader& event) const;  // behind those
  // True: the batch is cut before that item.
  bool stop_before(EventClass next) {
    return cut_ || ((replaying_ || urgency_.waiting != nullptr) && cuts_before(next));
  }
  bool cuts_before(EventClass next);
  std::int64_t deadline_ns(const EventHeader& event) const;
  std::uint64_t key_of(const EventHeader& event) const {
    return urgency_key(event.event_class, deadline_ns(event));
  }
  // Works or gives up one waiting event that goes before `key`; false when there is none, or the
  // batch was cut before it.
  bool take_waiting(std::uint64_t key);
  void leave(const EventHeader& event, Exit exit, Reason reason);
  void command(EventHeader& event);
  void requeue(EventHeader& event);
  void begin_run(const Urgency& urgency, const Effects& effects);
  void finish_run();
  void tell_causes();
  void start_sources(std::int64_t now_ns);  // silence counts from the first batch on
  void work(EventHeader& event);
  void tick(EventHeader& event);
  void other_work(EventHeader& event);
  void heard(const EventHeader& event);
  bool takes(EventHeader& event);
  void observe(EventHeader& event);
  // Observations of this batch that may be worked together wait for each other, until anything else
  // is to be done.
  void observe_soon(EventHeader& event);
  void observe_together();
  bool sudden(const Track& track, const EventHeader& event) const;
  void age_second_place(std::uint32_t track);
  void perceived(EventHeader& event, const Observation& observation, const perceive::Perceived& p);
  void outcome(EventHeader& event);
  void deliver();
  void resolved(const Resolution& resolution);
  void touch(std::uint32_t track, const EventHeader* event, const perceive::Perceived& perceived);
  void mark_ready(std::size_t touched);
  void order_touched();
  void judge_touched();
  void judge_contacts();
  void sweep();
  void retire(std::uint32_t track, TrackChangeKind change, EvictionReason why, std::uint64_t cause);
  void make_room();
  void settle_crowds();
  static bool keeps(void* self, std::uint32_t track);
  static bool before_touched(void* self, std::size_t at);
  static void after_touched(void* self, std::size_t at);
  assess::World world() const;
  assess::Assess::Case case_of(std::uint32_t track) const;
  void judge(const assess::Assess::Case& judged, std::uint64_t cause, std::int64_t arrival_ns);
  void judge_source(std::uint16_t source, std::int64_t arrival_ns);
  const Track* own() const;
  std::uint64_t digest_of_belief();
  void track_changed(std::uint32_t track, TrackChangeKind change, std::uint64_t cause,
                     EvictionReason why = EvictionReason::none);

  struct Consequence;
  static void on_assessment(void* self, const assess::View& view, const AssessmentChange& change);
  static void on_decision(void* consequence, const DecisionMade& decision);
  void intend(const DecisionMade& decision, std::uint64_t cause, const assess::View& view,
              const AssessmentChange& change);

  const plan::Plan* plan_ = nullptr;
  perceive::Config config_;
  TrackTable tracks_;
  std::span<Sensor> sensors_;
  perceive::Contacts contacts_;
  perceive::OwnPosition own_position_;
  perceive::SecondPlaces second_places_;
  double sudden_within_m_ = 0.0;
  double sudden_after_s_ = 0.0;
  perceive::Eviction eviction_;
  assess::Assess assess_;
  decide::Decide decide_;
  deliver::Delivery delivery_;
  Waiting waiting_;
  Load load_;
  BatchBuilder batch_;
  Progress progress_;
  // What the plan says of each source, at hand for every event.
  struct SourceLimits {
    std::int64_t horizon_ns;
    std::uint32_t sample;
  };
  std::span<SourceLimits> limits_;
  std::span<assess::SourceFacts> sources_;
  std::span<std::uint64_t> records_;  // last record number accepted, by source
  std::uint64_t node_id_ = 0;
  std::uint64_t late_outcomes_ = 0;
  std::int64_t next_tick_ns_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint32_t sweep_at_ = kNoSweep;
  bool sweep_again_ = false;  // behind the one under way, for a tick that came meanwhile
  bool ticked_ = false;       // in this batch: its sweep begins with the next, no step bears both
  bool held_ = false;         // observations wait
  Causes causes_told_;        // as the last event says
  Crowding crowding_{};
  // Of tracks, contacts, orders: what of it has been seen, and when it last grew.
  struct Crowd {
    std::uint64_t seen;
    std::int64_t grew_ns;  // 0 never
  };
  std::array<Crowd, 3> crowds_{};
  Causes crowded_;
  std::size_t max_batch_bytes_ = 0;

  // Tracks whose judgement is due: of this step, and left by a cut of the one before.
  struct Touched {
    std::uint32_t track;
    std::uint16_t changes;   // bit of TrackChangeKind
    EventClass event_class;  // most urgent of what touched it
    std::uint8_t reserved;
    std::uint64_t cause;
    std::int64_t arrival_ns;
  };
  std::span<Touched> touched_, ordered_;
  std::array<ReadyPages, kEventClasses> ready_;  // tracks to judge, by class
  std::span<std::uint16_t> touch_of_;            // by track: its place in touched_, if ready
  std::span<std::uint16_t> queue_;
  std::size_t touched_count_ = 0;
  std::size_t judged_ = 0;  // of them, the first
  bool released_ = false;   // they stand in the order of judging, and no longer in ready_

  // Of the step under way only.
  Urgency urgency_;
  Effects effects_;
  std::uint32_t items_ = 0;  // subjects judged
  RoundsDigest belief_;      // of the tracks judged
  std::uint32_t recorded_cut_ = kNotCut;
  bool replaying_ = false;
  bool cut_ = false;
  bool newcomers_refused_ = false;
  std::size_t tracks_before_ = 0;
  // Exits of events of earlier batches; they stand behind the inputs.
  std::span<Resolution> left_;
  std::size_t left_count_ = 0;
  std::array<std::size_t, perceive::kTogether> together_;  // places in the batch
  std::size_t together_count_ = 0;
  std::span<std::uint16_t> touched_sources_;
  std::size_t touched_source_count_ = 0;
  assess::World world_;  // of the judging under way
  std::uint64_t cause_ = 0;
  std::int64_t newest_arrival_ns_ = 0;
};

}  // namespace vedette::engine
