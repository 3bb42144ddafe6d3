// Purpose: what conditions ask first, of all rules for one kind of track at once: most conditions
// are false most of the time, and one comparison with two bounds says so. Bound:
// limits::kAssessments rules. Runs on: the engine thread; the same bits on every CPU.
#pragma once

#include <array>
#include <bit>
#include <cstring>

#include "base/arena.hpp"
#include "base/lanes.hpp"
#include "core/assess/operand.hpp"
#include "model/limits.hpp"

namespace vedette::assess {

using RuleSet = std::uint64_t;  // bit: the rule of that number
static_assert(limits::kAssessments <= 64);

// What a condition asks first, in the form that refuses quickest: it is false while that lies
// within (or, with lets_through, outside) [low, high].
struct Screen {
  enum class Of : std::uint8_t {
    all,      // nothing is screened, the whole condition is asked
    loaded,   // what `load` loads
    counter,  // the count that stands `index` bytes into the track
    byte,     // the byte that stands `index` bytes into the track
    state,    // the track's state
    circle,   // the square of the way from the middle of zone `index`
    cap,      // the cosine of the angle from the middle of zone `index`, a polygon
    stored,   // the number that stands `at` bytes into the track; for all others, into Numbers
    age,
    speed,  // of this and the next the squares, and of the bounds: a root takes longer than both
    own_speed,
    sigma,
    distance,
    count,
  };
  double low, high;
  OpCode load;
  std::uint16_t index;
  std::uint16_t rule;
  std::uint16_t at;
  Of of;
  bool lets_through;
  bool decides;  // what it lets through holds, as far as its number is known
  bool whole;    // it is all that the condition asks
};
// Of a condition's terms; of nothing, for one that is no chain of them.
Screen screen_of(std::span<const Term> terms, std::span<const Zone> zones, std::uint16_t rule);

using WantedNumbers = std::uint16_t;  // bits of Screen::Of
constexpr WantedNumbers bit_of(Screen::Of of) {
  return static_cast<WantedNumbers>(1U << static_cast<unsigned>(of));
}
static_assert(static_cast<std::size_t>(Screen::Of::count) <= 8 * sizeof(WantedNumbers));

// What a screen says of its condition, whose subject is a track.
enum class Screened : std::uint8_t {
  refuses,
  holds,
  unknown,
  first_holds,  // the first term does, the others are asked
  all_to_ask,
};

inline double number_at(const void* from, std::size_t bytes) {
  double number;
  std::memcpy(&number, static_cast<const std::uint8_t*>(from) + bytes, sizeof number);
  return number;
}

// The screens of one kind of track, two side by side.
class Screens {
  static constexpr auto kComputed = static_cast<std::size_t>(Screen::Of::count);

 public:
  // What they ask of one track. Each number from age to distance is worked out once, though several
  // ask for it, and is unknown where none does; behind these one for each screen of its own number.
  struct Numbers {
    double values[kComputed + limits::kAssessments];
  };

  static std::size_t bytes_needed(std::size_t rules);
  void init(Arena& arena, std::size_t rules);
  void add(const Screen& screen);  // of another rule than those before

  RuleSet rules() const { return rules_; }
  // The rules whose condition is not refused; leaves in `numbers` what answer() reads.
  RuleSet ask(std::span<const Zone> zones, const View& view, Numbers& numbers) const;
  // Of one that is not refused.
  Screened answer(std::size_t rule, const View& view, const Numbers& numbers) const;

 private:
  enum From : std::uint16_t { kOfNumbers, kOfTrack };
  struct Pair {
    VectorOf<16>::Numbers low, high;
    VectorOf<16>::Bits lets_through;  // every bit, or none
    VectorOf<16>::Bits rule;          // its bit; none: there is no second
    std::uint16_t at[2];
    From from[2];
  };

  static Screened answer_by(const Screen& screen, double number);
  void work_out(const View& view, Numbers& numbers) const;
  double own_number(const Screen& screen, std::span<const Zone> zones, const View& view) const;

  std::span<Screen> screens_;     // by rule
  std::span<Pair> pairs_;         // of all in rules_
  std::span<std::uint16_t> own_;  // rules whose screen has a number of its own
  std::size_t count_ = 0, own_count_ = 0;
  RuleSet rules_ = 0;
  WantedNumbers wanted_ = 0;
};

inline void Screens::work_out(const View& v, Numbers& numbers) const {
  for (std::size_t i = 0; i < kComputed; ++i) {
    numbers.values[i] = kUnknown;
  }
  const auto put = [&](Screen::Of of, auto&& value) {
    if ((wanted_ & bit_of(of)) != 0) {
      numbers.values[static_cast<std::size_t>(of)] = value();
    }
  };
  const bool own_placed = placed(v.own);
  put(Screen::Of::own_speed, [&] { return own_placed ? speed_squared(*v.own) : kUnknown; });
  if (!placed(v.track)) {
    return;
  }
  const Track& t = *v.track;
  put(Screen::Of::age, [&] { return seconds_between(t.observed_ns, v.now_ns); });
  put(Screen::Of::speed, [&] { return speed_squared(t); });
  put(Screen::Of::sigma, [&] { return variance_now(t, *v.tracker, v.now_ns); });
  put(Screen::Of::distance, [&] { return own_placed ? chord_squared(*v.own, t) : kUnknown; });
}

inline double Screens::own_number(const Screen& screen, std::span<const Zone> zones,
                                  const View& v) const {
  switch (screen.of) {
    case Screen::Of::counter: {
      std::uint32_t count;
      std::memcpy(&count, reinterpret_cast<const std::uint8_t*>(v.track) + screen.index,
                  sizeof count);
      return count;
    }
    case Screen::Of::byte:
      return reinterpret_cast<const std::uint8_t*>(v.track)[screen.index];
    case Screen::Of::state:
      return placed(v.track) ? static_cast<double>(v.track->state) : kUnknown;
    case Screen::Of::circle: {
      const Vector3& middle = zones[screen.index].centre_ecef;
      const Vector3 d{v.track->ecef[0] - middle.x, v.track->ecef[1] - middle.y,
                      v.track->ecef[2] - middle.z};
      return placed(v.track) ? dot(d, d) : kUnknown;
    }
    case Screen::Of::cap:
      return placed(v.track) ? dot(vector(v.track->normal), zones[screen.index].centre) : kUnknown;
    default:
      return load(screen.load, screen.index, zones, v);
  }
}

inline RuleSet Screens::ask(std::span<const Zone> zones, const View& v, Numbers& numbers) const {
  work_out(v, numbers);
  for (std::size_t i = 0; i < own_count_; ++i) {
    numbers.values[kComputed + i] = own_number(screens_[own_[i]], zones, v);
  }
  const void* const bases[] = {&numbers, v.track};
  VectorOf<16>::Bits open{};
  for (const Pair& pair : pairs_.first((count_ + 1) / 2)) {
    VectorOf<16>::Numbers value;
    for (int i = 0; i < 2; ++i) {
      value[i] = number_at(bases[pair.from[i]], pair.at[i]);
    }
    using Bits = VectorOf<16>::Bits;
    const Bits below = value < pair.low;
    const Bits above = pair.high < value;
    const Bits unknown = value != value;  // NOLINT: true of what is no number
    // Never both below and above: what is added is an "or" that the compiler leaves in the vector.
    open |= (((below + above) ^ pair.lets_through) | unknown) & pair.rule;
  }
  return static_cast<RuleSet>(open[0] | open[1]);
}

inline Screened Screens::answer_by(const Screen& screen, double number) {
  if (!screen.decides) {
    return Screened::all_to_ask;
  }
  // Of what is below zero there is no root.
  const bool known = screen.of <= Screen::Of::age ? number == number : number >= 0.0;
  if (screen.whole) {
    return known ? Screened::holds : Screened::unknown;
  }
  return known ? Screened::first_holds : Screened::all_to_ask;
}

inline Screened Screens::answer(std::size_t rule, const View& v, const Numbers& numbers) const {
  const Screen& screen = screens_[rule];
  const void* const from =
      screen.of == Screen::Of::stored ? static_cast<const void*>(v.track) : &numbers;
  return answer_by(screen, number_at(from, screen.at));
}

}  // namespace vedette::assess
