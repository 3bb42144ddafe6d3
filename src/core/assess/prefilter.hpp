// Purpose: a prefilter of all conditions on one kind of track, which can only answer "cannot hold";
// the evaluator decides the rest. Most conditions are false most of the time, and comparing one
// number with two bounds shows it. In: the view of a track. Out: the rules whose condition may
// hold. Bound: limits::kAssessments rules. Runs on: the engine thread; same bits on every CPU.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "core/assess/condition.hpp"
#include "model/limits.hpp"

namespace vedette::assess {

using RuleSet = std::uint64_t;  // bit i: rule i
static_assert(limits::kAssessments <= 64);

class Prefilter {
 public:
  static std::size_t bytes_needed(std::size_t rules);
  void init(Arena& arena, std::size_t rules);
  // Each call adds another rule.
  void add(std::size_t rule, std::span<const plan::Op> condition, std::span<const Zone> zones);

  RuleSet rules() const { return rules_; }
  // evaluate() gives 0 for every rule left out.
  RuleSet may_hold(const View& view) const;

 private:
  // A number that is cheaper than the condition's operand and grows with it: squares, because a
  // root costs more than both comparisons.
  enum class Source : std::uint8_t {
    number,   // a double, `at` bytes into the track
    counter,  // 32 bits, `at` bytes into the track
    byte,     // `at` bytes into the track
    ship_type,
    nav_status,
    state,  // from here on unknown without a position
    age,
    speed_squared,
    own_speed_squared,
    sigma_squared,
    distance_squared,  // to own ship
    circle_squared,    // distance to the centre of zone `at`
    cap,               // cosine of the angle from the centre of polygon `at`
  };
  struct Number {
    Source source;
    std::uint16_t at;
    bool operator==(const Number&) const = default;
  };
  // The condition is false while the number is within [low, high], or known and outside.
  struct Test {
    double low, high;
    RuleSet rule;
    std::uint32_t number;
    std::uint32_t outside;  // 0 or 1
  };
  // The first operand of a condition, if the whole condition is false when it is.
  struct Operand;
  static bool first_operand(std::span<const plan::Op> ops, std::span<const Zone> zones,
                            Operand& out);
  static bool number_of(const Operand& operand, std::span<const Zone> zones, Number& number);
  static bool test_of(const Operand& operand, const Number& number, std::span<const Zone> zones,
                      Test& test);
  static double value_of(const Number& number, const View& view);

  std::span<Number> numbers_;  // each once, even if several rules use it
  std::span<Test> tests_;
  std::size_t number_count_ = 0, test_count_ = 0;
  RuleSet rules_ = 0;
  RuleSet untested_ = 0;  // rules without a test, always passed on
};

}  // namespace vedette::assess
