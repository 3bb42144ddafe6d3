// Purpose: take_ordinary() (four_tracks.hpp) by one kind of vectors; each kind is a file of its
// own.
#pragma once

#include <bit>

#include "base/geo_near.hpp"
#include "base/lanes.hpp"
#include "core/perceive/filter.hpp"
#include "core/perceive/four_tracks.hpp"
#include "core/perceive/track_place.hpp"

namespace vedette::perceive {

template <typename Lanes>
auto between(double low, Lanes value, double high) {
  return (Lanes(low) <= value) & (value < Lanes(high));
}

// Surely in the cell about `known`, whatever the rounding: its trigonometry stays what it is.
template <typename Lanes>
auto stays_near(Lanes degrees, Lanes known) {
  const Lanes cells = (degrees - known) * kCellsPerDegree;
  return (Lanes(-0.499) <= cells) & (cells <= Lanes(0.499));
}

// Whole, with all that it calls: four numbers go to a function by way of memory.
template <typename Lanes>
[[gnu::flatten]] unsigned take_ordinary_by(const std::array<Fix, kLanes>& fixes, unsigned wanted) {
  using Way = near::Way<Lanes>;
  // A lane that is not wanted works on another's numbers, which are as good as any.
  const auto any = static_cast<std::size_t>(std::countr_zero(wanted));
  std::array<const Fix*, kLanes> lane;
  for (std::size_t i = 0; i < lane.size(); ++i) {
    lane[i] = &fixes[(wanted >> i & 1) != 0 ? i : any];
  }
  const auto of_fix = [&](auto&& of) {
    return Lanes::of_each([&](std::size_t i) { return static_cast<double>(of(*lane[i])); });
  };
  const auto of_track = [&](auto&& of) {
    return of_fix([&](const Fix& f) { return of(*f.track); });
  };
  const near::Spot<Lanes> from{of_track([](const Track& t) { return t.latitude; }),
                               of_track([](const Track& t) { return t.longitude; })};
  const near::Angle<Lanes> parallel{of_track([](const Track& t) { return t.parallel.degrees; }),
                                    of_track([](const Track& t) { return t.parallel.sin; }),
                                    of_track([](const Track& t) { return t.parallel.cos; })};
  Filter<Lanes> filter{of_track([](const Track& t) { return t.velocity_east; }),
                       of_track([](const Track& t) { return t.velocity_north; }),
                       of_track([](const Track& t) { return t.variance_position; }),
                       of_track([](const Track& t) { return t.covariance; }),
                       of_track([](const Track& t) { return t.variance_velocity; })};
  const Lanes dt = of_fix([](const Fix& f) { return seconds_between(f.track->filter_ns, f.ns); });
  const Lanes since_position = of_fix([](const Fix& f) {
    const double since = seconds_between(f.track->observed_ns, f.ns);
    return since > 0.0 ? since : 0.0;
  });
  const Lanes acceleration = of_fix([](const Fix& f) { return f.tracker->acceleration; });
  const Lanes gate = of_fix([](const Fix& f) { return f.tracker->gate_sigma; });
  const Lanes max_speed = of_fix([](const Fix& f) { return f.tracker->max_speed; });
  const Lanes sigma = of_fix([](const Fix& f) { return f.sigma; });
  const near::Spot<Lanes> measured{of_fix([](const Fix& f) { return f.measured.latitude; }),
                                   of_fix([](const Fix& f) { return f.measured.longitude; })};

  // As one does in perceive.cpp, which has the reasons.
  const Lanes variance = predicted_variance(filter.variance_position, filter.covariance,
                                            filter.variance_velocity, acceleration, dt) +
                         sigma * sigma;
  const Lanes reach =
      max_speed * since_position + gate * square_root(filter.variance_position + sigma * sigma);
  const Lanes to_middle = near::radians_from(0.5 * (from.latitude + measured.latitude), parallel);
  const Lanes east_degrees = measured.longitude - from.longitude;
  const Way to_measured = near::way_across(east_degrees, measured.latitude - from.latitude,
                                           near::turned(parallel, to_middle));
  typename Lanes::Mask ordinary = (to_middle * to_middle <= Lanes(near::kReach2)) &
                                  between(-180.0, east_degrees, 180.0) &
                                  (square_of(to_measured) <= reach * reach);
  Way way{0.0, 0.0};
  predict(filter, acceleration, dt, way);
  const Way innovation{to_measured.east - way.east, to_measured.north - way.north};
  ordinary = ordinary & (square_of(way) <= Lanes(kPlaneM * kPlaneM)) &
             (square_of(to_measured) <= Lanes(kPlaneM * kPlaneM)) &
             (square_of(innovation) <= 2.0 * gate * gate * variance);
  const Lanes nis = take_position(filter, innovation, sigma, way);

  const typename Lanes::Mask moving =
      of_fix([](const Fix& f) { return f.has_velocity ? 1.0 : 0.0; }) != Lanes(0.0);
  Filter<Lanes> turned = filter;
  Way turned_way = way;
  take_velocity(turned, of_fix([](const Fix& f) { return f.speed; }),
                of_fix([](const Fix& f) { return f.course; }), turned_way);
  filter = {where(moving, turned.velocity_east, filter.velocity_east),
            where(moving, turned.velocity_north, filter.velocity_north),
            where(moving, turned.variance_position, filter.variance_position),
            where(moving, turned.covariance, filter.covariance),
            where(moving, turned.variance_velocity, filter.variance_velocity)};
  way = {where(moving, turned_way.east, way.east), where(moving, turned_way.north, way.north)};

  const Lanes to_half =
      near::radians_from(near::middle_latitude(from.latitude, way.north), parallel);
  const near::Trigonometry<Lanes> half = near::turned(parallel, to_half);
  const near::Spot<Lanes> by = near::degrees_of(way, half.sin, half.cos);
  const near::Spot<Lanes> to{from.latitude + by.latitude, from.longitude + by.longitude};
  ordinary = ordinary & ((way.east != Lanes(0.0)) | (way.north != Lanes(0.0))) &
             between(-near::kShortWay, way.north, near::kShortWay) &
             (to_half * to_half <= Lanes(near::kReach2)) & (Lanes(near::kCosFloor) < half.cos) &
             between(-90.0, to.latitude, 90.0) & between(-180.0, by.longitude, 180.0) &
             between(-180.0, to.longitude, 180.0);

  const near::Angle<Lanes> meridian{of_track([](const Track& t) { return t.meridian.degrees; }),
                                    of_track([](const Track& t) { return t.meridian.sin; }),
                                    of_track([](const Track& t) { return t.meridian.cos; })};
  const near::Vector<Lanes> normal =
      near::normal_of(near::turned(parallel, near::radians_from(to.latitude, parallel)),
                      near::turned(meridian, near::radians_from(to.longitude, meridian)));
  const near::Vector<Lanes> ecef = near::ecef_of(normal);
  const unsigned still_near =
      (stays_near(to.latitude, parallel.degrees) & stays_near(to.longitude, meridian.degrees))
          .bits();

  const unsigned taken = ordinary.bits() & wanted;
  for (std::size_t i = 0; i < lane.size(); ++i) {
    if ((taken >> i & 1) == 0) {
      continue;
    }
    Track& t = *lane[i]->track;
    t.latitude = to.latitude[i];
    t.longitude = to.longitude[i];
    t.velocity_east = filter.velocity_east[i];
    t.velocity_north = filter.velocity_north[i];
    t.variance_position = filter.variance_position[i];
    t.covariance = filter.covariance[i];
    t.variance_velocity = filter.variance_velocity[i];
    t.last_nis = nis[i];
    t.filter_ns = lane[i]->ns;
    if ((still_near >> i & 1) == 0) {
      refresh_place(t);
      continue;
    }
    t.ecef[0] = ecef.x[i];
    t.ecef[1] = ecef.y[i];
    t.ecef[2] = ecef.z[i];
    t.normal[0] = normal.x[i];
    t.normal[1] = normal.y[i];
    t.normal[2] = normal.z[i];
  }
  return taken;
}

}  // namespace vedette::perceive
