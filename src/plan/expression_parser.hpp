// Purpose: the parser behind compile_expression(): recursive descent, one function for each rule of
// the grammar in expression_compiler.hpp. Operators are in expression_compiler.cpp, operands in
// expression_operands.cpp. Only the first error is reported.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/expression_compiler.hpp"

namespace vedette::plan {

class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, const CompileContext& context)
      : text_(text), context_(context) {}

  CompiledExpression run(Dimension wanted);

 private:
  bool ok() const { return out_.error.empty(); }
  Dimension fail(std::string message, std::string help);
  void emit(OpCode code, double value = 0.0, std::uint16_t index = 0);
  // Fuses the most common comparison, a field of the subject with a constant, into one operation.
  void emit_comparison(OpCode code);
  void skip_space();
  bool take(std::string_view token);
  std::string_view word();

  Dimension expression();
  Dimension either();
  Dimension all();
  // Operands have no side effects and "and" and "or" commute: evaluate the cheapest first, and
  // short-circuit.
  Dimension chain(std::string_view word, OpCode code, OpCode skip,
                  Dimension (ExpressionParser::*operand)());
  Dimension inverse();
  Dimension comparison();
  Dimension sum();
  Dimension product();
  static bool plain(Dimension d) { return d == Dimension::number || d == Dimension::ratio; }
  Dimension multiplied(Dimension a, Dimension b);
  Dimension divided(Dimension a, Dimension b);
  Dimension unary();
  Dimension primary();
  Dimension number();
  Dimension field(std::string_view object, std::size_t start);

  const FieldsOfKind* seen(std::string_view name) const;
  const FieldsOfKind* subject_argument();
  const FieldName* load(const FieldsOfKind& of, std::string_view name,
                        std::vector<std::string>& names);
  void close();
  Dimension function(std::string_view name, std::size_t start);
  Dimension inside();
  Dimension extreme(std::string_view name);
  Dimension field_function(std::string_view name);

  static bool matches(Dimension a, Dimension b) { return a == b || (plain(a) && plain(b)); }
  void same(Dimension a, Dimension b, std::string_view what);
  void need(Dimension got, Dimension wanted, std::string_view what);
  static std::string unit_help(Dimension d);
  static std::string suggestion(std::string_view name, const std::vector<std::string>& names);

  std::string_view text_;
  const CompileContext& context_;
  std::size_t at_ = 0;
  int depth_ = 0;
  CompiledExpression out_;
};

}  // namespace vedette::plan
