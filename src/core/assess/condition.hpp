// Purpose: what an expression of the plan can see, and what it answers.
// Fails as: what is not known is NaN. Runs on: the engine thread.
#pragma once

#include <cstdint>
#include <span>

#include "model/derived.hpp"
#include "model/expression.hpp"
#include "model/plan_generated.h"
#include "model/source_facts.hpp"
#include "model/track.hpp"
#include "model/tracker.hpp"
#include "model/zone.hpp"

namespace vedette::assess {

// What is the same for everything that one step judges.
struct World {
  std::int64_t now_ns = 0;
  const Track* own = nullptr;         // null: own ship is unknown
  std::span<const Tracker> trackers;  // by IdentityKind
  Mode mode = Mode::normal;           // in safe mode only what is wanted then is judged
};

// What an expression can see; pointers may be null, then their fields are unknown.
struct View {
  std::int64_t now_ns = 0;
  const Track* track = nullptr;
  const Tracker* tracker = nullptr;  // of the track's kind
  // The track's other place, where it has two; a report has not yet shown which is the true one.
  const Track* second = nullptr;
  bool second_unseen = false;
  bool of_second = false;  // `track` is that other place
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
inline constexpr std::uint8_t kLess = 1, kEqual = 2, kGreater = 4;
struct Term {
  double value;
  OpCode load;
  std::uint16_t index;
  std::uint8_t wanted;  // relations that will do; 0: what is loaded is the answer
};
// The terms of such a chain, in the order in which the operations ask them; 0 for any other
// condition. `out` has room for as many terms as there are operations.
std::size_t terms_of(std::span<const plan::Op> ops, std::span<Term> out);

struct Condition {
  std::span<const plan::Op> ops;
  std::span<const Term> terms;  // empty: the operations are asked
  bool empty() const { return ops.empty(); }
};
// The same as evaluate() of its operations.
double evaluate(const Condition& condition, std::span<const Zone> zones, const View& view);

}  // namespace vedette::assess
