#include "node/why.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "model/codes.hpp"
#include "model/derived.hpp"

namespace vedette::node {
namespace {

using Ops = std::span<const plan::Op>;

constexpr std::size_t kNone = ~std::size_t{0};

// A value of the expression: the operations [first, last] that make it, the last being its own.
struct Node {
  std::size_t first, last;
  std::size_t sides[3] = {kNone, kNone, kNone};  // nodes of its operands, in order
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

OpCode code_of(const plan::Op& op) {
  return static_cast<OpCode>(op.code());
}

// All values, each behind its operands; the last is the whole. Skips make none.
std::vector<Node> nodes_of(Ops ops) {
  std::vector<Node> nodes;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const OpCode code = code_of(ops[i]);
    if (is_skip(code)) {
      continue;
    }
    const std::size_t pops = info_of(code).pops;
    Node node{i, i};
    if (open.size() < pops) {
      return {};
    }
    for (std::size_t side = 0; side < pops; ++side) {
      node.sides[side] = open[open.size() - pops + side];
    }
    open.resize(open.size() - pops);
    node.first = pops == 0 ? i : nodes[node.sides[0]].first;
    open.push_back(nodes.size());
    nodes.push_back(node);
  }
  return nodes;
}

struct Words {
  std::string text;
  Dimension dimension = Dimension::number;
  int rank = 4;
  bool computed = false;  // a product or quotient, whose dimension its operations do not tell
};

// Of a pair the fields of both say whose they are.
Words field_words(OpCode load, std::uint16_t index, bool of_pair) {
  const std::size_t kind = kind_loaded_by(load);
  const FieldsOfKind& of = kFieldsOfKinds[kind];
  if (index >= of.fields.size()) {
    return {"?", Dimension::number, 4};
  }
  std::string name(of.fields[index].name);
  std::replace(name.begin(), name.end(), '_', ' ');
  const bool subject = load == OpCode::load_track;
  const std::string whose = !subject ? std::string(of.name) + " " : of_pair ? "a " : "";
  return {whose + name, of.fields[index].dimension, subject ? 3 : 5};
}

std::string_view sign_of(OpCode code) {
  switch (code) {
    case OpCode::add:
      return " + ";
    case OpCode::subtract:
      return " - ";
    case OpCode::multiply:
      return " * ";
    case OpCode::divide:
      return " / ";
    default:
      return ", ";
  }
}

class Reader {
 public:
  Reader(std::string_view text, Ops ops, const assess::View& view,
         std::span<const std::string> zones)
      : text_(text), ops_(ops), nodes_(nodes_of(ops_)), view_(view), zones_(zones) {}

  std::vector<Compared> all() {
    if (!nodes_.empty()) {
      visit(nodes_.size() - 1);
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Compared& a, const Compared& b) { return a.rank < b.rank; });
    return std::move(found_);
  }

 private:
  double value_of(const Node& node) const {
    return assess::evaluate(ops_.subspan(node.first, node.last - node.first + 1), view_);
  }

  void visit(std::size_t at) {
    const Node& node = nodes_[at];
    const plan::Op& op = ops_[node.last];
    const OpCode code = code_of(op);
    if (code == OpCode::logical_and || code == OpCode::logical_or || code == OpCode::logical_not ||
        code == OpCode::select) {
      for (const std::size_t side : node.sides) {
        if (side != kNone) {
          visit(side);
        }
      }
    } else if (code == OpCode::compare_track) {
      const plan::Op load(0.0, static_cast<std::uint16_t>(OpCode::load_track), op.index(), 0);
      const Words words = field_words(OpCode::load_track, op.index(), view_.of_pair);
      add(words, assess::evaluate({&load, 1}, view_), static_cast<OpCode>(op.count()), op.value(),
          value_of(node), true);
    } else if (is_comparison(code)) {
      const Node& left = nodes_[node.sides[0]];
      const Node& right = nodes_[node.sides[1]];
      const bool literal = right.first == right.last && code_of(ops_[right.last]) == OpCode::push;
      add(words_of(left), value_of(left), code, value_of(right), value_of(node), literal);
      if (!literal) {
        found_.back().bound_text = words_of(right).text;
      }
    } else {
      Words words = words_of(node);
      add(words, value_of(node), OpCode::count, 1.0, value_of(node), false);
    }
  }

  void add(const Words& words, double value, OpCode comparison, double bound, double holds,
           bool literal) {
    Compared c;
    c.what = words.text;
    c.value = value;
    c.dimension = words.dimension;
    c.comparison = comparison;
    c.bound = bound;
    c.holds = holds;
    c.rank = words.rank;
    c.bound_text = literal ? literal_of(bound, words.computed, c.dimension) : std::string();
    found_.push_back(std::move(c));
  }

  // The number with its unit that the text has for this bound, of any dimension if `any`, which
  // `dimension` then becomes: the product of two quantities does not tell its own.
  std::string literal_of(double bound, bool any, Dimension& dimension) const {
    for (std::size_t at = 0; at < text_.size(); ++at) {
      const bool within = at > 0 && (is_letter(text_[at - 1]) || is_digit(text_[at - 1]) ||
                                     text_[at - 1] == '_' || text_[at - 1] == '.');
      if (!is_digit(text_[at]) || within) {
        continue;
      }
      std::size_t end = at;
      while (end < text_.size() && (is_digit(text_[end]) || text_[end] == '.')) {
        ++end;
      }
      const auto number = parse_decimal(text_.substr(at, end - at));
      const std::size_t from = end + (end < text_.size() && text_[end] == ' ' ? 1 : 0);
      std::size_t unit_end = from;
      while (unit_end < text_.size() && text_[unit_end] > ' ' && text_[unit_end] != ')') {
        ++unit_end;
      }
      const UnitName* unit = find_unit(text_.substr(from, unit_end - from));
      if (number && unit == nullptr && *number == bound &&
          (dimension == Dimension::number || dimension == Dimension::ratio)) {
        return std::string(text_.substr(at, end - at));
      }
      if (number && unit != nullptr && (any || unit->dimension == dimension) &&
          *number * unit->factor == bound) {
        dimension = unit->dimension;
        return std::string(text_.substr(at, unit_end - at));
      }
    }
    return {};
  }

  Words words_of(const Node& node) const {
    const plan::Op& op = ops_[node.last];
    const OpCode code = code_of(op);
    if (kind_loaded_by(code) != kSubjectKinds) {
      return field_words(code, op.index(), view_.of_pair);
    }
    const auto zone = [&] {
      return op.index() < zones_.size() ? zones_[op.index()] : std::string("?");
    };
    switch (code) {
      case OpCode::push:
        return {quantity_text(op.value(), Dimension::number), Dimension::number, 5};
      case OpCode::inside_track:
        return {(view_.of_pair ? "a inside " : "inside ") + zone(), Dimension::boolean, 2};
      case OpCode::inside_own:
        return {"own ship inside " + zone(), Dimension::boolean, 2};
      case OpCode::inside_b:
        return {"b inside " + zone(), Dimension::boolean, 2};
      case OpCode::cpa:
        return {"CPA", Dimension::length, 0};
      case OpCode::tcpa:
        return {"TCPA", Dimension::duration, 1};
      case OpCode::distance:
        return {"distance", Dimension::length, 1};
      case OpCode::bearing:
        return {"bearing", Dimension::angle, 1};
      case OpCode::level:
        return {"level", Dimension::level, 4};
      case OpCode::confidence:
        return {"confidence", Dimension::ratio, 4};
      case OpCode::is_unknown:
        return {words_of(nodes_[node.sides[0]]).text + " unknown", Dimension::boolean, 3};
      case OpCode::text_equal:
      case OpCode::text_matches:
        return {text_words(op), Dimension::boolean, 3};
      case OpCode::count_in_zone:
        return {count_words(op.index()), Dimension::number, 1};
      case OpCode::time_of_day:
        return {"time of day", Dimension::time_of_day, 4};
      case OpCode::weekday:
        return {"weekday", Dimension::weekday, 4};
      default:
        return sum_words(node, code);
    }
  }

  std::string text_words(const plan::Op& op) const {
    const bool equal = code_of(op) == OpCode::text_equal;
    return field_words(owner_in(op.count()), op.index(), view_.of_pair).text +
           (equal ? " is \"" : " matches \"") +
           view_.world->plan->texts()->Get(op.count() & kTextMask)->str() + "\"";
  }
  std::string count_words(std::uint16_t count) const {
    const plan::ZoneCount* of = view_.world->plan->counts()->Get(count);
    return "count of " + std::string(name_of(static_cast<IdentityKind>(of->kind()))) + " in " +
           (of->zone() < zones_.size() ? zones_[of->zone()] : "?");
  }

  Words sum_words(const Node& node, OpCode code) const {
    const Words left = node.sides[0] == kNone ? Words{} : words_of(nodes_[node.sides[0]]);
    if (node.sides[1] == kNone) {
      return {code == OpCode::absolute ? "abs(" + left.text + ")" : "-" + left.text, left.dimension,
              left.rank};
    }
    const Words right = words_of(nodes_[node.sides[1]]);
    const bool called = code == OpCode::minimum || code == OpCode::maximum;
    const std::string inner = left.text + std::string(sign_of(code)) + right.text;
    const Dimension dimension =
        left.dimension == Dimension::number ? right.dimension : left.dimension;
    const bool computed = code == OpCode::multiply || code == OpCode::divide;
    return {called ? (code == OpCode::minimum ? "min(" : "max(") + inner + ")" : inner, dimension,
            std::min(left.rank, right.rank), computed};
  }

  std::string_view text_;
  Ops ops_;
  std::vector<Node> nodes_;
  const assess::View& view_;
  std::span<const std::string> zones_;
  std::vector<Compared> found_;
};

std::string decimal(double value, int decimals) {
  std::string text;
  append_decimal(text, value, decimals);
  return text;
}

std::string duration_text(double s) {
  if (std::fabs(s) < 60.0) {
    return decimal(s, 1) + " s";
  }
  const std::string sign = s < 0.0 ? "-" : "";
  const std::int64_t whole = std::llround(std::fabs(s));
  const std::int64_t h = whole / 3600;
  const std::int64_t min = whole / 60 % 60;
  const std::int64_t rest = whole % 60;
  const auto tail = [](std::int64_t n, const char* unit) {
    return n == 0 ? std::string() : " " + std::to_string(n) + unit;
  };
  return h != 0 ? sign + std::to_string(h) + " h" + tail(min, " min")
                : sign + std::to_string(min) + " min" + tail(rest, " s");
}

std::string number_text(double value) {
  return value == std::floor(value) && std::fabs(value) < 1e15
             ? std::to_string(static_cast<std::int64_t>(value))
             : decimal(value, 2);
}

// " (tanker)", where the code has a name.
std::string code_text(double value, Dimension dimension) {
  for (const CodeName& code : names_of_codes(dimension)) {
    if (value >= code.low && value <= code.high) {
      return " (" + std::string(code.name) + ")";
    }
  }
  return {};
}

std::string_view comparison_words(OpCode code) {
  switch (code) {
    case OpCode::less:
      return "below";
    case OpCode::less_equal:
      return "at most";
    case OpCode::greater:
      return "above";
    case OpCode::greater_equal:
      return "at least";
    case OpCode::equal:
      return "equal to";
    default:
      return "other than";
  }
}

}  // namespace

std::string quantity_text(double value, Dimension dimension) {
  if (value != value) {
    return "unknown";
  }
  switch (dimension) {
    case Dimension::boolean:
      return value != 0.0 ? "true" : "false";
    case Dimension::length:
      return std::fabs(value) < 10'000.0
                 ? decimal(value, 0) + " m"
                 : decimal(value / 1000.0, 1) + " km (" + decimal(value / 1852.0, 1) + " nmi)";
    case Dimension::speed:
      return decimal(value * 3600.0 / 1852.0, 1) + " kn";
    case Dimension::angle:
      return decimal(value, 1) + " deg";
    case Dimension::duration:
      return duration_text(value);
    case Dimension::acceleration:
      return decimal(value, 2) + " m/s2";
    case Dimension::ratio:
      return decimal(value, 2);
    case Dimension::kind:
      return std::string(name_of(static_cast<IdentityKind>(value)));
    case Dimension::level:
      return std::string(name_of(static_cast<Level>(value)));
    case Dimension::time_of_day:
      return decimal(std::floor(value / 3600.0), 0) + " h " +
             decimal(std::floor(value / 60.0) - 60.0 * std::floor(value / 3600.0), 0) + " min";
    default:
      return number_text(value) + code_text(value, dimension);
  }
}

std::string Compared::value_text() const {
  return quantity_text(value, dimension);
}

std::string Compared::held_against() const {
  if (comparison == OpCode::count) {
    return {};
  }
  std::string text = holds == 1.0 ? "" : holds == 0.0 ? "not " : "not known to be ";
  text += comparison_words(comparison);
  const std::string in_base = quantity_text(bound, dimension);
  if (bound_text.empty()) {
    return text + " " + in_base;
  }
  // In the unit of the value, where the site file uses another one.
  const bool other = (dimension == Dimension::length && !bound_text.ends_with(" m")) ||
                     (dimension == Dimension::speed && !bound_text.ends_with("kn"));
  return text + " " + bound_text + (other ? " (" + in_base + ")" : "");
}

std::vector<Compared> comparisons(std::string_view text, Ops ops, const assess::View& view,
                                  std::span<const std::string> zones) {
  return Reader(text, ops, view, zones).all();
}

std::vector<Compared> comparisons(const plan::Expression& expression, const assess::View& view,
                                  const plan::Plan& plan) {
  std::vector<std::string> zones;
  for (const plan::Zone* zone : *plan.zones()) {
    zones.push_back(zone->name()->str());
  }
  const auto* ops = reinterpret_cast<const plan::Op*>(expression.ops()->Data());
  return comparisons(expression.text()->string_view(), {ops, expression.ops()->size()}, view,
                     zones);
}

}  // namespace vedette::node
