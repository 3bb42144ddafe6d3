// Purpose: one engine: admission, the stages, and judgement in one step, state' and effects =
// step(state, batch), which reads no clock, no socket and no random source. In: lanes of events and
// the node time. Out: one sealed batch per step in the batch lane. Bound: plan limits;
// bytes_needed() is exact. When full: admits nothing, so the lanes fill. Runs on: the engine
// thread, or stepped by replay and tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "base/lane.hpp"
#include "core/engine/admission.hpp"
#include "core/engine/judgement.hpp"
#include "core/engine/observing.hpp"
#include "core/engine/state.hpp"
#include "core/engine/step.hpp"
#include "model/shard_id.hpp"

namespace vedette::engine {

// Upper bound of a frozen state under this plan.
std::size_t frozen_bytes_bound(const plan::Plan& plan);
// The tracks in a frozen state; empty if the state is not whole.
std::span<const FrozenTrack> frozen_tracks(Bytes frozen);
// The formats that this program reads: "step 3 engine 1 tracks 2 ...". Programs with equal texts
// read each other's states.
std::string state_format();
// Largest batch under this plan.
std::size_t batch_bytes_bound(const plan::Plan& plan);

// Why a frozen state was refused; `room`: the section at fault, empty for the whole.
struct ThawRefusal {
  enum class Why : std::uint8_t { none, damaged, unknown_room, other_version, missing };
  Why why = Why::none;
  char room[16] = {};
  std::uint32_t version = 0;
  explicit operator bool() const { return why != Why::none; }
};

class Shard {
 public:
  Shard() = default;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch,
            ReleaseKernel kernel = ReleaseKernel::scalar, std::uint8_t number = kFirstShard);

  // One step at node time `now_ns`: works lane heads and waiting events by class, then deadline.
  // Empty when the batch lane is full, when there was nothing to do, or when the step was quiet:
  // worked() tells these apart. A quiet step has a time of its own, not after `now_ns`.
  Bytes step(std::span<Lane* const> lanes, Lane& batches, std::int64_t now_ns,
             std::int64_t arrival_ns, const Urgency& urgency = {}, const Effects& effects = {});
  bool worked() const { return worked_; }               // the last step, quiet or not
  bool ticked() const { return step_.batch.ticked(); }  // the last step that worked
  // Has the next step make a batch, if quiet ones precede it: so that the record has all.
  void seal_quiet() { seal_quiet_ = state_.quiet.steps != 0; }
  // The quiet steps before a recorded batch. Not empty: one was not quiet here, and made this
  // batch; call again. replay() does it too, and drops these.
  Bytes replay_quiet(const BatchHeader& recorded, Lane& batches);
  // The same step with the inputs of a recorded batch; the result must equal the record.
  Bytes replay(Bytes recorded, Lane& batches);

  // True when the last step left work: a sweep under way, a preempted batch, or waiting events that
  // are not held.
  bool unfinished() const;
  // When a step has something to do although nothing came: a tick, or a stint of the self-check.
  // Steps since the last batch that no batch has yet.
  std::uint64_t quiet_steps() const { return state_.quiet.steps; }
  std::int64_t next_tick_ns() const {
    return std::min(state_.agenda.next_tick_ns(), state_.self_check.next_ns());
  }

  // A container of sections, one for each room (base/sections.hpp).
  void freeze(Freezer& out) const;
  // Call after init(). After a refusal the shard is unusable until the next init().
  ThawRefusal thaw(Bytes frozen);
  // The same for a state frozen under another plan; `carry` maps that plan to this one and then
  // reports what was carried. What has no place leaves in the next batches.
  ThawRefusal thaw(Bytes frozen, Carry& carry, const PlanChange& change);
  void set_epoch(std::uint32_t epoch) { state_.epoch = epoch; }
  std::uint32_t epoch() const { return state_.epoch; }
  // Skips batch and sequence numbers that are in use already, without taking over their content.
  void pass_over(std::uint64_t batch, std::uint64_t sequence) {
    state_.progress.batch_number = batch;
    state_.progress.last_sequence = sequence;
  }

  // For an order that a recomputation made: gives it the number of the action that the record has,
  // or one of its own.
  void renumber_order(std::uint64_t sequence, std::uint64_t to) {
    state_.delivery.renumber(sequence, to);
  }
  // The order counts as sent, but was not: it is due at once.
  void send_again(std::uint64_t sequence);

  const Progress& progress() const { return state_.progress; }
  const TrackTable& tracks() const { return state_.tracks; }
  const deliver::Delivery& delivery() const { return state_.delivery; }
  const Waiting& waiting() const { return state_.waiting; }
  bool held() const { return state_.held; }
  Mode mode() const { return state_.load.mode(); }
  Causes causes() const { return state_.causes(); }     // after the last step
  Causes seen() const { return state_.crowds.seen(); }  // what an input said last
  const assess::Assess& assess() const { return state_.assess; }
  const assess::Pairs& pairs() const { return state_.pairs; }
  const TrackingRules& config() const { return state_.site.rules; }
  // What is known of an alarm's subject, as in its action; its identity alone if it is gone.
  ActionIntent describe(const Alarm& alarm) const { return judgement_.describe(alarm); }
  // See Judgement::view_of().
  bool view_of(const Subject& subject, bool second, assess::World& world,
               assess::View& view) const {
    return judgement_.view_of(subject, second, world, view);
  }
  const alarm::Alarms& alarms() const { return state_.alarms; }
  const perceive::Contacts& contacts() const { return state_.contacts; }
  const perceive::SecondPlaces& second_places() const { return state_.second_places; }
  std::uint64_t last_record(std::uint16_t source) const {
    return state_.sources.last_record(source);
  }
  std::uint64_t late_outcomes() const { return state_.late_outcomes; }
  // Rounds of the self-check that have ended: all that was frozen before the last one began has
  // entered a digest since.
  std::uint32_t check_rounds() const { return state_.self_check.rounds(); }
  const Crowding& crowding() const { return state_.crowds.counts(); }

 private:
  ThawRefusal thaw_sections(Bytes frozen, Carry& carry);
  // Admits and works the most urgent input; `none` when this step takes no more.
  enum class Taken { worked, passed, none };
  Taken take_next(Admission& admission);
  bool stop_before(EventClass next);
  // Works or abandons one waiting event more urgent than `key`; false when there is none, or the
  // batch was cut before it.
  bool take_waiting(std::uint64_t key);
  void begin_run(const Urgency& urgency, const Effects& effects);
  void finish_run();
  std::int64_t time_by_itself() const;
  bool goes_by_itself(const Admission& admission, std::int64_t now_ns) const;
  Bytes end_step(bool by_itself, Lane& batches);
  void work(EventHeader& event);
  void other_work(EventHeader& event);
  void tick();
  void leave(const EventHeader& event, Exit exit, Reason reason);
  void command(EventHeader& event);
  void alarm_command(EventHeader& event);
  bool cancel(std::uint64_t sequence);
  void requeue(EventHeader& event);
  void outcome(EventHeader& event);
  void unrecorded(EventHeader& event);
  void deliver();
  void retry_failed();
  void resolve_leavers();
  void record_changes();
  void check_slices();

  State state_;
  Step step_;
  bool seal_quiet_ = false;
  // Before the next recorded batch, also those that made a batch of their own here.
  std::uint64_t quiet_replayed_ = 0;
  bool worked_ = false;
  Observing observing_{state_, step_};
  Judgement judgement_{state_, step_};
  std::size_t max_batch_bytes_ = 0;
};

}  // namespace vedette::engine
