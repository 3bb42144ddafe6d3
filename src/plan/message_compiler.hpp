// Purpose: compiles an action's message: text with values in braces, checked for fields and units.
//
//   message := { text | "{{" | "}}" | "{" part { "or" part } "}" }
//   part := sum [ "in" unit ] | text in quotes       (sum: plan/expression_compiler.hpp)
//
// The first part that is known is written. Why not `{track.name|identity}` and `{cpa|nmi}`: both
// would be a name behind a bar. Runs on: cold threads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/expression_compiler.hpp"

namespace vedette::plan {

struct MessagePiece {
  PieceForm form = PieceForm::literal;
  std::string text;  // literal; or the unit
  std::vector<Op> ops;
  Dimension dimension = Dimension::number;
  double scale = 1.0;
  std::uint8_t decimals = 0;
  bool otherwise = false;  // written where what is before is unknown
};

struct CompiledMessage {
  std::vector<MessagePiece> pieces;  // empty for a message without values
  std::string error, help;
  std::size_t error_at = 0;  // byte within the text
};

CompiledMessage compile_message(std::string_view text, const CompileContext& context);
// Whether any piece depends on what the decision is about.
bool uses_subject(const CompiledMessage& message);

}  // namespace vedette::plan
