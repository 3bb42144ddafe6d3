// Purpose: take_ordinary() (four_tracks.hpp) for one vector width; each width is compiled in its
// own file.
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

// In the grid cell of `known` despite rounding, so that its trigonometry stays valid.
template <typename Lanes>
auto stays_near(Lanes degrees, Lanes known) {
  const Lanes cells = (degrees - known) * kCellsPerDegree;
  return (Lanes(-0.499) <= cells) & (cells <= Lanes(0.499));
}

// One filter step of four tracks, a track a lane. perceive.cpp is the scalar reference and gives
// the reasons; both must give the same bits.
template <typename Lanes>
class FourFixes {
 public:
  using Way = near::Way<Lanes>;
  using Mask = typename Lanes::Mask;

  // Unwanted lanes repeat another lane's numbers.
  FourFixes(const std::array<Fix, kLanes>& fixes, unsigned wanted) : wanted_(wanted) {
    const auto any = static_cast<std::size_t>(std::countr_zero(wanted));
    for (std::size_t i = 0; i < fix_.size(); ++i) {
      fix_[i] = &fixes[(wanted >> i & 1) != 0 ? i : any];
    }
    from_ = {of_track([](const Track& t) { return t.latitude; }),
             of_track([](const Track& t) { return t.longitude; })};
    parallel_ = {of_track([](const Track& t) { return t.parallel.degrees; }),
                 of_track([](const Track& t) { return t.parallel.sin; }),
                 of_track([](const Track& t) { return t.parallel.cos; })};
    meridian_ = {of_track([](const Track& t) { return t.meridian.degrees; }),
                 of_track([](const Track& t) { return t.meridian.sin; }),
                 of_track([](const Track& t) { return t.meridian.cos; })};
    filter_ = {of_track([](const Track& t) { return t.velocity_east; }),
               of_track([](const Track& t) { return t.velocity_north; }),
               of_track([](const Track& t) { return t.variance_position; }),
               of_track([](const Track& t) { return t.covariance; }),
               of_track([](const Track& t) { return t.variance_velocity; })};
  }

  // Predicts, gates and takes the measured positions.
  void take_positions() {
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
    const Lanes variance = predicted_variance(filter_.variance_position, filter_.covariance,
                                              filter_.variance_velocity, acceleration, dt) +
                           sigma * sigma;
    const Lanes reach =
        max_speed * since_position + gate * square_root(filter_.variance_position + sigma * sigma);
    const Lanes to_middle =
        near::radians_from(0.5 * (from_.latitude + measured.latitude), parallel_);
    const Lanes east_degrees = measured.longitude - from_.longitude;
    const Way to_measured = near::way_across(east_degrees, measured.latitude - from_.latitude,
                                             near::turned(parallel_, to_middle));
    ordinary_ = (to_middle * to_middle <= Lanes(near::kReach2)) &
                between(-180.0, east_degrees, 180.0) & (square_of(to_measured) <= reach * reach);
    predict(filter_, acceleration, dt, way_);
    const Way innovation{to_measured.east - way_.east, to_measured.north - way_.north};
    ordinary_ = ordinary_ & (square_of(way_) <= Lanes(kPlaneM * kPlaneM)) &
                (square_of(to_measured) <= Lanes(kPlaneM * kPlaneM)) &
                (square_of(innovation) <= 2.0 * gate * gate * variance);
    nis_ = take_position(filter_, innovation, sigma, way_);
  }

  // Takes the velocities of fixes that have one.
  void take_velocities() {
    const Mask moving =
        of_fix([](const Fix& f) { return f.has_velocity ? 1.0 : 0.0; }) != Lanes(0.0);
    Filter<Lanes> turned = filter_;
    Way turned_way = way_;
    take_velocity(turned, of_fix([](const Fix& f) { return f.speed; }),
                  of_fix([](const Fix& f) { return f.course; }), turned_way);
    filter_ = {where(moving, turned.velocity_east, filter_.velocity_east),
               where(moving, turned.velocity_north, filter_.velocity_north),
               where(moving, turned.variance_position, filter_.variance_position),
               where(moving, turned.covariance, filter_.covariance),
               where(moving, turned.variance_velocity, filter_.variance_velocity)};
    way_ = {where(moving, turned_way.east, way_.east), where(moving, turned_way.north, way_.north)};
  }

  // Moves the positions along the way.
  void go() {
    const Lanes to_half =
        near::radians_from(near::middle_latitude(from_.latitude, way_.north), parallel_);
    const near::Trigonometry<Lanes> half = near::turned(parallel_, to_half);
    const near::Spot<Lanes> by = near::degrees_of(way_, half.sin, half.cos);
    to_ = {from_.latitude + by.latitude, from_.longitude + by.longitude};
    ordinary_ = ordinary_ & ((way_.east != Lanes(0.0)) | (way_.north != Lanes(0.0))) &
                between(-near::kShortWay, way_.north, near::kShortWay) &
                (to_half * to_half <= Lanes(near::kReach2)) & (Lanes(near::kCosFloor) < half.cos) &
                between(-90.0, to_.latitude, 90.0) & between(-180.0, by.longitude, 180.0) &
                between(-180.0, to_.longitude, 180.0);
  }

  // Writes back the wanted lanes that were ordinary in every step.
  unsigned store() const {
    const near::Vector<Lanes> normal =
        near::normal_of(near::turned(parallel_, near::radians_from(to_.latitude, parallel_)),
                        near::turned(meridian_, near::radians_from(to_.longitude, meridian_)));
    const near::Vector<Lanes> ecef = near::ecef_of(normal);
    const unsigned still_near =
        (stays_near(to_.latitude, parallel_.degrees) & stays_near(to_.longitude, meridian_.degrees))
            .bits();
    const unsigned taken = ordinary_.bits() & wanted_;
    for (std::size_t i = 0; i < fix_.size(); ++i) {
      if ((taken >> i & 1) == 0) {
        continue;
      }
      store_filter(i);
      Track& t = *fix_[i]->track;
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

 private:
  template <typename Of>
  Lanes of_fix(Of&& of) const {
    return Lanes::of_each([&](std::size_t i) { return static_cast<double>(of(*fix_[i])); });
  }
  template <typename Of>
  Lanes of_track(Of&& of) const {
    return of_fix([&](const Fix& f) { return of(*f.track); });
  }
  void store_filter(std::size_t i) const {
    Track& t = *fix_[i]->track;
    t.latitude = to_.latitude[i];
    t.longitude = to_.longitude[i];
    t.velocity_east = filter_.velocity_east[i];
    t.velocity_north = filter_.velocity_north[i];
    t.variance_position = filter_.variance_position[i];
    t.covariance = filter_.covariance[i];
    t.variance_velocity = filter_.variance_velocity[i];
    t.last_nis = nis_[i];
    t.filter_ns = fix_[i]->ns;
  }

  unsigned wanted_;
  std::array<const Fix*, kLanes> fix_;
  near::Spot<Lanes> from_{0.0, 0.0};
  near::Spot<Lanes> to_{0.0, 0.0};
  near::Angle<Lanes> parallel_{0.0, 0.0, 0.0};
  near::Angle<Lanes> meridian_{0.0, 0.0, 0.0};
  Filter<Lanes> filter_{0.0, 0.0, 0.0, 0.0, 0.0};
  Way way_{0.0, 0.0};
  Lanes nis_{0.0};
  Mask ordinary_ = Lanes(0.0) != Lanes(0.0);
};

// Flattened, because calls pass four lanes through memory.
template <typename Lanes>
[[gnu::flatten]] unsigned take_ordinary_by(const std::array<Fix, kLanes>& fixes, unsigned wanted) {
  FourFixes<Lanes> four(fixes, wanted);
  four.take_positions();
  four.take_velocities();
  four.go();
  return four.store();
}

}  // namespace vedette::perceive
