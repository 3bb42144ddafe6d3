#include "core/assess/screen.hpp"

#include <cmath>
#include <cstddef>
#include <limits>

namespace vedette::assess {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The least number whose root, as it is rounded, is not below `bound`.
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

// Where in a track such a number stands, if it stands there as it is loaded; 0: it does not.
std::size_t stored_at(TrackField field) {
  struct Place {
    TrackField field;
    std::size_t at;
  };
  constexpr Place kPlaces[] = {{TrackField::heading, offsetof(Track, heading)},
                               {TrackField::altitude, offsetof(Track, altitude)},
                               {TrackField::vertical_speed, offsetof(Track, vertical_speed)},
                               {TrackField::water_speed, offsetof(Track, water_speed)},
                               {TrackField::wind_speed, offsetof(Track, wind_speed)},
                               {TrackField::wind_angle, offsetof(Track, wind_angle)},
                               {TrackField::battery, offsetof(Track, battery)},
                               {TrackField::turning, offsetof(Track, turning)}};
  for (const Place& place : kPlaces) {
    if (place.field == field) {
      return place.at;
    }
  }
  return 0;
}

// Where in a track such a count stands; 0: it is none.
std::size_t counter_at(TrackField field) {
  switch (field) {
    case TrackField::updates:
      return offsetof(Track, updates);
    case TrackField::gated:
      return offsetof(Track, gated_in_row);
    case TrackField::elsewhere:
      return offsetof(Track, elsewhere);
    case TrackField::denied:
      return offsetof(Track, denied);
    default:
      return 0;
  }
}

// The same of bytes.
std::size_t byte_at(TrackField field) {
  switch (field) {
    case TrackField::kind:
      return offsetof(Track, kind);
    case TrackField::ship_type:
      return offsetof(Track, ship_type);
    case TrackField::nav_status:
      return offsetof(Track, nav_status);
    default:
      return 0;
  }
}

Screen::Of screened_by(const Term& term, std::span<const Zone> zones) {
  if (term.load == OpCode::distance) {
    return Screen::Of::distance;
  }
  if (term.load == OpCode::inside_track && term.wanted == 0 && !zones[term.index].around_own) {
    return zones[term.index].corners.empty() ? Screen::Of::circle : Screen::Of::cap;
  }
  const auto field = static_cast<TrackField>(term.index);
  if (term.load == OpCode::load_own && field == TrackField::speed) {
    return Screen::Of::own_speed;
  }
  if (term.load != OpCode::load_track) {
    return Screen::Of::loaded;
  }
  switch (field) {
    case TrackField::speed:
      return Screen::Of::speed;
    case TrackField::sigma:
      return Screen::Of::sigma;
    case TrackField::age:
      return Screen::Of::age;
    case TrackField::lost:
      return term.wanted == 0 ? Screen::Of::state : Screen::Of::loaded;
    default:
      return stored_at(field) != 0    ? Screen::Of::stored
             : counter_at(field) != 0 ? Screen::Of::counter
             : byte_at(field) != 0    ? Screen::Of::byte
                                      : Screen::Of::loaded;
  }
}

// The same as inside().
void bound_by(const Zone& zone, Screen& screen) {
  if (screen.of == Screen::Of::circle) {
    screen.low = next_above(zone.radius_m * zone.radius_m);
    screen.high = kInfinity;
  } else {
    screen.low = -kInfinity;
    screen.high = next_below(zone.cos_radius);
    screen.decides = screen.whole = false;
  }
}

}  // namespace

Screen screen_of(std::span<const Term> terms, std::span<const Zone> zones, std::uint16_t rule) {
  Screen screen{0.0, 0.0, OpCode::push, 0, rule, 0, Screen::Of::all, false, false, false};
  if (terms.empty() || terms.front().value != terms.front().value) {
    return screen;
  }
  const Term& term = terms.front();
  screen.load = term.load;
  screen.index = term.index;
  screen.of = screened_by(term, zones);
  screen.decides = true;
  screen.whole = terms.size() == 1;
  screen.low = screen.high = term.value;
  switch (term.wanted) {
    case kLess:
      screen.high = kInfinity;
      break;
    case kLess | kEqual:
      screen.low = next_above(term.value);
      screen.high = kInfinity;
      break;
    case kGreater:
      screen.low = -kInfinity;
      break;
    case kGreater | kEqual:
      screen.low = -kInfinity;
      screen.high = next_below(term.value);
      break;
    case kEqual:
      screen.lets_through = true;
      break;
    case kLess | kGreater:
      break;
    default:  // what is loaded is the answer
      screen.low = screen.high = 0.0;
  }
  if (screen.of > Screen::Of::age && screen.lets_through) {
    screen.of = Screen::Of::loaded;
  }
  const auto field = static_cast<TrackField>(term.index);
  screen.at = static_cast<std::uint16_t>(
      screen.of == Screen::Of::stored ? stored_at(field)
                                      : static_cast<std::size_t>(screen.of) * sizeof(double));
  if (screen.of == Screen::Of::counter || screen.of == Screen::Of::byte) {
    screen.index = static_cast<std::uint16_t>(counter_at(field) + byte_at(field));
  }
  if (screen.of == Screen::Of::state) {
    screen.lets_through = true;
    screen.low = screen.high = static_cast<double>(TrackState::lost);
  }
  if (screen.of == Screen::Of::circle || screen.of == Screen::Of::cap) {
    bound_by(zones[term.index], screen);
  }
  if (screen.of > Screen::Of::age) {
    // All below the least that is above it; none, when that is below zero.
    screen.high = screen.high < 0.0         ? -1.0
                  : screen.high < kInfinity ? next_below(least_square(next_above(screen.high)))
                                            : kInfinity;
    screen.low = least_square(screen.low);
  }
  return screen;
}

std::size_t Screens::bytes_needed(std::size_t rules) {
  return arena_bytes<Screen>(rules) + arena_bytes<Pair>((rules + 1) / 2) +
         arena_bytes<std::uint16_t>(rules);
}

void Screens::init(Arena& arena, std::size_t rules) {
  CHECK(rules <= limits::kAssessments, "a rule is a bit of a RuleSet");
  screens_ = arena.make<Screen>(rules);
  pairs_ = arena.make<Pair>((rules + 1) / 2);
  own_ = arena.make<std::uint16_t>(rules);
}

void Screens::add(const Screen& screen) {
  Screen& mine = screens_[screen.rule] = screen;
  if (screen.of >= Screen::Of::loaded && screen.of <= Screen::Of::cap) {
    mine.at = static_cast<std::uint16_t>((kComputed + own_count_) * sizeof(double));
    own_[own_count_++] = screen.rule;
  }
  wanted_ = static_cast<WantedNumbers>(wanted_ | bit_of(screen.of));
  Pair& pair = pairs_[count_ / 2];
  const std::size_t i = count_ % 2;
  pair.low[i] = screen.low;
  pair.high[i] = screen.high;
  pair.lets_through[i] = screen.lets_through ? -1 : 0;
  pair.rule[i] = std::bit_cast<long long>(RuleSet{1} << screen.rule);
  pair.at[i] = mine.at;
  pair.from[i] = screen.of == Screen::Of::stored ? kOfTrack : kOfNumbers;
  rules_ |= RuleSet{1} << screen.rule;
  ++count_;
}

}  // namespace vedette::assess
