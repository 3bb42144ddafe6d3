// Purpose: judgements over belief: conditions with level, confidence, and hysteresis in time.
// In: a subject (track, own ship, source) to judge at a node time. Out: AssessmentChange, by
// callback. Bound: assessments * (tracks + 1 + sources) instances, each judged in a known number of
// operations. Fails as: an unknown value (NaN) neither raises nor clears. Runs on: the engine
// thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "base/freeze.hpp"
#include "core/assess/screen.hpp"
#include "model/derived.hpp"
#include "model/plan_generated.h"
#include "model/track_table.hpp"
#include "model/zone.hpp"

namespace vedette::assess {

// What is read of the plan are its own vectors, which outlive the room.
class Assess {
 public:
  using Emit = void (*)(void* context, const AssessmentChange& change);

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const plan::Plan& plan);

  // The track is judged soon: what is known of it comes from memory together. Early, it is not
  // waited for whether anything is known, and as much is asked for as leaves room for the track.
  void prefetch_early(std::uint32_t track) const {
    constexpr std::size_t kMost = 4 * kCacheLineBytes;
    vedette::prefetch(&busy_[track]);
    vedette::prefetch(instances_.data() + track * rules_.size(),
                      std::min(kMost, rules_.size() * sizeof(Instance)));
  }
  void prefetch(std::uint32_t track) const {
    if (busy_[track] != 0) {
      vedette::prefetch(instances_.data() + track * rules_.size(),
                        rules_.size() * sizeof(Instance));
    }
  }
  // What conditions ask first, asked of four tracks that are judged next, one after the other.
  struct Four {
    Screens::FourTracks tracks;
    Screens::NumbersOfFour numbers;
  };
  // False, and nothing is asked, when they must be asked one by one. `view` is of the first.
  bool ask_four(const View& view, Four& four) const;
  // Judges every assessment that applies to the subject.
  void judge_track(const View& view, std::uint32_t track, Emit emit, void* context);
  // The same of the one in that lane.
  void judge_in_lane(const View& view, std::uint32_t track, std::size_t lane, Four& four, Emit emit,
                     void* context);
  void judge_own(const View& view, Emit emit, void* context);
  void judge_source(const View& view, std::uint16_t source, Emit emit, void* context);
  // The track is going: what is raised is cleared, and its instances are as new.
  void retire_track(const View& view, std::uint32_t track, Emit emit, void* context);

  std::span<const Zone> zones() const { return zones_; }
  std::size_t raised() const { return raised_; }
  // An alarm of the track is raised, or not yet cleared.
  bool alarm_stands(std::uint32_t track) const;

  void freeze(Freezer& out, const TrackTable& tracks) const;
  bool thaw(Thawer& in, const TrackTable& tracks);

 private:
  enum class State : std::uint8_t { idle = 0, pending, active, clearing };
  struct Instance {
    std::int64_t since_ns;
    std::int64_t lower_since_ns;  // since when a lower level would do; 0 = it would not
    double confidence;
    State state;
    Level level;
    std::uint8_t reserved[6];
  };
  struct Rule {
    Condition when, cheap_when, alarm_when;
    std::span<const plan::Op> confidence;
    std::int64_t hold_ns, clear_ns;
    double warn_confidence, alarm_confidence;
    std::uint32_t kinds;  // bit of IdentityKind
    std::uint16_t source;
    SubjectKind subject;
    bool safe;
  };

  static bool plausible(const Instance& at);
  static bool wanted(const View& view, const Rule& rule) {
    return rule.safe || view.mode != Mode::safe;
  }
  Instance& instance(std::size_t place, std::size_t rule) {
    return instances_[place * rules_.size() + rule];
  }
  // Who is told of changes.
  struct Listener {
    Emit emit;
    void* context;
  };
  void judge(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
             const Listener& listener);
  // Of a track of whose conditions only those in `open` may hold; answer(rule) is what their screen
  // says.
  template <typename Answer>
  void judge_open(const View& view, std::uint32_t track, RuleSet open, const Listener& listener,
                  Answer&& answer);
  // Of a track at two places: what holds at either holds, and while the true one has not shown
  // itself nothing is cleared.
  void judge_both(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
                  const Listener& listener);
  void conclude(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
                double when, const Listener& listener);
  // What the condition's answer makes of the instance.
  void change(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
              bool holds, const Listener& listener);
  void turn(const View& view, const Subject& subject, std::size_t rule, Instance& at, bool holds,
            const Listener& listener);
  void announce(const View& view, const Subject& subject, std::size_t rule, Transition transition,
                const Instance& at, const Listener& listener);
  double confidence_in(const Rule& rule, const View& view) const;
  Level level_of(const Rule& rule, const View& view, double confidence) const;

  std::span<Zone> zones_;
  std::span<Rule> rules_;
  std::array<Screens, static_cast<std::size_t>(IdentityKind::count)> screens_;  // of that kind
  std::span<Term> terms_;
  std::span<Instance> instances_;  // [track slots, own, sources][rules]
  std::span<RuleSet> busy_;        // [track slots, own, sources]: whose instance is not idle
  std::size_t tracks_ = 0;
  std::size_t sources_ = 0;
  std::size_t raised_ = 0;
};

}  // namespace vedette::assess
