// Purpose: the state of one shard that outlives a step: the site, the stages and the shard's
// progress. Runs on: the engine thread, or stepped by replay and tests.
#pragma once

#include <cstdint>

#include "core/engine/batch_builder.hpp"
#include "core/engine/stages.hpp"

namespace vedette::engine {

// Steps since the last batch that no batch has.
struct Quiet {
  std::uint64_t digest = 0;
  std::int64_t at_ns = 0;  // of the last one
  std::uint64_t steps = 0;
};

struct State {
  Site site;
  Stages stages;
  Progress progress;
  Quiet quiet;
  std::uint64_t node_id = 0;
  std::uint64_t late_outcomes = 0;
  std::uint32_t epoch = 0;
  bool held = false;  // observations are held

  TrackTable& tracks = stages.get<perceive::Tracks>().table();
  perceive::Contacts& contacts = stages.get<perceive::Contacts>();
  perceive::OwnPosition& own_position = stages.get<perceive::OwnPosition>();
  perceive::SecondPlaces& second_places = stages.get<perceive::SecondPlaces>();
  perceive::Eviction& eviction = stages.get<perceive::Eviction>();
  assess::Assess& assess = stages.get<assess::Assess>();
  assess::Pairs& pairs = stages.get<assess::Pairs>();
  alarm::Alarms& alarms = stages.get<alarm::Alarms>();
  decide::Decide& decide = stages.get<decide::Decide>();
  deliver::Delivery& delivery = stages.get<deliver::Delivery>();
  Waiting& waiting = stages.get<Waiting>();
  Load& load = stages.get<Load>();
  Sources& sources = stages.get<Sources>();
  Agenda& agenda = stages.get<Agenda>();
  Crowds& crowds = stages.get<Crowds>();
  ZoneCounts& zone_counts = stages.get<ZoneCounts>();
  Leaving& leaving = stages.get<Leaving>();
  SelfCheck& self_check = stages.get<SelfCheck>();

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const plan::Plan& plan() const { return *site.plan; }
  const Tracker& tracker_of(IdentityKind kind) const { return site.rules.of(kind); }
  const Track* own() const {
    const std::uint32_t index = tracks.find(track_key(IdentityKind::own, 0));
    return index == TrackTable::kNone ? nullptr : &tracks[index];
  }
  Causes causes() const {
    Causes causes = crowds.full();
    causes.set(Cause::overload, load.mode() == Mode::overload);
    causes.set(Cause::safe, load.mode() == Mode::safe);
    causes.set(Cause::held, held);
    causes.set(Cause::own_in_doubt, own_position.in_doubt());
    return causes;
  }
  std::uint64_t digest(std::uint64_t of_judged_tracks) const;
};

}  // namespace vedette::engine
