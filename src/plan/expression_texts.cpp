// Comparisons with what stands in quotes: texts, patterns, names of codes, "" for an unknown value;
// and with lists.
#include <algorithm>

#include "base/text.hpp"
#include "model/codes.hpp"
#include "model/limits.hpp"
#include "plan/expression_parser.hpp"

namespace vedette::plan {
namespace {

constexpr std::size_t kFieldBytes = sizeof(Track::name) - 1;
static_assert(sizeof(Track::name) >= sizeof(Track::callsign) &&
              sizeof(Track::name) == sizeof(Particulars::destination));

bool starts_quote(char c) {
  return c == '\'' || c == '"';
}

}  // namespace

bool ExpressionParser::quote_follows() {
  skip_space();
  return at_ < text_.size() && starts_quote(text_[at_]);
}

std::string_view ExpressionParser::quoted() {
  const std::size_t begin = at_ + 1;
  const std::size_t end = text_.find(text_[at_], begin);
  if (end == std::string_view::npos) {
    fail("this text does not end", "end it with the quote that begins it");
    return {};
  }
  at_ = end + 1;
  return text_.substr(begin, end - begin);
}

std::uint32_t ExpressionParser::plan_text(std::string_view text) {
  std::string capitals(text);
  for (char& c : capitals) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const auto at = std::find(context_.parts->texts.begin(), context_.parts->texts.end(), capitals);
  const auto index = static_cast<std::uint32_t>(at - context_.parts->texts.begin());
  if (at == context_.parts->texts.end()) {
    context_.parts->texts.push_back(capitals);
  }
  return index;
}

// Replaces the loading of a text field, all since `begin`, by its test.
void ExpressionParser::test_text(OpCode code, std::size_t begin, std::string_view text) {
  const bool is_field = out_.ops.size() == begin + 1;
  const auto load = static_cast<OpCode>(out_.ops.back().code());
  if (!is_field || !loads_track_field(load) || context_.parts == nullptr) {
    fail("only a field's text can be compared", "write it as in track.name == \"PANDORA\"");
    return;
  }
  const std::uint16_t field = out_.ops.back().index();
  out_.ops.pop_back();
  emit(code, 0.0, field);
  out_.ops.back() =
      Op(0.0, static_cast<std::uint16_t>(code), field, plan_text(text) | owner_bits(load));
}

std::vector<Op> ExpressionParser::since(std::size_t begin) const {
  return {out_.ops.begin() + static_cast<std::ptrdiff_t>(begin), out_.ops.end()};
}

void ExpressionParser::again(const std::vector<Op>& ops) {
  out_.ops.insert(out_.ops.end(), ops.begin(), ops.end());
  out_.cost += static_cast<std::uint32_t>(ops.size());
}

void ExpressionParser::test_code(std::size_t begin, const CodeName& code) {
  if (code.low == code.high) {
    emit(OpCode::push, code.low);
    emit_comparison(OpCode::equal);
    return;
  }
  const std::vector<Op> left = since(begin);
  emit(OpCode::push, code.low);
  emit_comparison(OpCode::greater_equal);
  again(left);
  emit(OpCode::push, code.high);
  emit_comparison(OpCode::less_equal);
  emit(OpCode::logical_and);
}

// The value since `begin` equals the text in quotes.
void ExpressionParser::equal_quoted(Dimension left, std::size_t begin, std::size_t here,
                                    std::string_view text) {
  const auto refuse = [&](std::string message, std::string help) {
    at_ = here;
    fail(std::move(message), std::move(help));
  };
  if (text.empty()) {
    emit(OpCode::is_unknown);
  } else if (left == Dimension::text) {
    if (text.size() > kFieldBytes) {
      refuse("no text of a track is longer than " + std::to_string(kFieldBytes) + " characters",
             "write the beginning and *, as in track.name matches \"PAN*\"");
    }
    test_text(OpCode::text_equal, begin, text);
  } else if (const std::optional<double> constant = constant_named(text, left)) {
    emit(OpCode::push, *constant);
    emit_comparison(OpCode::equal);
  } else if (const std::span<const CodeName> codes = names_of_codes(left); !codes.empty()) {
    std::vector<std::string> names;
    for (const CodeName& code : codes) {
      if (code.name == text) {
        test_code(begin, code);
        return;
      }
      names.emplace_back(code.name);
    }
    std::string help = suggestion(text, names);
    for (std::size_t i = 0; i < names.size() && !help.ends_with('?'); ++i) {
      help += (i == 0 ? "one of: " : ", ") + names[i];
    }
    refuse("there is no " + std::string(name_of(left)) + " \"" + std::string(text) + "\"", help);
  } else {
    refuse("a " + std::string(name_of(left)) + " cannot be compared with a text", unit_help(left));
  }
}

// "06:00" or "06:00:30" in seconds, "monday" as 1.
std::optional<double> ExpressionParser::of_calendar(std::string_view text, Dimension dimension) {
  if (dimension == Dimension::weekday) {
    for (const CodeName& day : kWeekdayNames) {
      if (day.name == text) {
        return day.low;
      }
    }
    return std::nullopt;
  }
  double seconds = 0.0;
  double unit = 3600.0;
  std::size_t parts = 0;
  for (std::string_view rest = text; !rest.empty() && parts < 4; ++parts, unit /= 60.0) {
    const std::string_view digits = next_field(rest, ':');
    const auto value = parse_unsigned(digits);
    if (digits.size() != 2 || !value || *value > (parts == 0 ? 24U : 59U)) {
      return std::nullopt;
    }
    seconds += static_cast<double>(*value) * unit;
  }
  return parts >= 2 && parts <= 3 && seconds <= 86400.0 ? std::optional(seconds) : std::nullopt;
}

std::optional<double> ExpressionParser::calendar_quoted(Dimension dimension) {
  const std::size_t here = at_;
  const std::string_view text = quoted();
  const std::optional<double> value = ok() ? of_calendar(text, dimension) : std::nullopt;
  if (ok() && !value) {
    at_ = here;
    fail("\"" + std::string(text) + "\" is no " + std::string(name_of(dimension)),
         dimension == Dimension::weekday ? "write it as in \"monday\""
                                         : "write it as in \"06:00\" or \"21:30:15\"");
  }
  return value;
}

// time_of_day in "22:00".."06:00" without its end, weekday in "monday".."friday" with it; past
// midnight or Sunday where the end is before the beginning.
Dimension ExpressionParser::between(Dimension left, const std::vector<Op>& value) {
  const std::size_t here = at_;
  const auto low = calendar_quoted(left);
  if (ok() && (!take("..") || !quote_follows())) {
    return fail("expected \"..\" and the end", left == Dimension::weekday
                                                   ? "write \"monday\"..\"friday\""
                                                   : "write \"22:00\"..\"06:00\"");
  }
  const auto high = ok() ? calendar_quoted(left) : std::nullopt;
  if (!ok()) {
    return Dimension::boolean;
  }
  if (*low == *high) {
    at_ = here;
    return fail("this span has no length", "");
  }
  emit(OpCode::push, *low);
  emit(OpCode::greater_equal);
  again(value);
  emit(OpCode::push, *high);
  emit(left == Dimension::weekday ? OpCode::less_equal : OpCode::less);
  emit(*low < *high ? OpCode::logical_and : OpCode::logical_or);
  return Dimension::boolean;
}

// x == "text", x != "text"
Dimension ExpressionParser::compared_with_quoted(Dimension left, std::size_t begin, OpCode code) {
  const std::size_t here = at_;
  if (left == Dimension::time_of_day) {
    const auto value = calendar_quoted(left);
    if (ok() && (code == OpCode::equal || code == OpCode::not_equal)) {
      at_ = here;
      return fail("a time of day passes at once", "write in \"06:00\"..\"06:01\"");
    }
    emit(OpCode::push, value.value_or(0.0));
    emit(code);
    return Dimension::boolean;
  }
  const std::string_view text = quoted();
  if (ok() && code != OpCode::equal && code != OpCode::not_equal) {
    at_ = here;
    return fail("a text has no order", "write ==, != or matches");
  }
  if (ok()) {
    equal_quoted(left, begin, here, text);
  }
  if (ok() && code == OpCode::not_equal) {
    emit(OpCode::logical_not);
  }
  return Dimension::boolean;
}

// x in [a, b, …]
Dimension ExpressionParser::among(Dimension left, std::size_t begin) {
  const std::vector<Op> value = since(begin);
  if (quote_follows() && (left == Dimension::time_of_day || left == Dimension::weekday)) {
    return between(left, value);
  }
  if (!take("[")) {
    return fail("\"in\" needs a list", "write it as in track.name in [\"PANDORA\", \"ULLA\"]");
  }
  for (bool first = true; ok() && (first || take(",")); first = false) {
    const std::size_t start = out_.ops.size();
    if (!first) {
      again(value);
    }
    equal_element(left, first ? begin : start);
    if (!first) {
      emit(OpCode::logical_or);
    }
  }
  if (ok() && !take("]")) {
    return fail("expected \",\" or \"]\"", "");
  }
  return Dimension::boolean;
}

void ExpressionParser::equal_element(Dimension left, std::size_t begin) {
  skip_space();
  const std::size_t here = at_;
  if (quote_follows()) {
    equal_quoted(left, begin, here, quoted());
    return;
  }
  const Dimension right = sum();
  comparable(left, right, here);
  emit_comparison(OpCode::equal);
}

// x matches "PAN*"
Dimension ExpressionParser::matching(Dimension left, std::size_t begin) {
  skip_space();
  const std::size_t here = at_;
  if (left != Dimension::text) {
    return fail("only a text matches a pattern, not a " + std::string(name_of(left)), "");
  }
  if (!quote_follows()) {
    return fail("\"matches\" needs a pattern in quotes",
                "write it as in track.name matches \"PAN*\"; ? stands for one character");
  }
  const std::string_view pattern = quoted();
  if (ok() && (pattern.empty() || pattern.size() > limits::kPatternBytes)) {
    at_ = here;
    return fail("a pattern has 1 to " + std::to_string(limits::kPatternBytes) + " characters", "");
  }
  if (ok()) {
    test_text(OpCode::text_matches, begin, pattern);
  }
  return Dimension::boolean;
}

// Refuses what never holds, too.
void ExpressionParser::comparable(Dimension left, Dimension right, std::size_t here) {
  if (!ok()) {
    return;
  }
  const double constant = out_.ops.back().value();
  const bool number = static_cast<OpCode>(out_.ops.back().code()) == OpCode::push;
  if (left == Dimension::text || !matches(left, right)) {
    at_ = here;
    fail("a " + std::string(name_of(left)) + " cannot be compared with a " +
             std::string(name_of(right)),
         left == Dimension::text ? "write the text in quotes" : unit_help(left));
  } else if (number && ((left == Dimension::ship_type && constant == 0.0) ||
                        (left == Dimension::nav_status && constant == 15.0))) {
    at_ = here;
    fail("an unknown " + std::string(name_of(left)) + " equals no number",
         "compare it with \"\", which is true while it is unknown");
  }
}

}  // namespace vedette::plan
