#include <cmath>
#include <cstddef>

#include "core/assess/operand.hpp"

namespace vedette::assess {
namespace {

Motion motion_of(const Track& t, std::int64_t now_ns) {
  const double dt = seconds_between(t.filter_ns, now_ns);
  const Place here{t.latitude, t.longitude};
  return {dt == 0.0 ? here : moved(here, t.velocity_east * dt, t.velocity_north * dt, t.parallel),
          t.velocity_east, t.velocity_north};
}

// Kleene's three values: an unknown side decides nothing the other side has not decided.
double both(double a, double b) {
  if (a == 0.0 || b == 0.0) {
    return 0.0;
  }
  return a != a || b != b ? kUnknown : 1.0;
}
double either(double a, double b) {
  if (a == 1.0 || b == 1.0) {
    return 1.0;
  }
  return a != a || b != b ? kUnknown : 0.0;
}

unsigned relation_of(double a, double b) {
  return (a < b ? 1U * kLess : 0U) | (a == b ? 1U * kEqual : 0U) | (a > b ? 1U * kGreater : 0U);
}
std::uint8_t wanted_of(OpCode code) {
  // In the order of the codes: less, less or equal, greater, greater or equal, equal, not equal.
  constexpr std::uint8_t kWanted[] = {kLess,  kLess | kEqual,  kGreater, kEqual | kGreater,
                                      kEqual, kLess | kGreater};
  return kWanted[static_cast<unsigned>(code) - static_cast<unsigned>(OpCode::less)];
}
// Unknown where either side is.
double compare(OpCode code, double a, double b) {
  const unsigned relation = relation_of(a, b);
  return relation == 0 ? kUnknown : truth((wanted_of(code) & relation) != 0);
}

double arithmetic(OpCode code, double a, double b) {
  if (a != a || b != b) {
    return kUnknown;
  }
  switch (code) {
    case OpCode::add:
      return canonical(a + b);
    case OpCode::subtract:
      return canonical(a - b);
    case OpCode::multiply:
      return canonical(a * b);
    case OpCode::divide:
      return b == 0.0 ? kUnknown : a / b;
    case OpCode::minimum:
      return a < b ? a : b;
    case OpCode::maximum:
      return a > b ? a : b;
    default:
      return kUnknown;
  }
}

double unary(OpCode code, double a) {
  if (a != a) {
    return a;
  }
  switch (code) {
    case OpCode::negate:
      return -a;
    case OpCode::absolute:
      return a < 0.0 ? -a : a;
    default:
      return truth(a == 0.0);
  }
}

}  // namespace

Approach approach_to_own(const View& v) {
  if (!placed(v.track) || !placed(v.own) || v.track == v.own) {
    return {kUnknown, kUnknown};
  }
  if (!v.approach_known) {
    v.approach = closest_approach(motion_of(*v.own, v.now_ns), motion_of(*v.track, v.now_ns),
                                  kApproachHorizonS, v.own->parallel);
    v.approach_known = true;
  }
  return v.approach;
}

bool may_approach_own(const View& v) {
  if (!placed(v.track) || !placed(v.own) || v.track == v.own) {
    return false;
  }
  const auto speed = [](const Track& t) {
    return det_sqrt(t.velocity_east * t.velocity_east + t.velocity_north * t.velocity_north);
  };
  return chord_distance(vector(v.own->ecef), vector(v.track->ecef)) <=
         kApproachRangeM + (speed(*v.own) + speed(*v.track)) * kApproachHorizonS;
}

namespace {

bool is_load(OpCode code) {
  return code > OpCode::push && code < OpCode::add;
}

}  // namespace

std::size_t terms_of(std::span<const plan::Op> ops, std::span<Term> out) {
  const auto code_at = [&](std::size_t i) {
    return i < ops.size() ? static_cast<OpCode>(ops[i].code()) : OpCode::count;
  };
  std::size_t count = 0;
  for (std::size_t i = 0; i < ops.size();) {
    Term& term = out[count++];
    term = {ops[i].value(), code_at(i), ops[i].index(), 0};
    if (term.load == OpCode::compare_track) {
      term.load = OpCode::load_track;
      term.wanted = wanted_of(static_cast<OpCode>(ops[i].count()));
      i += 1;
    } else if (is_load(term.load) && code_at(i + 1) == OpCode::push &&
               is_comparison(code_at(i + 2))) {
      term.value = ops[i + 1].value();
      term.wanted = wanted_of(code_at(i + 2));
      i += 3;
    } else if (is_load(term.load)) {
      i += 1;
    } else {
      return 0;
    }
    if (count > 1) {
      if (code_at(i) != OpCode::logical_and) {
        return 0;
      }
      i += 1;
    }
    if (i == ops.size()) {
      return count;
    }
    // The next operand is left out where this one is false, and with it all that follow.
    if (code_at(i) != OpCode::skip_if_false || i + 1 + ops[i].count() != ops.size()) {
      return 0;
    }
    i += 1;
  }
  return 0;
}

double evaluate(const Condition& condition, std::span<const Zone> zones, const View& v) {
  if (condition.terms.empty()) {
    return evaluate(condition.ops, zones, v);
  }
  bool unknown = false;
  for (const Term& term : condition.terms) {
    const double value = load(term.load, term.index, zones, v);
    if (term.wanted == 0) {
      if (value == 0.0) {
        return 0.0;
      }
      unknown = unknown || value != value;
      continue;
    }
    const unsigned relation = relation_of(value, term.value);
    if (relation != 0 && (relation & term.wanted) == 0) {
      return 0.0;
    }
    unknown = unknown || relation == 0;
  }
  return unknown ? kUnknown : 1.0;
}

double evaluate(std::span<const plan::Op> ops, std::span<const Zone> zones, const View& v) {
  // The loader proved that this stack is never passed at either end.
  double stack[limits::kExpressionStack];
  double* top = stack;  // behind the uppermost
  const plan::Op* const end = ops.data() + ops.size();
  for (const plan::Op* op = ops.data(); op < end; ++op) {
    const auto code = static_cast<OpCode>(op->code());
    switch (code) {
      case OpCode::push:
        *top++ = op->value();
        break;
      case OpCode::compare_track:
        *top++ = compare(static_cast<OpCode>(op->count()),
                         load(OpCode::load_track, op->index(), zones, v), op->value());
        break;
      case OpCode::load_track:
      case OpCode::load_own:
      case OpCode::load_source:
      case OpCode::inside_track:
      case OpCode::inside_own:
      case OpCode::cpa:
      case OpCode::tcpa:
      case OpCode::distance:
      case OpCode::bearing:
      case OpCode::level:
      case OpCode::confidence:
        *top++ = load(code, op->index(), zones, v);
        break;
      case OpCode::skip_if_false:
        op += top[-1] == 0.0 ? op->count() : 0;
        break;
      case OpCode::skip_if_true:
        op += top[-1] == 1.0 ? op->count() : 0;
        break;
      case OpCode::logical_and:
        --top;
        top[-1] = both(top[-1], top[0]);
        break;
      case OpCode::logical_or:
        --top;
        top[-1] = either(top[-1], top[0]);
        break;
      case OpCode::less:
      case OpCode::less_equal:
      case OpCode::greater:
      case OpCode::greater_equal:
      case OpCode::equal:
      case OpCode::not_equal:
        --top;
        top[-1] = compare(code, top[-1], top[0]);
        break;
      case OpCode::negate:
      case OpCode::absolute:
      case OpCode::logical_not:
        top[-1] = unary(code, top[-1]);
        break;
      case OpCode::select:
        top -= 2;
        top[-1] = top[-1] == 1.0 ? top[0] : top[-1] == 0.0 ? top[1] : kUnknown;
        break;
      default:
        --top;
        top[-1] = arithmetic(code, top[-1], top[0]);
    }
  }
  return top - stack == 1 ? stack[0] : kUnknown;
}

}  // namespace vedette::assess
