// Purpose: the parser behind compile_expression(): recursive descent, one function for each rule of
// the grammar in expression_compiler.hpp. Operators are in expression_compiler.cpp, operands in
// expression_operands.cpp, texts in expression_texts.cpp. Only the first error is reported.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/codes.hpp"
#include "plan/expression_compiler.hpp"

namespace vedette::plan {

class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, const CompileContext& context)
      : text_(text), context_(context) {}

  CompiledExpression run(Dimension wanted);
  // A sum that begins at byte `begin` and ends where it can.
  CompiledValue value(std::size_t begin);

 private:
  bool ok() const { return out_.error.empty(); }
  void check_size();
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

  // Texts, codes and lists: expression_texts.cpp. `begin`: where the operations of the left side
  // begin; `here`: where its right side stands in the text.
  bool quote_follows();
  std::string_view quoted();
  std::uint32_t plan_text(std::string_view text);
  std::vector<Op> since(std::size_t begin) const;
  void again(const std::vector<Op>& ops);
  void test_text(OpCode code, std::size_t begin, std::string_view text);
  void test_code(std::size_t begin, const CodeName& code);
  void equal_quoted(Dimension left, std::size_t begin, std::size_t here, std::string_view text);
  void equal_element(Dimension left, std::size_t begin);
  Dimension compared_with_quoted(Dimension left, std::size_t begin, OpCode code);
  Dimension among(Dimension left, std::size_t begin);
  Dimension matching(Dimension left, std::size_t begin);
  static std::optional<double> of_calendar(std::string_view text, Dimension dimension);
  std::optional<double> calendar_quoted(Dimension dimension);
  Dimension between(Dimension left, const std::vector<Op>& value);
  void comparable(Dimension left, Dimension right, std::size_t here);
  static std::optional<double> constant_named(std::string_view name, Dimension dimension);
  Dimension field(std::string_view object, std::size_t start);

  const FieldsOfKind* seen(std::string_view name) const;
  const FieldsOfKind* subject_argument();
  const FieldName* load(const FieldsOfKind& of, std::string_view name,
                        std::vector<std::string>& names);
  void close();
  Dimension function(std::string_view name, std::size_t start);
  Dimension inside();
  Dimension count();
  Dimension calendar(std::string_view name, std::size_t start);
  std::optional<std::uint16_t> zone_argument();
  bool compared();
  Dimension extreme(std::string_view name);
  Dimension field_function(std::string_view name);

  static bool matches(Dimension a, Dimension b) {
    const auto coded = [](Dimension code, Dimension number) {
      return !names_of_codes(code).empty() && number == Dimension::number;
    };
    return a == b || (plain(a) && plain(b)) || coded(a, b) || coded(b, a);
  }
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
