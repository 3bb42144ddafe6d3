#include "core/assess/prefilter.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>

#include "base/math.hpp"

namespace vedette::assess {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Relations of a loaded value to a constant.
constexpr std::uint8_t kLess = 1, kEqual = 2, kGreater = 4;

std::uint8_t relations_of(OpCode code) {
  switch (code) {
    case OpCode::less:
      return kLess;
    case OpCode::less_equal:
      return kLess | kEqual;
    case OpCode::greater:
      return kGreater;
    case OpCode::greater_equal:
      return kGreater | kEqual;
    case OpCode::equal:
      return kEqual;
    default:
      return kLess | kGreater;
  }
}

// Smallest number whose rounded square root reaches `bound`.
double least_square(double bound) {
  if (!(bound > 0.0)) {
    return 0.0;
  }
  double x = bound * bound;
  while (std::sqrt(x) >= bound) {
    x = next_below(x);
  }
  while (std::sqrt(x) < bound) {
    x = next_above(x);
  }
  return x;
}

std::uint8_t byte_at(const void* from, std::size_t at) {
  return static_cast<const std::uint8_t*>(from)[at];
}

template <typename T>
double number_at(const void* from, std::size_t at) {
  T number;
  std::memcpy(&number, static_cast<const std::uint8_t*>(from) + at, sizeof number);
  return static_cast<double>(number);
}

}  // namespace

struct Prefilter::Operand {
  OpCode load;
  std::uint16_t index;
  std::uint8_t wanted;  // relations that make it true; 0: the loaded value itself is the condition
  double constant;
};

bool Prefilter::first_operand(std::span<const plan::Op> ops, std::span<const Zone> zones,
                              Operand& out) {
  const auto code_at = [&](std::size_t i) {
    return i < ops.size() ? static_cast<OpCode>(ops[i].code()) : OpCode::count;
  };
  if (ops.empty()) {
    return false;
  }
  std::size_t end = 1;
  out = {code_at(0), ops[0].index(), 0, 0.0};
  if (out.load == OpCode::compare_track) {
    out.load = OpCode::load_track;
    out.wanted = relations_of(static_cast<OpCode>(ops[0].count()));
    out.constant = ops[0].value();
  } else if (code_at(1) == OpCode::push && is_comparison(code_at(2))) {
    out.wanted = relations_of(code_at(2));
    out.constant = ops[1].value();
    end = 3;
  }
  const bool whole = end == ops.size();
  const bool decides =
      code_at(end) == OpCode::skip_if_false && end + 1 + ops[end].count() == ops.size();
  if (out.load == OpCode::inside_track && out.wanted == 0 && zones[out.index].around_own) {
    out = {OpCode::distance, 0, kLess | kEqual, zones[out.index].radius_m};
  }
  return (whole || decides) && std::isfinite(out.constant);
}

bool Prefilter::number_of(const Operand& o, std::span<const Zone> zones, Number& number) {
  const auto field = static_cast<TrackField>(o.index);
  const auto is = [&](Source source, std::size_t at = 0) {
    number = {source, static_cast<std::uint16_t>(at)};
    return true;
  };
  if (o.load == OpCode::distance && o.wanted != 0) {
    return is(Source::distance_squared);
  }
  if (o.load == OpCode::inside_track && o.wanted == 0) {
    return is(zones[o.index].corners.empty() ? Source::circle_squared : Source::cap, o.index);
  }
  if (o.load == OpCode::load_own && field == TrackField::speed) {
    return is(Source::own_speed_squared);
  }
  if (o.load != OpCode::load_track) {
    return false;
  }
  switch (field) {
    case TrackField::heading:
      return is(Source::number, offsetof(Track, heading));
    case TrackField::altitude:
      return is(Source::number, offsetof(Track, altitude));
    case TrackField::vertical_speed:
      return is(Source::number, offsetof(Track, vertical_speed));
    case TrackField::water_speed:
      return is(Source::number, offsetof(Track, water_speed));
    case TrackField::wind_speed:
      return is(Source::number, offsetof(Track, wind_speed));
    case TrackField::wind_angle:
      return is(Source::number, offsetof(Track, wind_angle));
    case TrackField::battery:
      return is(Source::number, offsetof(Track, battery));
    case TrackField::turning:
      return is(Source::number, offsetof(Track, turning));
    case TrackField::updates:
      return is(Source::counter, offsetof(Track, updates));
    case TrackField::gated:
      return is(Source::counter, offsetof(Track, gated_in_row));
    case TrackField::elsewhere:
      return is(Source::counter, offsetof(Track, elsewhere));
    case TrackField::denied:
      return is(Source::counter, offsetof(Track, denied));
    case TrackField::kind:
      return is(Source::byte, offsetof(Track, kind));
    case TrackField::ship_type:
      return is(Source::ship_type);
    case TrackField::nav_status:
      return is(Source::nav_status);
    case TrackField::lost:
      return o.wanted == 0 && is(Source::state);
    case TrackField::age:
      return is(Source::age);
    case TrackField::speed:
      return is(Source::speed_squared);
    case TrackField::sigma:
      return is(Source::sigma_squared);
    default:
      return false;
  }
}

// False: bounds cannot express the condition.
bool Prefilter::test_of(const Operand& o, const Number& number, std::span<const Zone> zones,
                        Test& test) {
  test.outside = 0;
  if (number.source == Source::state) {
    test.low = test.high = static_cast<double>(TrackState::lost);
    test.outside = 1;
    return true;
  }
  if (number.source == Source::circle_squared) {  // the same as inside()
    test.low = next_above(zones[number.at].radius_m * zones[number.at].radius_m);
    test.high = kInfinity;
    return true;
  }
  if (number.source == Source::cap) {
    test.low = -kInfinity;
    test.high = next_below(zones[number.at].cos_radius);
    return true;
  }
  const double c = o.constant;
  test.low = (o.wanted & kLess) != 0 ? c : -kInfinity;
  test.high = kInfinity;
  if ((o.wanted & kGreater) != 0) {
    test.high = c;
  }
  switch (o.wanted) {
    case kLess | kEqual:
      test.low = next_above(c);
      break;
    case kGreater | kEqual:
      test.high = next_below(c);
      break;
    case 0:
    case kEqual:
      test.low = test.high = c;
      test.outside = o.wanted == kEqual ? 1 : 0;
      break;
    default:
      break;
  }
  if (number.source != Source::speed_squared && number.source != Source::own_speed_squared &&
      number.source != Source::sigma_squared && number.source != Source::distance_squared) {
    return true;
  }
  // Converts bounds of a root to bounds of its square; an upper bound below zero excludes every
  // number. Squares of negative numbers do not exist, so "outside" cannot be converted.
  const bool tells = test.outside == 0;
  test.high = test.high < 0.0         ? -1.0
              : test.high < kInfinity ? next_below(least_square(next_above(test.high)))
                                      : kInfinity;
  test.low = least_square(test.low);
  return tells;
}

std::size_t Prefilter::bytes_needed(std::size_t rules) {
  return arena_bytes<Number>(rules) + arena_bytes<Test>(rules);
}

void Prefilter::init(Arena& arena, std::size_t rules) {
  CHECK(rules <= limits::kAssessments, "a rule is a bit of a RuleSet");
  numbers_ = arena.make<Number>(rules);
  tests_ = arena.make<Test>(rules);
}

void Prefilter::add(std::size_t rule, std::span<const plan::Op> condition,
                    std::span<const Zone> zones) {
  const RuleSet bit = RuleSet{1} << rule;
  rules_ |= bit;
  Operand operand{};
  Number number{};
  Test test{};
  if (!first_operand(condition, zones, operand) || !number_of(operand, zones, number) ||
      !test_of(operand, number, zones, test)) {
    untested_ |= bit;
    return;
  }
  const auto known = numbers_.first(number_count_);
  const auto at = std::find(known.begin(), known.end(), number) - known.begin();
  if (static_cast<std::size_t>(at) == number_count_) {
    numbers_[number_count_++] = number;
  }
  test.rule = bit;
  test.number = static_cast<std::uint32_t>(at);
  tests_[test_count_++] = test;
}

inline double Prefilter::value_of(const Number& number, const View& v) {
  const Track& t = *v.track();
  const FieldContext& at = v.world->at;
  switch (number.source) {
    case Source::number:
      return number_at<double>(&t, number.at);
    case Source::counter:
      return number_at<std::uint32_t>(&t, number.at);
    case Source::byte:
      return byte_at(&t, number.at);
    case Source::ship_type:
      return t.ship_type == 0 ? kUnknown : t.ship_type;
    case Source::nav_status:
      return t.nav_status == 15 ? kUnknown : t.nav_status;
    case Source::own_speed_squared:
      return placed(v.own()) ? speed_squared(*v.own()) : kUnknown;
    default:
      break;
  }
  if (t.updates == 0) {
    return kUnknown;
  }
  switch (number.source) {
    case Source::state:
      return static_cast<double>(t.state);
    case Source::age:
      return seconds_between(t.observed_ns, at.now_ns);
    case Source::speed_squared:
      return speed_squared(t);
    case Source::sigma_squared:
      return variance_now(t, at.trackers[static_cast<std::size_t>(t.kind)], at.now_ns);
    case Source::distance_squared:
      return placed(v.own()) ? chord_squared(*v.own(), t) : kUnknown;
    case Source::circle_squared: {
      const Vector3& middle = v.world->zones[number.at].centre_ecef;
      const Vector3 d{t.ecef[0] - middle.x, t.ecef[1] - middle.y, t.ecef[2] - middle.z};
      return dot(d, d);
    }
    case Source::cap:
      return dot(vector(t.normal), v.world->zones[number.at].centre);
    default:
      return kUnknown;
  }
}

RuleSet Prefilter::may_hold(const View& view) const {
  double values[limits::kAssessments];
  for (std::size_t i = 0; i < number_count_; ++i) {
    values[i] = value_of(numbers_[i], view);
  }
  RuleSet may = untested_;
  for (const Test& test : tests_.first(test_count_)) {
    const double value = values[test.number];
    const auto within = static_cast<std::uint32_t>(test.low <= value) &
                        static_cast<std::uint32_t>(value <= test.high);
    const auto known = static_cast<std::uint32_t>(value == value);
    may |= ((within ^ test.outside) & known) != 0 ? 0 : test.rule;
  }
  return may;
}

}  // namespace vedette::assess
