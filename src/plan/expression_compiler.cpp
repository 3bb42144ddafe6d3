#include "plan/expression_compiler.hpp"

#include <algorithm>

#include "model/limits.hpp"
#include "plan/expression_parser.hpp"
#include "plan/problem.hpp"

namespace vedette::plan {

CompiledExpression ExpressionParser::run(Dimension wanted) {
  const Dimension got = expression();
  skip_space();
  if (ok() && at_ < text_.size()) {
    fail("expected the end of the expression, found \"" + std::string(text_.substr(at_, 12)) + "\"",
         "operators are: or and not < <= > >= == != + - * / ? :");
  }
  if (ok() && got != wanted && !(wanted == Dimension::ratio && got == Dimension::number)) {
    at_ = 0;
    fail("this is a " + std::string(name_of(got)) + ", but a " + std::string(name_of(wanted)) +
             " is needed",
         wanted == Dimension::boolean ? "compare it with something, as in \"… > 5 kn\"" : "");
  }
  check_size();
  if (!ok()) {
    out_.ops.clear();
  }
  return std::move(out_);
}

CompiledValue ExpressionParser::value(std::size_t begin) {
  at_ = begin;
  CompiledValue made;
  made.dimension = sum();
  check_size();
  static_cast<CompiledExpression&>(made) = std::move(out_);
  made.end = at_;
  return made;
}

void ExpressionParser::check_size() {
  if (ok() && out_.ops.size() > limits::kExpressionOps) {
    fail("the expression has " + std::to_string(out_.ops.size()) + " operations, the limit is " +
             std::to_string(limits::kExpressionOps),
         "split it into two assessments");
  }
  if (ok()) {
    const std::string stack_error = check_ops(
        out_.ops.data(), out_.ops.size(),
        {context_.zones->size(), context_.parts == nullptr ? 0 : context_.parts->texts.size(),
         context_.parts == nullptr ? 0 : context_.parts->counts.size()},
        out_.stack);
    if (!stack_error.empty()) {
      fail(stack_error, "use fewer nested parentheses");
    }
  }
}

Dimension ExpressionParser::fail(std::string message, std::string help) {
  if (ok()) {
    out_.error = std::move(message);
    out_.help = std::move(help);
    out_.error_at = at_;
  }
  return Dimension::number;
}

void ExpressionParser::emit(OpCode code, double value, std::uint16_t index) {
  std::uint32_t extra = 0;
  if (code == OpCode::inside_track || code == OpCode::inside_own) {
    extra = (*context_.zone_costs)[index];
  }
  out_.cost += info_of(code).cost + extra;
  out_.ops.emplace_back(value, static_cast<std::uint16_t>(code), index, 0);
}

void ExpressionParser::emit_comparison(OpCode code) {
  const std::size_t n = out_.ops.size();
  if (n >= 2 && static_cast<OpCode>(out_.ops[n - 2].code()) == OpCode::load_track &&
      static_cast<OpCode>(out_.ops[n - 1].code()) == OpCode::push) {
    const Op fused(out_.ops[n - 1].value(), static_cast<std::uint16_t>(OpCode::compare_track),
                   out_.ops[n - 2].index(), static_cast<std::uint32_t>(code));
    out_.ops.resize(n - 2);
    out_.ops.push_back(fused);
    return;  // the cost of both is counted already
  }
  emit(code);
}

Dimension ExpressionParser::expression() {
  if (++depth_ > 32) {
    return fail("nested deeper than 32", "split it into two assessments");
  }
  const Dimension first = either();
  skip_space();
  if (ok() && take("?")) {
    need(first, Dimension::boolean, "the condition before \"?\"");
    const Dimension a = expression();
    if (!take(":")) {
      return fail("expected \":\"", "write condition ? value : other value");
    }
    const Dimension b = expression();
    same(a, b, "the two values of \"? :\"");
    emit(OpCode::select);
    --depth_;
    return a;
  }
  --depth_;
  return first;
}

Dimension ExpressionParser::either() {
  return chain("or", OpCode::logical_or, OpCode::skip_if_true, &ExpressionParser::all);
}

Dimension ExpressionParser::all() {
  return chain("and", OpCode::logical_and, OpCode::skip_if_false, &ExpressionParser::inverse);
}

Dimension ExpressionParser::chain(std::string_view word, OpCode code, OpCode skip,
                                  Dimension (ExpressionParser::*operand)()) {
  struct Part {
    std::vector<Op> ops;
    std::uint32_t cost;
  };
  const std::size_t begin = out_.ops.size();
  const std::uint32_t cost_before = out_.cost;
  std::vector<Part> parts;
  const auto cut = [&](std::uint32_t cost) {
    const auto first = out_.ops.begin() + static_cast<std::ptrdiff_t>(begin);
    parts.push_back({{first, out_.ops.end()}, cost});
    out_.ops.erase(first, out_.ops.end());
  };
  const Dimension left = (this->*operand)();
  if (!ok() || !take(word)) {
    return left;
  }
  const std::string quoted = '"' + std::string(word) + '"';
  need(left, Dimension::boolean, "the left side of " + quoted);
  cut(out_.cost - cost_before);
  do {
    const std::uint32_t before = out_.cost;
    need((this->*operand)(), Dimension::boolean, "the right side of " + quoted);
    cut(out_.cost - before);
  } while (ok() && take(word));
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return a.cost < b.cost; });
  std::size_t left_over = 0;  // operations after the first part, skips included
  for (std::size_t i = 1; i < parts.size(); ++i) {
    left_over += parts[i].ops.size() + 2;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) {
      out_.ops.emplace_back(0.0, static_cast<std::uint16_t>(skip), 0,
                            static_cast<std::uint32_t>(--left_over));
      ++out_.cost;
      left_over -= parts[i].ops.size() + 1;
    }
    out_.ops.insert(out_.ops.end(), parts[i].ops.begin(), parts[i].ops.end());
    if (i != 0) {
      emit(code);
    }
  }
  return left;
}

Dimension ExpressionParser::inverse() {
  if (take("not")) {
    if (++depth_ > 32) {
      return fail("nested deeper than 32", "split it into two assessments");
    }
    need(inverse(), Dimension::boolean, "what follows \"not\"");
    emit(OpCode::logical_not);
    --depth_;
    return Dimension::boolean;
  }
  return comparison();
}

Dimension ExpressionParser::comparison() {
  const std::size_t begin = out_.ops.size();
  const Dimension left = sum();
  if (ok() && take("in")) {
    return among(left, begin);
  }
  if (ok() && take("matches")) {
    return matching(left, begin);
  }
  struct Operator {
    std::string_view token;
    OpCode code;
  };
  for (const Operator& o :
       {Operator{"<=", OpCode::less_equal}, Operator{">=", OpCode::greater_equal},
        Operator{"==", OpCode::equal}, Operator{"!=", OpCode::not_equal},
        Operator{"<", OpCode::less}, Operator{">", OpCode::greater}}) {
    if (ok() && take(o.token)) {
      skip_space();
      const std::size_t here = at_;
      if (quote_follows()) {
        return compared_with_quoted(left, begin, o.code);
      }
      const Dimension right = sum();
      comparable(left, right, here);
      emit_comparison(o.code);
      return Dimension::boolean;
    }
  }
  return left;
}

Dimension ExpressionParser::sum() {
  Dimension left = product();
  for (;;) {
    const bool plus = ok() && take("+");
    if (!plus && !(ok() && take("-"))) {
      return left;
    }
    const Dimension right = product();
    if (left != Dimension::instant || right != Dimension::duration) {  // a while from a time
      same(left, right, "the two sides of + or -");
    }
    emit(plus ? OpCode::add : OpCode::subtract);
  }
}

Dimension ExpressionParser::product() {
  Dimension left = unary();
  for (;;) {
    const bool times = ok() && take("*");
    if (!times && !(ok() && take("/"))) {
      return left;
    }
    const Dimension right = unary();
    if (ok()) {
      left = times ? multiplied(left, right) : divided(left, right);
    }
    emit(times ? OpCode::multiply : OpCode::divide);
  }
}

Dimension ExpressionParser::multiplied(Dimension a, Dimension b) {
  if (plain(a) || plain(b)) {
    return plain(a) ? b : a;
  }
  const auto pair = [&](Dimension x, Dimension y) {
    return (a == x && b == y) || (a == y && b == x);
  };
  if (pair(Dimension::speed, Dimension::duration)) {
    return Dimension::length;
  }
  if (pair(Dimension::acceleration, Dimension::duration)) {
    return Dimension::speed;
  }
  return fail(
      "a " + std::string(name_of(a)) + " cannot be multiplied with a " + std::string(name_of(b)),
      "");
}

Dimension ExpressionParser::divided(Dimension a, Dimension b) {
  if (plain(b)) {
    return a;
  }
  if (a == b) {
    return Dimension::number;
  }
  if (a == Dimension::length && b == Dimension::duration) {
    return Dimension::speed;
  }
  if (a == Dimension::length && b == Dimension::speed) {
    return Dimension::duration;
  }
  if (a == Dimension::speed && b == Dimension::duration) {
    return Dimension::acceleration;
  }
  return fail("a " + std::string(name_of(a)) + " cannot be divided by a " + std::string(name_of(b)),
              "");
}

Dimension ExpressionParser::unary() {
  if (take("-")) {
    if (++depth_ > 32) {
      return fail("nested deeper than 32", "split it into two assessments");
    }
    const Dimension d = unary();
    emit(OpCode::negate);
    --depth_;
    return d;
  }
  return primary();
}

void ExpressionParser::same(Dimension a, Dimension b, std::string_view what) {
  if (ok() && !matches(a, b)) {
    fail(std::string(what) + " are a " + std::string(name_of(a)) + " and a " +
             std::string(name_of(b)),
         unit_help(a));
  }
}

void ExpressionParser::need(Dimension got, Dimension wanted, std::string_view what) {
  if (ok() && got != wanted) {
    fail(std::string(what) + " is a " + std::string(name_of(got)) + ", not " +
             std::string(name_of(wanted)),
         "");
  }
}

std::string ExpressionParser::unit_help(Dimension d) {
  std::string units;
  for (const UnitName& u : kUnits) {
    if (u.dimension == d) {
      units += (units.empty() ? "" : ", ") + std::string(u.name);
    }
  }
  return units.empty() ? "" : "units of " + std::string(name_of(d)) + ": " + units;
}

CompiledExpression compile_expression(std::string_view text, Dimension wanted,
                                      const CompileContext& context) {
  return ExpressionParser(text, context).run(wanted);
}

}  // namespace vedette::plan
