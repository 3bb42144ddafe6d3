// Purpose: all stages of the core, in the order in which they are frozen. A new stage is its file
// and a line in StageList, with the interface of model/stage.hpp. In: a plan. Out: sums and folds
// over all stages. Runs on: as the stages do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>

#include "core/alarm/alarms.hpp"
#include "core/assess/assess.hpp"
#include "core/assess/pairs.hpp"
#include "core/decide/decide.hpp"
#include "core/deliver/delivery.hpp"
#include "core/engine/agenda.hpp"
#include "core/engine/crowds.hpp"
#include "core/engine/leaving.hpp"
#include "core/engine/load.hpp"
#include "core/engine/self_check.hpp"
#include "core/engine/sources.hpp"
#include "core/engine/waiting.hpp"
#include "core/engine/zone_counts.hpp"
#include "core/perceive/contacts.hpp"
#include "core/perceive/eviction.hpp"
#include "core/perceive/own_position.hpp"
#include "core/perceive/second_places.hpp"
#include "core/perceive/tracks.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

template <typename S>
concept Stage = requires(S stage, Arena& arena, const Site& site, const plan::Plan& plan) {
  { S::bytes_needed(plan) } -> std::same_as<std::size_t>;
  { S::derived_bound(plan) } -> std::same_as<DerivedBound>;
  stage.init(arena, site);
};
// A stage whose state outlives a step.
template <typename S>
concept Stateful = Stage<S> &&
    requires(S stage, const S& frozen, const plan::Plan& plan, Freezer& out, Thawer& in,
             const TrackTable& tracks, Thawing& with, WordsDigest& digest, SliceDigest& slices) {
  { S::kSection } -> std::convertible_to<SectionName>;
  { S::frozen_bytes_bound(plan) } -> std::same_as<std::size_t>;
  frozen.freeze(out, tracks);
  { stage.thaw(in, with) } -> std::same_as<bool>;
  frozen.digest(digest);
  { frozen.slices(tracks) } -> std::same_as<std::size_t>;
  frozen.slice(std::size_t{}, tracks, slices);
  { frozen.unfinished() } -> std::same_as<bool>;
};

// Tracks come first, because later stages refer to them when thawing.
using StageList =
    std::tuple<perceive::Tracks, perceive::Contacts, perceive::OwnPosition, perceive::SecondPlaces,
               perceive::Eviction, assess::Assess, assess::Pairs, alarm::Alarms, decide::Decide,
               deliver::Delivery, Waiting, Load, Sources, Agenda, Crowds, ZoneCounts, Leaving,
               SelfCheck>;

class Stages {
 public:
  template <typename S>
  S& get() {
    return std::get<S>(list_);
  }
  template <typename S>
  const S& get() const {
    return std::get<S>(list_);
  }

  static std::size_t bytes_needed(const plan::Plan& plan) {
    return sum([&]<Stage S>() { return S::bytes_needed(plan); });
  }
  static DerivedBound derived_bound(const plan::Plan& plan) {
    return {sum([&]<Stage S>() { return S::derived_bound(plan).per_subject; }),
            sum([&]<Stage S>() { return S::derived_bound(plan).per_batch; })};
  }
  static std::size_t frozen_bytes_bound(const plan::Plan& plan) {
    return sum([&]<Stage S>() -> std::size_t {
      if constexpr (Stateful<S>) {
        return kSectionOverhead + S::frozen_bytes_bound(plan);
      } else {
        return 0;
      }
    });
  }
  // Whether any stage's section has this name.
  static bool knows(const SectionName& name) {
    return sum([&]<Stage S>() -> std::size_t {
             if constexpr (Stateful<S>) {
               return S::kSection.room == name.room ? 1 : 0;
             } else {
               return 0;
             }
           }) != 0;
  }

  // Calls each(name) for stages with state, in the list's order.
  template <typename Each>
  static void for_each_section(Each&& each) {
    sum([&]<Stage S>() -> std::size_t {
      if constexpr (Stateful<S>) {
        each(S::kSection);
      }
      return 0;
    });
  }

  // Calls each(stage) for stages with state, in the list's order.
  template <typename Each>
  void for_each(Each&& each) {
    std::apply([&](auto&... stage) { (visit(stage, each), ...); }, list_);
  }
  template <typename Each>
  void for_each(Each&& each) const {
    std::apply([&](const auto&... stage) { (visit(stage, each), ...); }, list_);
  }
  std::size_t slices(const TrackTable& tracks) const {
    std::size_t slices = 0;
    for_each([&](const auto& stage) { slices += stage.slices(tracks); });
    return slices;
  }
  template <typename Each>
  void for_all(Each&& each) {
    std::apply([&](auto&... stage) { (each(stage), ...); }, list_);
  }

 private:
  template <typename Each>
  static std::size_t sum(Each&& each) {
    return sum_of(each, static_cast<StageList*>(nullptr));
  }
  template <typename Each, typename... S>
  static std::size_t sum_of(Each&& each, std::tuple<S...>*) {
    return (each.template operator()<S>() + ...);
  }
  template <typename S, typename Each>
  static void visit(S& stage, Each&& each) {
    if constexpr (Stateful<std::remove_const_t<S>>) {
      each(stage);
    }
  }

  StageList list_;
};

}  // namespace vedette::engine
