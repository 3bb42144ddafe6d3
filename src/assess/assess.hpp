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
#include "model/derived.hpp"
#include "model/expression.hpp"
#include "model/plan_generated.h"
#include "model/track_table.hpp"
#include "model/tracker.hpp"
#include "model/zone.hpp"

namespace vedette::assess {

struct SourceFacts {
  std::int64_t last_ns = 0;  // node time of the last accepted event, or of start
  std::uint64_t accepted = 0;
  std::uint64_t last_event = 0;  // sequence
  SourceStatus status = SourceStatus::down;
  std::uint8_t reserved[7] = {};
};

// What an expression can see; pointers may be null, then their fields are unknown.
struct View {
  std::int64_t now_ns = 0;
  const Track* track = nullptr;
  const Tracker* tracker = nullptr;  // of the track's kind
  const Track* own = nullptr;
  const Tracker* own_tracker = nullptr;
  const SourceFacts* source = nullptr;
  Mode mode = Mode::normal;  // in safe mode only what is wanted then is judged
  double level = 0.0;        // decisions only
  double confidence = 0.0;
  // Several conditions ask for the same approach: the first to ask works it out.
  mutable Approach approach{};
  mutable bool approach_known = false;
};

// One approach to own ship, with the horizon that conditions and messages use.
inline constexpr double kApproachHorizonS = 7200.0;
Approach approach_to_own(const View& view);
// False when the two cannot come as near as kApproachRangeM within that horizon, however they head:
// a message then says nothing of their approach.
inline constexpr double kApproachRangeM = 150'000.0;
bool may_approach_own(const View& view);

double evaluate(std::span<const plan::Op> ops, std::span<const Zone> zones, const View& view);

// An operand of a condition that is nothing but a chain of "and": what is loaded, compared with a
// constant or true by itself. Most conditions are such a chain, and are answered in half the time.
struct Term {
  double value;
  OpCode load;
  std::uint16_t index;
  std::uint8_t wanted;  // relations that will do (evaluate.cpp); 0: what is loaded is the answer
};
// The terms of such a chain, in the order in which the operations ask them; 0 for any other
// condition. `out` has room for as many terms as there are operations.
std::size_t terms_of(std::span<const plan::Op> ops, std::span<Term> out);

// What a condition asks first, in the form that refuses quickest: it is false while that lies
// within (or, with lets_through, outside) [low, high]. Most conditions are false most of the time.
struct Screen {
  enum class Of : std::uint8_t {
    all,     // nothing is screened, the whole condition is asked
    loaded,  // what `load` loads
    stored,  // the number that stands `index` bytes into the track
    age,     // of this and the next, the number that stands `index` bytes into Numbers
    speed,   // the squares of these, and of the bounds: a root takes longer than the rest
    sigma,
    distance,
    count,
  };
  double low, high;
  OpCode load;
  std::uint16_t index;
  std::uint16_t rule;
  Of of;
  bool lets_through;
  bool whole;  // it is all that the condition asks
};
// What several screens may ask of one track; a number is worked out where `wanted` has its bit,
// once, and unknown otherwise.
struct Numbers {
  double values[static_cast<std::size_t>(Screen::Of::count)];
};
using WantedNumbers = std::uint8_t;  // bits of Screen::Of
static_assert(static_cast<std::size_t>(Screen::Of::count) <= 8 * sizeof(WantedNumbers));

// Of a condition's terms; none, for one that is no chain of them.
Screen screen_of(std::span<const Term> terms, std::uint16_t rule);

struct Condition {
  std::span<const plan::Op> ops;
  std::span<const Term> terms;  // empty: the operations are asked
  bool empty() const { return ops.empty(); }
};
// The same as evaluate() of its operations.
double evaluate(const Condition& condition, std::span<const Zone> zones, const View& view);

// The first fields of these are the plan's own vectors, which outlive the room.
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
  // Judges every assessment that applies to the subject.
  void judge_track(const View& view, std::uint32_t track, Emit emit, void* context);
  void judge_own(const View& view, Emit emit, void* context);
  void judge_source(const View& view, std::uint16_t source, Emit emit, void* context);
  // The track is going: what is raised is cleared, and its instances are as new.
  void retire_track(const View& view, std::uint32_t track, Emit emit, void* context);

  std::span<const Zone> zones() const { return zones_; }
  std::size_t raised() const { return raised_; }

  void freeze(Freezer& out, const TrackTable& tracks) const;
  void thaw(Thawer& in, const TrackTable& tracks);

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

  static bool wanted(const View& view, const Rule& rule) {
    return rule.safe || view.mode != Mode::safe;
  }
  Instance& instance(std::size_t place, std::size_t rule) {
    return instances_[place * rules_.size() + rule];
  }
  void judge(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
             Emit emit, void* context);
  void judge_by_screens(const View& view, const Subject& subject, std::size_t place, Emit emit,
                        void* context);
  // What the condition's answer makes of the instance.
  void change(const View& view, const Subject& subject, std::size_t place, std::size_t rule,
              bool holds, Emit emit, void* context);
  void turn(const View& view, const Subject& subject, std::size_t rule, Instance& at, bool holds,
            Emit emit, void* context);
  void announce(const View& view, const Subject& subject, std::size_t rule, Transition transition,
                const Instance& at, Emit emit, void* context);
  Level level_of(const Rule& rule, const View& view, double confidence) const;

  std::span<Zone> zones_;
  std::span<Rule> rules_;
  struct OfKind {
    std::span<Screen> screens;
    WantedNumbers wanted = 0;
  };
  std::array<OfKind, static_cast<std::size_t>(IdentityKind::count)> of_kind_;
  std::span<Term> terms_;
  std::span<Instance> instances_;  // [track slots, own, sources][rules]
  std::span<std::uint16_t> busy_;  // [track slots, own, sources]: instances that are not idle
  std::size_t tracks_ = 0;
  std::size_t sources_ = 0;
  std::size_t raised_ = 0;
};

}  // namespace vedette::assess
