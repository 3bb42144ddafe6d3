// Purpose: Screens::ask_four() by one kind of vectors; each kind is a file of its own.
#pragma once

#include <bit>

#include "base/lanes.hpp"
#include "core/assess/screen.hpp"

namespace vedette::assess {

// Whole, with all that it calls: four numbers go to a function by way of memory. Each number is
// worked out as work_out() and own_number() do for one track.
template <typename Lanes>
[[gnu::flatten]] void Screens::ask_four_by(std::span<const Zone> zones, const View& v,
                                           const FourTracks& tracks, NumbersOfFour& numbers) const {
  const auto each = [&](auto&& of) {
    return Lanes::of_each([&](std::size_t i) { return static_cast<double>(of(*tracks[i])); });
  };
  const auto square_of_way = [&](double x, double y, double z, bool from_track) {
    const Lanes tx = each([](const Track& t) { return t.ecef[0]; });
    const Lanes ty = each([](const Track& t) { return t.ecef[1]; });
    const Lanes tz = each([](const Track& t) { return t.ecef[2]; });
    const Lanes dx = from_track ? tx - Lanes(x) : Lanes(x) - tx;
    const Lanes dy = from_track ? ty - Lanes(y) : Lanes(y) - ty;
    const Lanes dz = from_track ? tz - Lanes(z) : Lanes(z) - tz;
    return dx * dx + dy * dy + dz * dz;
  };
  const auto keep = [&](Screen::Of of, const Lanes& value) {
    value.to(numbers.values[static_cast<std::size_t>(of)]);
  };
  const auto wanted = [&](Screen::Of of) { return (wanted_ & bit_of(of)) != 0; };
  const bool own_placed = v.own != nullptr && v.own->updates > 0;
  if (wanted(Screen::Of::own_speed)) {
    const double speed = own_placed ? v.own->velocity_east * v.own->velocity_east +
                                          v.own->velocity_north * v.own->velocity_north
                                    : kUnknown;
    keep(Screen::Of::own_speed, Lanes(speed));
  }
  if (wanted(Screen::Of::age)) {
    keep(Screen::Of::age,
         each([&](const Track& t) { return seconds_between(t.observed_ns, v.now_ns); }));
  }
  if (wanted(Screen::Of::speed)) {
    const Lanes east = each([](const Track& t) { return t.velocity_east; });
    const Lanes north = each([](const Track& t) { return t.velocity_north; });
    keep(Screen::Of::speed, east * east + north * north);
  }
  if (wanted(Screen::Of::sigma)) {
    const Lanes seconds =
        each([&](const Track& t) { return seconds_between(t.filter_ns, v.now_ns); });
    keep(Screen::Of::sigma,
         predicted_variance(each([](const Track& t) { return t.variance_position; }),
                            each([](const Track& t) { return t.covariance; }),
                            each([](const Track& t) { return t.variance_velocity; }),
                            Lanes(v.tracker->acceleration),
                            where(Lanes(0.0) < seconds, seconds, Lanes(0.0))));
  }
  if (wanted(Screen::Of::distance)) {
    keep(Screen::Of::distance,
         own_placed ? square_of_way(v.own->ecef[0], v.own->ecef[1], v.own->ecef[2], false)
                    : Lanes(kUnknown));
  }

  keep(Screen::Of::all, Lanes(kUnknown));
  for (std::size_t i = 0; i < own_count_; ++i) {
    const Screen& screen = screens_.data()[own_.data()[i]];
    const auto own_number = [&] {
      switch (screen.of) {
        case Screen::Of::counter:
          return each([&](const Track& t) {
            std::uint32_t count;
            std::memcpy(&count, reinterpret_cast<const std::uint8_t*>(&t) + screen.index,
                        sizeof count);
            return count;
          });
        case Screen::Of::byte:
          return each([&](const Track& t) {
            return reinterpret_cast<const std::uint8_t*>(&t)[screen.index];
          });
        case Screen::Of::state:
          return each([](const Track& t) { return static_cast<std::uint8_t>(t.state); });
        case Screen::Of::circle: {
          const Vector3& middle = zones.data()[screen.index].centre_ecef;
          return square_of_way(middle.x, middle.y, middle.z, true);
        }
        case Screen::Of::cap: {
          const Vector3& middle = zones.data()[screen.index].centre;
          return each([](const Track& t) { return t.normal[0]; }) * Lanes(middle.x) +
                 each([](const Track& t) { return t.normal[1]; }) * Lanes(middle.y) +
                 each([](const Track& t) { return t.normal[2]; }) * Lanes(middle.z);
        }
        default:
          return Lanes(kUnknown);
      }
    };
    own_number().to(numbers.values[kComputed + i]);
  }

  typename Lanes::Mask open{};
  const Pair* const end = pairs_.data() + (count_ + 1) / 2;
  for (const Pair* pair = pairs_.data(); pair != end; ++pair) {
    for (int i = 0; i < 2; ++i) {
      const Lanes value = pair->from[i] == kOfTrack
                              ? each([&](const Track& t) { return number_at(&t, pair->at[i]); })
                              : Lanes::from(numbers.values[pair->at[i] / sizeof(double)]);
      const auto outside = (value < Lanes(pair->low[i])) | (Lanes(pair->high[i]) < value);
      const auto unknown = value != value;  // NOLINT: true of what is no number
      open = open | (((outside ^ pair->lets_through[i]) | unknown) & pair->rule[i]);
    }
  }
  static_assert(sizeof open == sizeof numbers.open);
  std::memcpy(numbers.open, &open, sizeof open);
}

}  // namespace vedette::assess
