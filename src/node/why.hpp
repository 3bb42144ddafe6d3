// Purpose: what a condition compares, in words: each value that it took, and what that was held
// against. In: an expression of the plan, the view that it is evaluated on. Out: its comparisons.
// The values are those of the evaluator itself (core/assess/condition.hpp). Runs on: cold threads.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/assess/condition.hpp"
#include "model/expression.hpp"
#include "model/plan_generated.h"

namespace vedette::node {

struct Compared {
  std::string what;    // "CPA", "own speed", "inside guard"
  double value = 0.0;  // in the base unit; NaN: unknown
  Dimension dimension = Dimension::number;
  OpCode comparison = OpCode::count;  // count: the value itself is true or false
  double bound = 0.0;                 // in the base unit
  std::string bound_text;             // as the site file writes it; empty: it is no literal
  double holds = 0.0;                 // 1, 0, or NaN
  int rank = 0;                       // smaller: tells more

  std::string value_text() const;
  // "below 0.5 nmi (926 m)", "not below 12 min", "true"
  std::string held_against() const;
};

// Those that tell most come first. `zones`: their names, by index.
std::vector<Compared> comparisons(std::string_view text, std::span<const plan::Op> ops,
                                  const assess::View& view, std::span<const std::string> zones);
std::vector<Compared> comparisons(const plan::Expression& expression, const assess::View& view,
                                  const plan::Plan& plan);

// "173 m", "4 min 10 s", "7.2 kn"
std::string quantity_text(double value, Dimension dimension);

}  // namespace vedette::node
