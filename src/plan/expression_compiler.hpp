// Purpose: compiles conditions to flat operations: parsed, checked for types and units, with a
// known number of operations.
//
//   expression := or [ "?" expression ":" expression ]      or := and { "or" and }
//   and := not { "and" not }                                not := "not" not | comparison
//   comparison := sum [ ("<"|"<="|">"|">="|"=="|"!=") value | "in" "[" value { "," value } "]"
//                     | "in" text ".." text | "matches" text ]  value := sum | text
//   sum := product { ("+"|"-") product }
//   product := unary { ("*"|"/") unary }                    unary := "-" unary | primary
//   primary := number [unit] | name | name "." field | function "(" … ")" | "(" expression ")"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "model/derived.hpp"
#include "model/expression.hpp"
#include "model/plan_generated.h"

namespace vedette::plan {

struct CompiledExpression {
  std::vector<Op> ops;
  std::uint16_t stack = 0;
  std::uint32_t cost = 0;
  // On failure:
  std::string error;
  std::string help;
  std::size_t error_at = 0;  // byte within the text
};

// What conditions refer to in the plan; they add what they need.
struct PlanParts {
  std::vector<std::string> texts;
  std::vector<ZoneCount> counts;
  bool has_time_zone = false;
};

// A value within a longer text.
struct CompiledValue : CompiledExpression {
  Dimension dimension = Dimension::number;
  std::size_t end = 0;  // of its text
};

struct CompileContext {
  SubjectKind subject = SubjectKind::track;
  bool in_decision = false;  // `level` and `confidence` are known
  const std::vector<std::string>* zones = nullptr;
  const std::vector<std::uint32_t>* zone_costs = nullptr;
  PlanParts* parts = nullptr;
  bool in_message = false;  // `now` is known
};

CompiledExpression compile_expression(std::string_view text, Dimension wanted,
                                      const CompileContext& context);

// How many things there are that operations refer to.
struct PlanSizes {
  std::size_t zones = 0, texts = 0, counts = 0;
};
// Checks operations from a file: every index in range, no stack overflow or underflow. Empty, or
// the error. Sets the stack's height and the cost.
std::string check_ops(const Op* ops, std::size_t count, const PlanSizes& plan,
                      std::uint16_t& stack);

}  // namespace vedette::plan
