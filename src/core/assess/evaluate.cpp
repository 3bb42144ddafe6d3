#include <algorithm>
#include <cstddef>

#include "base/math.hpp"
#include "core/assess/condition.hpp"
#include "model/limits.hpp"
#include "model/local_time.hpp"

namespace vedette::assess {
namespace {

Motion motion_of(const Track& t, std::int64_t now_ns) {
  const double dt = seconds_between(t.filter_ns, now_ns);
  const Place here{t.latitude, t.longitude};
  return {dt == 0.0 ? here : moved(here, t.velocity_east * dt, t.velocity_north * dt, t.parallel),
          t.velocity_east, t.velocity_north};
}

// Kleene's three-valued logic: an unknown side leaves the result to the other.
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

double truth(bool b) {
  return b ? 1.0 : 0.0;
}

// Unknown if either side is.
double compare(OpCode code, double a, double b) {
  if (a != a || b != b) {
    return kUnknown;
  }
  switch (code) {
    case OpCode::less:
      return truth(a < b);
    case OpCode::less_equal:
      return truth(a <= b);
    case OpCode::greater:
      return truth(a > b);
    case OpCode::greater_equal:
      return truth(a >= b);
    case OpCode::equal:
      return truth(a == b);
    default:
      return truth(a != b);
  }
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
  if (code == OpCode::is_unknown) {
    return truth(a != a);
  }
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

namespace {

char capital(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

// After a mismatch only the last `*` can take another character, so it never backtracks further.
bool fits_pattern(std::string_view text, std::string_view pattern) {
  std::size_t at = 0, of = 0;
  std::size_t star = std::string_view::npos, resume = 0;
  while (at < text.size()) {
    if (of < pattern.size() && pattern[of] == '*') {
      star = of++;
      resume = at;
    } else if (of < pattern.size() &&
               (pattern[of] == '?' || capital(pattern[of]) == capital(text[at]))) {
      ++of;
      ++at;
    } else if (star != std::string_view::npos) {
      of = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (of < pattern.size() && pattern[of] == '*') {
    ++of;
  }
  return of == pattern.size();
}

bool equals_folded(std::string_view text, std::string_view other) {
  return text.size() == other.size() &&
         std::equal(text.begin(), text.end(), other.begin(),
                    [](char a, char b) { return capital(a) == capital(b); });
}

Approach approach_of(const View& v) {
  if (!placed(v.track()) || !placed(v.other()) || v.track() == v.other()) {
    return {kUnknown, kUnknown};
  }
  if (!v.approach_known) {
    v.approach = closest_approach(motion_of(*v.other(), v.world->at.now_ns),
                                  motion_of(*v.track(), v.world->at.now_ns), kApproachHorizonS,
                                  v.other()->parallel);
    v.approach_known = true;
  }
  return v.approach;
}

double inside_zone(const Track* t, const Zone& zone, const Track* own) {
  if (!placed(t)) {
    return kUnknown;
  }
  if (zone.around_own) {
    return placed(own) ? truth(det_sqrt(chord_squared(*own, *t)) <= zone.radius_m) : kUnknown;
  }
  return truth(inside(zone, vector(t->normal), vector(t->ecef)));
}

bool may_approach(const View& v) {
  if (!placed(v.track()) || !placed(v.other()) || v.track() == v.other()) {
    return false;
  }
  const double speeds = det_sqrt(speed_squared(*v.other())) + det_sqrt(speed_squared(*v.track()));
  return chord_distance(vector(v.other()->ecef), vector(v.track()->ecef)) <=
         kApproachRangeM + speeds * kApproachHorizonS;
}

namespace {

double field(OpCode load, std::uint16_t index, const View& v) {
  const std::size_t kind = kind_loaded_by(load);
  return kind == kSubjectKinds ? kUnknown
                               : v.world->readers[kind](v.objects[kind], index, v.world->at);
}

// Unknown without a text.
double text_test(const plan::Op& op, const View& v) {
  const Track* track = v.track_of(owner_in(op.count()));
  const std::string_view text = track == nullptr ? "" : read_text(*track, op.index());
  if (text.empty()) {
    return kUnknown;
  }
  const std::string_view wanted =
      v.world->plan->texts()->Get(op.count() & kTextMask)->string_view();
  return truth(static_cast<OpCode>(op.code()) == OpCode::text_equal ? equals_folded(text, wanted)
                                                                    : fits_pattern(text, wanted));
}

// The value that an operation without operands pushes.
double operand(const plan::Op& op, const View& v) {
  const auto code = static_cast<OpCode>(op.code());
  const bool both_placed = placed(v.track()) && placed(v.other());
  switch (code) {
    case OpCode::push:
      return op.value();
    case OpCode::compare_track:
      return compare(static_cast<OpCode>(op.count()), field(OpCode::load_track, op.index(), v),
                     op.value());
    case OpCode::inside_track:
      return inside_zone(v.track(), v.world->zones[op.index()], v.own());
    case OpCode::inside_own:
      return inside_zone(v.own(), v.world->zones[op.index()], v.own());
    case OpCode::inside_b:
      return inside_zone(v.other(), v.world->zones[op.index()], v.own());
    case OpCode::cpa:
      return approach_of(v).cpa;
    case OpCode::tcpa:
      return approach_of(v).tcpa;
    case OpCode::distance:
      return both_placed ? det_sqrt(chord_squared(*v.other(), *v.track())) : kUnknown;
    case OpCode::bearing:
      return both_placed ? bearing_between({v.other()->latitude, v.other()->longitude},
                                           {v.track()->latitude, v.track()->longitude})
                         : kUnknown;
    case OpCode::text_equal:
    case OpCode::text_matches:
      return text_test(op, v);
    case OpCode::count_in_zone:
      return v.world->counts[op.index()];
    case OpCode::time_of_day:
      return time_of_day(v.world->plan->time_zone(), v.world->at.now_ns);
    case OpCode::now:
      return static_cast<double>(v.world->at.now_ns) * 1e-9;
    case OpCode::weekday:
      return weekday(v.world->plan->time_zone(), v.world->at.now_ns);
    case OpCode::level:
      return v.level;
    case OpCode::confidence:
      return v.confidence;
    default:
      return field(code, op.index(), v);
  }
}

double binary(OpCode code, double a, double b) {
  if (code == OpCode::logical_and) {
    return both(a, b);
  }
  if (code == OpCode::logical_or) {
    return either(a, b);
  }
  return is_comparison(code) ? compare(code, a, b) : arithmetic(code, a, b);
}

}  // namespace

double evaluate(std::span<const plan::Op> ops, const View& v) {
  // The loader proved that this stack neither overflows nor underflows.
  double stack[limits::kExpressionStack];
  double* top = stack;  // one past the uppermost
  const plan::Op* const end = ops.data() + ops.size();
  for (const plan::Op* op = ops.data(); op < end; ++op) {
    const auto code = static_cast<OpCode>(op->code());
    switch (code) {
      case OpCode::skip_if_false:
        op += top[-1] == 0.0 ? op->count() : 0;
        break;
      case OpCode::skip_if_true:
        op += top[-1] == 1.0 ? op->count() : 0;
        break;
      case OpCode::negate:
      case OpCode::absolute:
      case OpCode::logical_not:
      case OpCode::is_unknown:
        top[-1] = unary(code, top[-1]);
        break;
      case OpCode::select:
        top -= 2;
        top[-1] = top[-1] == 1.0 ? top[0] : top[-1] == 0.0 ? top[1] : kUnknown;
        break;
      default:
        if (info_of(code).pops == 0) {
          *top++ = operand(*op, v);
        } else {
          --top;
          top[-1] = binary(code, top[-1], top[0]);
        }
    }
  }
  return top - stack == 1 ? stack[0] : kUnknown;
}

}  // namespace vedette::assess
