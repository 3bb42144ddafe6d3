#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "model/derived.hpp"
#include "plan/expression_parser.hpp"
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

}  // namespace

void ExpressionParser::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
    ++at_;
  }
}

bool ExpressionParser::take(std::string_view token) {
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

std::string_view ExpressionParser::word() {
  skip_space();
  const std::size_t start = at_;
  while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) {
    ++at_;
  }
  return text_.substr(start, at_ - start);
}

std::optional<double> ExpressionParser::constant_named(std::string_view name, Dimension dimension) {
  for (const Constant& c : kConstants) {
    if (c.name == name && c.dimension == dimension) {
      return c.value;
    }
  }
  return std::nullopt;
}

Dimension ExpressionParser::primary() {
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
  if (context_.in_message && name == "now") {
    emit(OpCode::now);
    return Dimension::instant;
  }
  if (name == "time_of_day" || name == "weekday") {
    return calendar(name, start);
  }
  at_ = start;
  return fail("unknown name \"" + std::string(name) + "\"",
              suggestion(name, {"track.speed", "own.speed", "vessel", "aircraft", "vehicle", "true",
                                "false", "level", "confidence", "inside", "cpa", "tcpa", "age"}));
}

Dimension ExpressionParser::number() {
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
  if (unit_text.empty() || unit_text == "and" || unit_text == "or" || unit_text == "in") {
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

// The kind of subject with this name; null if this expression does not see one.
const FieldsOfKind* ExpressionParser::seen(std::string_view name) const {
  if (name == "a" && context_.subject == SubjectKind::pair) {
    return kFieldsOfKinds.data();  // the first of a pair is the track
  }
  for (std::size_t kind = 0; kind < kSubjectKinds; ++kind) {
    const FieldsOfKind& of = kFieldsOfKinds[kind];
    if (of.name == name && (of.everywhere || kind == static_cast<std::size_t>(context_.subject))) {
      return &of;
    }
  }
  return nullptr;
}

// Null if it has no such field; `names` then lists its fields.
const FieldName* ExpressionParser::load(const FieldsOfKind& of, std::string_view name,
                                        std::vector<std::string>& names) {
  for (const FieldName& field : of.fields) {
    if (field.name == name) {
      emit(of.load, 0.0, field.index);
      out_.cost += field.cost;
      return &field;
    }
    names.emplace_back(field.name);
  }
  return nullptr;
}

Dimension ExpressionParser::field(std::string_view object, std::size_t start) {
  const std::size_t here = at_;
  const std::string_view name = word();
  std::string kinds;
  bool known = false;
  for (std::size_t kind = 0; kind < kSubjectKinds; ++kind) {
    known = known || kFieldsOfKinds[kind].name == object;
    kinds += (kind == 0                   ? ""
              : kind + 1 == kSubjectKinds ? " or "
                                          : ", ") +
             (kind == static_cast<std::size_t>(SubjectKind::pair)
                  ? "a and b of a pair"
                  : std::string(kFieldsOfKinds[kind].name));
  }
  const FieldsOfKind* of = seen(object);
  if (of == nullptr) {
    at_ = start;
    return known ? fail("there is no " + std::string(object) + " in this assessment",
                        "use the subject that `of` names, or own")
                 : fail("\"" + std::string(object) + "\" has no fields here",
                        "only " + kinds + " have fields, and inside() takes a zone");
  }
  std::vector<std::string> names;
  if (const FieldName* found = load(*of, name, names); found != nullptr) {
    return found->dimension;
  }
  at_ = here;
  return fail("unknown field \"" + std::string(name) + "\" of " + std::string(object),
              suggestion(name, names));
}

// A function's subject; null, with an error, if there is none.
const FieldsOfKind* ExpressionParser::subject_argument() {
  const std::size_t start = at_;
  const std::string_view name = word();
  const FieldsOfKind* of = seen(name);
  if (of == nullptr && ok()) {
    at_ = start;
    fail("expected a subject, found \"" + std::string(name) + "\"",
         context_.subject == SubjectKind::track  ? "write track or own"
         : context_.subject == SubjectKind::pair ? "write a, b or own"
                                                 : "write what `of` names");
  }
  return of;
}

void ExpressionParser::close() {
  if (ok() && !take(")")) {
    fail("expected \")\"", "");
  }
}

std::optional<std::uint16_t> ExpressionParser::zone_argument() {
  skip_space();
  const std::size_t here = at_;
  const std::string zone(word());
  const auto at = std::find(context_.zones->begin(), context_.zones->end(), zone);
  if (at == context_.zones->end()) {
    at_ = here;
    fail("there is no zone \"" + zone + "\"", suggestion(zone, *context_.zones));
    return std::nullopt;
  }
  return static_cast<std::uint16_t>(at - context_.zones->begin());
}

// count(KIND, ZONE)
Dimension ExpressionParser::count() {
  skip_space();
  const std::size_t here = at_;
  const std::string kind(word());
  const std::optional<double> number = constant_named(kind, Dimension::kind);
  if (!number || context_.parts == nullptr) {
    at_ = here;
    return fail(
        "there is no kind of track \"" + kind + "\"",
        suggestion(kind, {"vessel", "aid", "base_station", "aircraft", "vehicle", "contact"}));
  }
  if (!take(",")) {
    return fail("\"count\" needs two arguments", "write count(vessel, ZONE)");
  }
  if (const std::optional<std::uint16_t> zone = zone_argument()) {
    const ZoneCount wanted(*zone, static_cast<std::uint8_t>(*number));
    std::vector<ZoneCount>& counts = context_.parts->counts;
    const auto at = std::find_if(counts.begin(), counts.end(), [&](const ZoneCount& c) {
      return c.zone() == wanted.zone() && c.kind() == wanted.kind();
    });
    emit(OpCode::count_in_zone, 0.0, static_cast<std::uint16_t>(at - counts.begin()));
    if (at == counts.end()) {
      counts.push_back(wanted);
    }
  }
  close();
  return Dimension::number;
}

Dimension ExpressionParser::calendar(std::string_view name, std::size_t start) {
  if (context_.parts == nullptr || !context_.parts->has_time_zone) {
    at_ = start;
    return fail("\"" + std::string(name) + "\" needs the site's time zone",
                "write timezone = \"Europe/Helsinki\" at the top of the file, or \"UTC\"");
  }
  const bool day = name == "weekday";
  emit(day ? OpCode::weekday : OpCode::time_of_day);
  return day ? Dimension::weekday : Dimension::time_of_day;
}

// inside(track, ZONE), inside(own, ZONE)
Dimension ExpressionParser::inside() {
  const FieldsOfKind* of = subject_argument();
  if (ok() && !take(",")) {
    return fail("\"inside\" needs two arguments", "write inside(track, ZONE)");
  }
  const std::optional<std::uint16_t> zone = ok() ? zone_argument() : std::nullopt;
  if (zone) {
    emit(of->load == OpCode::load_own ? OpCode::inside_own
         : of->load == OpCode::load_b ? OpCode::inside_b
                                      : OpCode::inside_track,
         0.0, *zone);
  }
  close();
  return Dimension::boolean;
}

// min(a, b), max(a, b)
Dimension ExpressionParser::extreme(std::string_view name) {
  const Dimension a = expression();
  if (ok() && !take(",")) {
    return fail("\"" + std::string(name) + "\" needs two arguments", "");
  }
  same(a, expression(), "the two arguments");
  emit(name == "min" ? OpCode::minimum : OpCode::maximum);
  close();
  return a;
}

// age(track), speed(own), up(source): a field written as a function.
Dimension ExpressionParser::field_function(std::string_view name) {
  const FieldsOfKind* of = subject_argument();
  if (of == nullptr) {
    return Dimension::number;
  }
  std::vector<std::string> names;
  const FieldName* found = load(*of, name, names);
  if (found == nullptr) {
    return fail("\"" + std::string(of->name) + "\" has no " + std::string(name),
                suggestion(name, names));
  }
  close();
  return found->dimension;
}

// The two that cpa() and its like compare.
bool ExpressionParser::compared() {
  return context_.subject == SubjectKind::pair
             ? take("a") && take(",") && take("b")
             : context_.subject == SubjectKind::track && take("track") && take(",") && take("own");
}

Dimension ExpressionParser::function(std::string_view name, std::size_t start) {
  struct Pair {
    std::string_view name;
    OpCode code;
    Dimension dimension;
  };
  if (name == "inside") {
    return inside();
  }
  if (name == "count") {
    return count();
  }
  for (const Pair& p : {Pair{"cpa", OpCode::cpa, Dimension::length},
                        Pair{"tcpa", OpCode::tcpa, Dimension::duration},
                        Pair{"distance", OpCode::distance, Dimension::length},
                        Pair{"bearing", OpCode::bearing, Dimension::angle}}) {
    if (p.name == name) {
      if (!compared()) {
        return fail("\"" + std::string(name) + "\" needs a track and own ship, or a pair",
                    "write " + std::string(name) + "(track, own) where `of` is track, " +
                        std::string(name) + "(a, b) where it is pair");
      }
      emit(p.code);
      close();
      return p.dimension;
    }
  }
  if (name == "min" || name == "max") {
    return extreme(name);
  }
  if (name == "abs") {
    const Dimension a = expression();
    emit(OpCode::absolute);
    close();
    return a;
  }
  for (const FieldsOfKind& of : kFieldsOfKinds) {
    if (std::any_of(of.fields.begin(), of.fields.end(),
                    [&](const FieldName& f) { return f.name == name; })) {
      return field_function(name);
    }
  }
  at_ = start;
  return fail("unknown function \"" + std::string(name) + "\"",
              suggestion(name, {"inside", "count", "cpa", "tcpa", "distance", "bearing", "min",
                                "max", "abs", "age", "speed", "course", "heading", "altitude",
                                "confidence", "lost"}));
}

std::string ExpressionParser::suggestion(std::string_view name,
                                         const std::vector<std::string>& names) {
  const std::string best = nearest(name, names);
  return best.empty() ? "" : "did you mean \"" + best + "\"?";
}

}  // namespace vedette::plan
