#include <algorithm>
#include <array>

#include "model/limits.hpp"
#include "plan/expression_compiler.hpp"

namespace vedette::plan {

namespace {

// Whether what the operation refers to exists.
bool operand_exists(const Op& op, const PlanSizes& plan) {
  const auto code = static_cast<OpCode>(op.code());
  if (code == OpCode::inside_track || code == OpCode::inside_own) {
    return op.index() < plan.zones;
  }
  if (code == OpCode::count_in_zone) {
    return op.index() < plan.counts;
  }
  if (is_of_text(code)) {
    return op.index() < kTrackFields.size() &&
           kTrackFields[op.index()].dimension == Dimension::text &&
           (op.count() & kTextMask) < plan.texts;
  }
  const std::size_t kind =
      kind_loaded_by(code == OpCode::compare_track ? OpCode::load_track : code);
  return kind == kSubjectKinds || op.index() < kFieldsOfKinds[kind].fields.size();
}

}  // namespace

std::string check_ops(const Op* ops, std::size_t count, const PlanSizes& plan,
                      std::uint16_t& stack) {
  std::size_t height = 0;
  std::size_t highest = 0;
  if (count == 0 || count > limits::kExpressionOps) {
    return "an expression has 1 to " + std::to_string(limits::kExpressionOps) +
           " operations, this one has " + std::to_string(count);
  }
  std::array<std::size_t, limits::kExpressionOps + 1>
      landing{};  // stack height where a skip ends, or 0
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = static_cast<OpCode>(ops[i].code());
    if (code >= OpCode::count) {
      return "unknown operation " + std::to_string(ops[i].code());
    }
    if (code == OpCode::compare_track && !is_comparison(static_cast<OpCode>(ops[i].count()))) {
      return "an unknown comparison: operation " + std::to_string(ops[i].count());
    }
    if (!operand_exists(ops[i], plan)) {
      return "operand " + std::to_string(ops[i].index()) + " out of range";
    }
    if (landing[i] != 0 && landing[i] != height) {
      return "a skip that changes the stack";
    }
    if (height < info_of(code).pops) {
      return "an operation without its operands";
    }
    if (is_skip(code)) {
      const std::size_t target = i + 1 + ops[i].count();
      if (target > count || (landing[target] != 0 && landing[target] != height)) {
        return "a skip that leaves the expression or changes the stack";
      }
      landing[target] = height;
      continue;
    }
    height = height - info_of(code).pops + 1;
    highest = std::max(highest, height);
  }
  if (landing[count] != 0 && landing[count] != height) {
    return "a skip that changes the stack";
  }
  if (height != 1 || highest > limits::kExpressionStack) {
    return "the expression needs a stack of " + std::to_string(highest) + ", the limit is " +
           std::to_string(limits::kExpressionStack);
  }
  stack = static_cast<std::uint16_t>(highest);
  return {};
}

}  // namespace vedette::plan
