#include "plan/expression_compiler.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "model/derived.hpp"
#include "model/limits.hpp"
#include "plan/problem.hpp"

namespace vedette::plan {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Constant {
  std::string_view name;
  Dimension dimension;
  double value;
};

constexpr Constant kConstants[] = {
    {"true", Dimension::boolean, 1.0},
    {"false", Dimension::boolean, 0.0},
    {"info", Dimension::level, 1.0},
    {"warn", Dimension::level, 2.0},
    {"alarm", Dimension::level, 3.0},
    {"vessel", Dimension::kind, static_cast<double>(IdentityKind::vessel)},
    {"aid", Dimension::kind, static_cast<double>(IdentityKind::aid)},
    {"base_station", Dimension::kind, static_cast<double>(IdentityKind::base_station)},
    {"aircraft", Dimension::kind, static_cast<double>(IdentityKind::aircraft)},
    {"vehicle", Dimension::kind, static_cast<double>(IdentityKind::vehicle)},
    {"contact", Dimension::kind, static_cast<double>(IdentityKind::contact)},
};

class Compiler {
 public:
  Compiler(std::string_view text, const CompileContext& context) : text_(text), context_(context) {}

  CompiledExpression run(Dimension wanted) {
    const Dimension got = expression();
    skip_space();
    if (ok() && at_ < text_.size()) {
      fail("expected the end of the expression, found \"" + std::string(text_.substr(at_, 12)) +
               "\"",
           "operators are: or and not < <= > >= == != + - * / ? :");
    }
    if (ok() && got != wanted && !(wanted == Dimension::ratio && got == Dimension::number)) {
      at_ = 0;
      fail("this is a " + std::string(name_of(got)) + ", a " + std::string(name_of(wanted)) +
               " is needed",
           wanted == Dimension::boolean ? "compare it with something, as in \"… > 5 kn\"" : "");
    }
    if (ok() && out_.ops.size() > limits::kExpressionOps) {
      fail("the expression has " + std::to_string(out_.ops.size()) + " operations, the limit is " +
               std::to_string(limits::kExpressionOps),
           "split it into two assessments");
    }
    if (ok()) {
      const std::string stack_error =
          check_ops(out_.ops.data(), out_.ops.size(), context_.zones->size(), out_.stack);
      if (!stack_error.empty()) {
        fail(stack_error, "use fewer nested parentheses");
      }
    }
    if (!ok()) {
      out_.ops.clear();
    }
    return std::move(out_);
  }

 private:
  bool ok() const { return out_.error.empty(); }

  Dimension fail(std::string message, std::string help) {
    if (ok()) {
      out_.error = std::move(message);
      out_.help = std::move(help);
      out_.error_at = at_;
    }
    return Dimension::number;
  }

  void emit(OpCode code, double value = 0.0, std::uint16_t index = 0) {
    std::uint32_t extra = 0;
    if (code == OpCode::inside_track || code == OpCode::inside_own) {
      extra = (*context_.zone_costs)[index];
    } else if (code == OpCode::load_track || code == OpCode::load_own) {
      extra = extra_cost_of(static_cast<TrackField>(index));
    }
    out_.cost += info_of(code).cost + extra;
    out_.ops.emplace_back(value, static_cast<std::uint16_t>(code), index, 0);
  }

  // A field of the subject and a constant, by far the most common, are one operation.
  void emit_comparison(OpCode code) {
    const std::size_t n = out_.ops.size();
    if (n >= 2 && static_cast<OpCode>(out_.ops[n - 2].code()) == OpCode::load_track &&
        static_cast<OpCode>(out_.ops[n - 1].code()) == OpCode::push) {
      const Op fused(out_.ops[n - 1].value(), static_cast<std::uint16_t>(OpCode::compare_track),
                     out_.ops[n - 2].index(), static_cast<std::uint32_t>(code));
      out_.ops.resize(n - 2);
      out_.ops.push_back(fused);
      return;  // what the two cost is counted
    }
    emit(code);
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
      ++at_;
    }
  }
  bool take(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) {
      return false;
    }
    const bool word = is_letter(token[0]);
    const char next = at_ + token.size() < text_.size() ? text_[at_ + token.size()] : ' ';
    if (word && (is_letter(next) || is_digit(next))) {
      return false;
    }
    at_ += token.size();
    return true;
  }
  std::string_view word() {
    skip_space();
    const std::size_t start = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) {
      ++at_;
    }
    return text_.substr(start, at_ - start);
  }

  Dimension expression() {
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
  Dimension either() {
    return chain("or", OpCode::logical_or, OpCode::skip_if_true, &Compiler::all);
  }
  Dimension all() {
    return chain("and", OpCode::logical_and, OpCode::skip_if_false, &Compiler::inverse);
  }
  // Operands have no side effects and "and" and "or" do not mind their order: the cheapest is asked
  // first, and one that decides leaves out the rest.
  Dimension chain(std::string_view word, OpCode code, OpCode skip,
                  Dimension (Compiler::*operand)()) {
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
    std::size_t left_over = 0;  // operations behind the first part, skips included
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
  Dimension inverse() {
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
  Dimension comparison() {
    const Dimension left = sum();
    struct Operator {
      std::string_view token;
      OpCode code;
    };
    for (const Operator& o :
         {Operator{"<=", OpCode::less_equal}, Operator{">=", OpCode::greater_equal},
          Operator{"==", OpCode::equal}, Operator{"!=", OpCode::not_equal},
          Operator{"<", OpCode::less}, Operator{">", OpCode::greater}}) {
      if (ok() && take(o.token)) {
        const std::size_t here = at_;
        const Dimension right = sum();
        if (ok() && !matches(left, right)) {
          at_ = here;
          fail("a " + std::string(name_of(left)) + " is compared with a " +
                   std::string(name_of(right)),
               unit_help(left));
        }
        emit_comparison(o.code);
        return Dimension::boolean;
      }
    }
    return left;
  }
  Dimension sum() {
    Dimension left = product();
    for (;;) {
      const bool plus = ok() && take("+");
      if (!plus && !(ok() && take("-"))) {
        return left;
      }
      const Dimension right = product();
      same(left, right, "the two sides of + or -");
      emit(plus ? OpCode::add : OpCode::subtract);
    }
  }
  Dimension product() {
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
  static bool plain(Dimension d) { return d == Dimension::number || d == Dimension::ratio; }
  Dimension multiplied(Dimension a, Dimension b) {
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
    return fail("a " + std::string(name_of(a)) + " times a " + std::string(name_of(b)) +
                    " has no unit here",
                "");
  }
  Dimension divided(Dimension a, Dimension b) {
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
    return fail("a " + std::string(name_of(a)) + " divided by a " + std::string(name_of(b)) +
                    " has no unit here",
                "");
  }
  Dimension unary() {
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

  Dimension primary() {
    skip_space();
    if (at_ >= text_.size()) {
      return fail("the expression ends where a value is expected", "");
    }
    if (take("(")) {
      const Dimension d = expression();
      if (ok() && !take(")")) {
        return fail("expected \")\"", "");
      }
      return d;
    }
    if (is_digit(text_[at_]) || text_[at_] == '.') {
      return number();
    }
    const std::size_t start = at_;
    const std::string_view name = word();
    if (name.empty()) {
      return fail("unexpected character \"" + std::string(text_.substr(at_, 1)) + "\"", "");
    }
    if (take("(")) {
      return function(name, start);
    }
    if (take(".")) {
      return field(name, start);
    }
    for (const Constant& c : kConstants) {
      if (c.name == name) {
        emit(OpCode::push, c.value);
        return c.dimension;
      }
    }
    if (context_.in_decision && name == "level") {
      emit(OpCode::level);
      return Dimension::level;
    }
    if (context_.in_decision && name == "confidence") {
      emit(OpCode::confidence);
      return Dimension::ratio;
    }
    at_ = start;
    return fail(
        "unknown name \"" + std::string(name) + "\"",
        suggestion(name, {"track.speed", "own.speed", "vessel", "aircraft", "vehicle", "true",
                          "false", "level", "confidence", "inside", "cpa", "tcpa", "age"}));
  }

  Dimension number() {
    const std::size_t start = at_;
    std::string digits;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.' || text_[at_] == '_')) {
      if (text_[at_] != '_') {
        digits += text_[at_];
      }
      ++at_;
    }
    const auto value = parse_decimal(digits);
    if (!value) {
      at_ = start;
      return fail("\"" + digits + "\" is not a number", "");
    }
    const std::size_t before_unit = at_;
    skip_space();
    std::size_t end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || text_[end] == '%' ||
                                  (end > at_ && (text_[end] == '/' || is_digit(text_[end]))))) {
      ++end;
    }
    const std::string_view unit_text = text_.substr(at_, end - at_);
    if (unit_text.empty() || unit_text == "and" || unit_text == "or") {
      at_ = before_unit;
      emit(OpCode::push, *value);
      return Dimension::number;
    }
    const UnitName* unit = find_unit(unit_text);
    if (unit == nullptr) {
      std::vector<std::string> names;
      for (const UnitName& u : kUnits) {
        names.emplace_back(u.name);
      }
      return fail("unknown unit \"" + std::string(unit_text) + "\"", suggestion(unit_text, names));
    }
    at_ = end;
    emit(OpCode::push, *value * unit->factor);
    return unit->dimension;
  }

  Dimension field(std::string_view object, std::size_t start) {
    const std::size_t here = at_;
    const std::string_view name = word();
    const bool source = object == "source";
    if (object != "track" && object != "own" && !source) {
      at_ = start;
      return fail("\"" + std::string(object) + "\" has no fields here",
                  "fields are of track, own or source");
    }
    if ((object == "track" && context_.scope != Scope::track) ||
        (source && context_.scope != Scope::source)) {
      at_ = start;
      return fail("there is no " + std::string(object) + " in this assessment",
                  "its subject is what `of` says");
    }
    std::vector<std::string> names;
    const auto look = [&](const auto& table, OpCode code) -> std::optional<Dimension> {
      for (const FieldName& f : table) {
        if (f.name == name) {
          emit(code, 0.0, f.index);
          return f.dimension;
        }
        names.emplace_back(f.name);
      }
      return std::nullopt;
    };
    const auto found = source              ? look(kSourceFields, OpCode::load_source)
                       : object == "track" ? look(kTrackFields, OpCode::load_track)
                                           : look(kTrackFields, OpCode::load_own);
    if (found) {
      return *found;
    }
    at_ = here;
    return fail("unknown field \"" + std::string(name) + "\" of " + std::string(object),
                suggestion(name, names));
  }

  // The object argument: track, own or source, where the scope has it.
  std::string_view object_argument() {
    const std::size_t start = at_;
    const std::string_view object = word();
    const bool known = (object == "track" && context_.scope == Scope::track) || object == "own" ||
                       (object == "source" && context_.scope == Scope::source);
    if (!known && ok()) {
      at_ = start;
      fail("expected a subject, found \"" + std::string(object) + "\"",
           context_.scope == Scope::track ? "write track or own" : "write what `of` names");
    }
    return object;
  }
  void close() {
    if (ok() && !take(")")) {
      fail("expected \")\"", "");
    }
  }

  Dimension function(std::string_view name, std::size_t start) {
    if (name == "inside") {
      const std::string_view object = object_argument();
      if (ok() && !take(",")) {
        return fail("inside needs two arguments", "write inside(track, ZONE)");
      }
      skip_space();
      const std::size_t here = at_;
      const std::string zone(word());
      const auto at = std::find(context_.zones->begin(), context_.zones->end(), zone);
      if (ok() && at == context_.zones->end()) {
        at_ = here;
        return fail("there is no zone \"" + zone + "\"", suggestion(zone, *context_.zones));
      }
      if (ok()) {
        emit(object == "own" ? OpCode::inside_own : OpCode::inside_track, 0.0,
             static_cast<std::uint16_t>(at - context_.zones->begin()));
      }
      close();
      return Dimension::boolean;
    }
    struct Pair {
      std::string_view name;
      OpCode code;
      Dimension dimension;
    };
    for (const Pair& p : {Pair{"cpa", OpCode::cpa, Dimension::length},
                          Pair{"tcpa", OpCode::tcpa, Dimension::duration},
                          Pair{"distance", OpCode::distance, Dimension::length},
                          Pair{"bearing", OpCode::bearing, Dimension::angle}}) {
      if (p.name == name) {
        const bool good = take("track") && take(",") && take("own");
        if (!good || context_.scope != Scope::track) {
          return fail("\"" + std::string(name) + "\" is between a track and own ship",
                      "write " + std::string(name) + "(track, own) where `of` is track");
        }
        emit(p.code);
        close();
        return p.dimension;
      }
    }
    if (name == "min" || name == "max") {
      const Dimension a = expression();
      if (ok() && !take(",")) {
        return fail("\"" + std::string(name) + "\" needs two arguments", "");
      }
      same(a, expression(), "the two arguments");
      emit(name == "min" ? OpCode::minimum : OpCode::maximum);
      close();
      return a;
    }
    if (name == "abs") {
      const Dimension a = expression();
      emit(OpCode::absolute);
      close();
      return a;
    }
    // age(track), speed(own), silent… : a field written as a function.
    for (const FieldName& f : kTrackFields) {
      if (f.name == name) {
        const std::string_view object = object_argument();
        if (object == "source" && name != "age") {
          return fail("a source has no " + std::string(name), "a source has age, up, accepted");
        }
        if (object == "source") {
          emit(OpCode::load_source, 0.0, static_cast<std::uint16_t>(SourceField::age));
        } else {
          emit(object == "own" ? OpCode::load_own : OpCode::load_track, 0.0, f.index);
        }
        close();
        return f.dimension;
      }
    }
    at_ = start;
    return fail(
        "unknown function \"" + std::string(name) + "\"",
        suggestion(name, {"inside", "cpa", "tcpa", "distance", "bearing", "min", "max", "abs",
                          "age", "speed", "course", "heading", "altitude", "confidence", "lost"}));
  }

  static bool matches(Dimension a, Dimension b) { return a == b || (plain(a) && plain(b)); }
  void same(Dimension a, Dimension b, std::string_view what) {
    if (ok() && !matches(a, b)) {
      fail(std::string(what) + " are a " + std::string(name_of(a)) + " and a " +
               std::string(name_of(b)),
           unit_help(a));
    }
  }
  void need(Dimension got, Dimension wanted, std::string_view what) {
    if (ok() && got != wanted) {
      fail(std::string(what) + " is a " + std::string(name_of(got)) + ", not " +
               std::string(name_of(wanted)),
           "");
    }
  }
  static std::string unit_help(Dimension d) {
    std::string units;
    for (const UnitName& u : kUnits) {
      if (u.dimension == d) {
        units += (units.empty() ? "" : ", ") + std::string(u.name);
      }
    }
    return units.empty() ? "" : "units of " + std::string(name_of(d)) + ": " + units;
  }
  static std::string suggestion(std::string_view name, const std::vector<std::string>& names) {
    const std::string best = nearest(name, names);
    return best.empty() ? "" : "did you mean \"" + best + "\"?";
  }

  std::string_view text_;
  const CompileContext& context_;
  std::size_t at_ = 0;
  int depth_ = 0;
  CompiledExpression out_;
};

}  // namespace

CompiledExpression compile_expression(std::string_view text, Dimension wanted,
                                      const CompileContext& context) {
  return Compiler(text, context).run(wanted);
}

std::string check_ops(const Op* ops, std::size_t count, std::size_t zones, std::uint16_t& stack) {
  std::size_t height = 0;
  std::size_t highest = 0;
  if (count == 0 || count > limits::kExpressionOps) {
    return "an expression has 1 to " + std::to_string(limits::kExpressionOps) +
           " operations, this " + std::to_string(count);
  }
  std::array<std::size_t, limits::kExpressionOps + 1> landing{};  // height where a skip ends, or 0
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = static_cast<OpCode>(ops[i].code());
    if (code >= OpCode::count) {
      return "unknown operation " + std::to_string(ops[i].code());
    }
    const std::size_t index = ops[i].index();
    const bool track_field =
        code == OpCode::load_track || code == OpCode::load_own || code == OpCode::compare_track;
    if (code == OpCode::compare_track && !is_comparison(static_cast<OpCode>(ops[i].count()))) {
      return "a comparison by operation " + std::to_string(ops[i].count());
    }
    const bool zone = code == OpCode::inside_track || code == OpCode::inside_own;
    if ((track_field && index >= kTrackFields.size()) ||
        (code == OpCode::load_source && index >= kSourceFields.size()) ||
        (zone && index >= zones)) {
      return "operand " + std::to_string(index) + " out of range";
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
