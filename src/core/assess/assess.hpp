// Purpose: judgements over belief: conditions with level, confidence, and hysteresis in time.
// In: subjects (tracks, own ship, sources, sinks, the node) to judge at a node time; pairs.hpp has
// those of pairs. Out: AssessmentChange, by callback; how often delays held one down. Bound:
// assessments * (tracks + 2 + sources + sinks) instances, each judged in a known number of
// operations. Fails as: an unknown value (NaN) neither raises nor clears. Runs on: the engine
// thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "core/assess/condition.hpp"
#include "core/assess/prefilter.hpp"
#include "model/derived.hpp"
#include "model/plan_generated.h"
#include "model/stage.hpp"

namespace vedette::assess {

// Refers to the plan, which must outlive it.
class Assess {
 public:
  struct Case {
    Subject subject;                // own ship is a track here
    std::uint32_t place = 0;        // the track's slot, the source's index
    const void* object = nullptr;   // passed to its kind's reader: a Track or a SourceFacts
    const Track* second = nullptr;  // the track's other place, if it has two
    bool second_unseen = false;     // nothing has been heard there since
    const Track* other = nullptr;   // of a pair
  };
  // Callbacks of one judge(), in the order of its cases. `before` and `after` may be null.
  struct Listener {
    // False ends the judging before this case.
    bool (*before)(void* context, std::size_t at) = nullptr;
    // `view` shows the second place if change.second is set.
    void (*changed)(void* context, const View& view, const AssessmentChange& change) = nullptr;
    void (*after)(void* context, std::size_t at) = nullptr;
    void* context = nullptr;
  };

  static constexpr SectionName kSection{"assess", 3};

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  // Each subject may change each assessment.
  static DerivedBound derived_bound(const plan::Plan& plan) {
    return {plan.assessments()->size() * event_bytes(sizeof(AssessmentChange)), 0};
  }

  // Prefetches the instances of a track to be judged soon.
  void prefetch(std::uint32_t track) const {
    if (busy_[track] != 0) {
      vedette::prefetch(instances_.data() + track * rules_.size(),
                        rules_.size() * sizeof(Instance));
    }
  }
  // Judges every assessment that applies to each case, in order; own ship's track first as own
  // ship. The callbacks must not change a case. Returns the number of cases judged.
  std::size_t judge(const World& world, std::span<const Case> cases, const Listener& listener);
  // Clears every raised assessment of a track; call before releasing its slot.
  void retire(const World& world, const Case& track, const Listener& listener);

  static View view_of(const World& world, const Case& judged);

  // The life of one assessment about one subject.
  enum class State : std::uint8_t { idle = 0, pending, active, clearing };
  struct Instance {
    std::int64_t since_ns;
    std::int64_t lower_since_ns;  // since when a lower level would apply; 0: it does not
    double confidence;
    State state;
    Level level;
    std::uint8_t reserved[6];
  };
  static bool plausible(const Instance& at);
  // How often an assessment's delays kept it from changing: what chatters.
  struct Held {
    std::uint64_t brief;     // its condition was gone before `hold`
    std::uint64_t returned;  // and came back before `clear`
  };
  // Of subjects whose instances another room keeps (pairs.hpp): judges one, or ends one that is
  // raised. `applies`: false where the condition cannot hold.
  void judge_one(const View& view, const Subject& subject, std::size_t rule, bool applies,
                 Instance& at, const Listener& listener);
  void end(const View& view, const Subject& subject, std::size_t rule, const Instance& at,
           const Listener& listener) const {
    announce(view, subject, rule, Transition::cleared, at, listener);
  }
  bool holds(const View& view, std::size_t rule) const {
    return wanted(view, rules_[rule]) && evaluate(condition_of(view, rules_[rule]), view) == 1.0;
  }

  std::size_t raised() const { return raised_; }
  std::span<const Held> held() const { return held_; }  // by assessment
  // True while an alarm of the track is raised or clearing.
  bool alarm_stands(std::uint32_t track) const;

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable& tracks) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const {
    digest.mix(std::uint64_t{raised_});
    for (const Held& held : held_) {
      digest.mix(held.brief);
      digest.mix(held.returned);
    }
  }
  std::size_t slices(const TrackTable& tracks) const { return others() + tracks.high_water(); }
  void slice(std::size_t at, const TrackTable& tracks, SliceDigest& out) const;
  bool unfinished() const { return false; }

 private:
  struct Rule {
    std::span<const plan::Op> when, cheap_when, alarm_when, confidence;
    std::int64_t hold_ns, clear_ns;
    double warn_confidence, alarm_confidence;
    std::uint32_t kinds;  // bit of IdentityKind
    std::uint16_t source;
    SubjectKind subject;
    bool safe;
    bool relies_on_own;  // reliance.hpp
  };

  // Thaws the instances of one subject, `rules` of the freezing plan, to the subject's place here;
  // kNowhere: the subject left.
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  bool thaw_place(Thawer& in, std::size_t rules, std::size_t place, Carry& carry);
  static bool wanted(const View& view, const Rule& rule) {
    return rule.safe || view.world->mode != Mode::safe;
  }
  std::size_t first_place(SubjectKind kind) const {
    switch (kind) {
      case SubjectKind::track:
        return 0;
      case SubjectKind::own:
        return tracks_;
      case SubjectKind::source:
        return tracks_ + 1;
      case SubjectKind::sink:
        return tracks_ + 1 + sources_;
      case SubjectKind::node:
      case SubjectKind::pair:
        break;
    }
    return tracks_ + 1 + sources_ + sinks_;
  }
  // Subjects that are no tracks, in the order above.
  std::size_t others() const { return 2 + sources_ + sinks_; }
  Instance& instance(std::size_t place, std::size_t rule) {
    return instances_[place * rules_.size() + rule];
  }
  void judge_track(const View& view, const Subject& subject, std::uint32_t track,
                   const Listener& listener);
  // Judges subjects that are no tracks.
  void judge_other(const View& view, const Subject& subject, std::uint32_t place,
                   const Listener& listener);
  void judge_rule(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
                  const Listener& listener);
  std::span<const plan::Op> condition_of(const View& view, const Rule& rule) const;
  // For a track with two places: a condition holds if it holds at either, and nothing clears while
  // the second place is unseen.
  void judge_both(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
                  const Listener& listener);
  void conclude(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
                double when, const Listener& listener);
  // Advances the instance by the condition's answer and updates busy_.
  void change(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
              bool holds, const Listener& listener);
  void turn(const View& view, const Subject& subject, std::size_t rule, Instance& at, bool holds,
            const Listener& listener);
  void announce(const View& view, const Subject& subject, std::size_t rule, Transition transition,
                const Instance& at, const Listener& listener) const;
  double confidence_in(const Rule& rule, const View& view) const;
  static bool in_doubt(const Rule& rule, const View& view) {
    return rule.relies_on_own && view.own() != nullptr && position_in_doubt(*view.own());
  }
  Level level_of(const Rule& rule, const View& view, double confidence) const;

  std::span<Rule> rules_;
  std::array<Prefilter, static_cast<std::size_t>(IdentityKind::count)> prefilters_;  // by kind
  std::span<Instance> instances_;  // [place][rules]: tracks, then others()
  std::span<Held> held_;           // by rule
  std::span<RuleSet> busy_;        // [place]: rules whose instance is not idle
  std::size_t tracks_ = 0;
  std::size_t sources_ = 0;
  std::size_t sinks_ = 0;
  std::size_t raised_ = 0;
};

}  // namespace vedette::assess
