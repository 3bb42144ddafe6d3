// Purpose: a cheap test of all conditions on one kind of track at once, which can only say "cannot
// hold"; the evaluator decides on the rest. Most conditions are false most of the time, and a
// comparison of one number with two bounds says so.
// In: the view of a track. Out: the rules whose condition may hold. Bound: limits::kAssessments
// rules. Runs on: the engine thread; the same bits on every CPU.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "core/assess/condition.hpp"
#include "model/limits.hpp"

namespace vedette::assess {

using RuleSet = std::uint64_t;  // bit: the rule of that number
static_assert(limits::kAssessments <= 64);

class Prefilter {
 public:
  static std::size_t bytes_needed(std::size_t rules);
  void init(Arena& arena, std::size_t rules);
  // Of another rule than those before.
  void add(std::size_t rule, std::span<const plan::Op> condition, std::span<const Zone> zones);

  RuleSet rules() const { return rules_; }
  // evaluate() answers 0 for every rule that is left out.
  RuleSet may_hold(const View& view) const;

 private:
  // A number that is quicker to get than what the condition asks for, and grows with it: squares,
  // because a root takes longer than both bounds.
  enum class Source : std::uint8_t {
    number,   // a double, `at` bytes into the track
    counter,  // 32 bits, `at` bytes into the track
    byte,     // `at` bytes into the track
    state,    // this and those below are unknown without a position
    age,
    speed_squared,
    own_speed_squared,
    sigma_squared,
    distance_squared,  // to own ship
    circle_squared,    // distance to the middle of zone `at`
    cap,               // cosine of the angle from the middle of zone `at`, a polygon
  };
  struct Number {
    Source source;
    std::uint16_t at;
    bool operator==(const Number&) const = default;
  };
  // The condition cannot hold while the number is within [low, high], or known and outside.
  struct Test {
    double low, high;
    RuleSet rule;
    std::uint32_t number;
    std::uint32_t outside;  // 0 or 1
  };
  // What a condition asks first, if the whole condition is false where that is.
  struct Operand;
  static bool first_operand(std::span<const plan::Op> ops, std::span<const Zone> zones,
                            Operand& out);
  static bool number_of(const Operand& operand, std::span<const Zone> zones, Number& number);
  static bool test_of(const Operand& operand, const Number& number, std::span<const Zone> zones,
                      Test& test);
  static double value_of(const Number& number, const View& view);

  std::span<Number> numbers_;  // each once, though several rules ask for it
  std::span<Test> tests_;
  std::size_t number_count_ = 0, test_count_ = 0;
  RuleSet rules_ = 0;
  RuleSet untested_ = 0;  // rules without a test: they may always hold
};

}  // namespace vedette::assess
