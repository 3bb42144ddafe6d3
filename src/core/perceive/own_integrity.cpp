#include "core/perceive/own_integrity.hpp"

#include <algorithm>

#include "base/geo.hpp"
#include "base/math.hpp"
#include "base/plausible.hpp"
#include "base/units.hpp"

namespace vedette::perceive {
namespace {

constexpr double kDoubtS = 10.0;    // a doubt lasts this long after its last cause
constexpr double kMotionS = 5.0;    // age of a speed and course, at most
constexpr double kGapS = 10.0;      // after a longer standstill the way is followed anew
constexpr double kForgetS = 180.0;  // time constant of a drift
constexpr double kSigmas = 4.0;     // of the position, which a drift must exceed
constexpr double kMoves = 0.75;     // m/s, more than a receiver at rest reports
// Beside log and compass a drift must be longer: their errors grow with the speed, and currents
// change.
constexpr double kDriftsInWater = 3.0;  // of [own] drift
constexpr double kShareInWater = 0.2;   // of the way
constexpr double kStands = 0.5;         // m/s through the water, less than any way
constexpr double kPauseS = 60.0;        // without log or compass; after a longer one it begins anew
constexpr double kUsualS = 600.0;       // time constant of what is usual
constexpr double kLearnS = 120.0;       // until that is known
// Of satellites and signal:
constexpr double kNowS = 15.0;            // time constant of the present value
constexpr double kLeastSignal = -6.0;     // dB beside the usual one
constexpr double kLeastSatellites = 0.5;  // share of the usual number

double seconds(std::int64_t from, std::int64_t to) {
  return static_cast<double>(to - from) * 1e-9;
}

double length(double east, double north) {
  return det_sqrt(east * east + north * north);
}

bool recent(std::int64_t then, std::int64_t ns, double within_s) {
  return then != 0 && seconds(then, ns) <= within_s;
}

}  // namespace

void OwnIntegrity::hear(const OwnRules& rules, std::size_t v, const Observation& o, std::int64_t ns,
                        double sigma_m, bool leapt) {
  Voice& voice = voices_[v];
  take_water(o, ns);
  if (o.has(Field::position) && ns >= voice.fix_ns) {
    take_fix(rules, voice, o, ns, sigma_m, leapt);
  }
  if (o.has(Field::speed) && o.has(Field::course)) {
    const SinCos course = det_sincos(o.course_e6 * 1e-6 * kDegree);
    voice.east = o.speed_mm_s * 1e-3 * course.sin;
    voice.north = o.speed_mm_s * 1e-3 * course.cos;
    voice.motion_ns = ns;
    follow_current(rules, voice, ns);
  }
  if (o.has(Field::satellites)) {
    take_level(voice.satellites, o.satellites, kLeastSatellites * voice.satellites.usual, ns);
  }
  if (o.has(Field::signal)) {
    take_level(voice.signal, o.signal_db, voice.signal.usual + kLeastSignal, ns);
  }
}

void OwnIntegrity::take_fix(const OwnRules& rules, Voice& voice, const Observation& o,
                            std::int64_t ns, double sigma_m, bool leapt) {
  const bool same = voice.fix_ns != 0 && voice.latitude_e7 == o.latitude_e7 &&
                    voice.longitude_e7 == o.longitude_e7;
  if (!same || !moves(ns)) {
    voice.same_from_ns = ns;
  } else if (seconds(voice.same_from_ns, ns) >= rules.frozen_s) {
    frozen_ns_ = ns;
  }
  if (!same) {
    follow_way(voice, o, ns, leapt);
    voice.changed_ns = ns;
  }
  if (length(voice.drift_east, voice.drift_north) > std::max(rules.drift_m, kSigmas * sigma_m)) {
    drift_ns_ = ns;
  }
  if (rules.placed) {
    const Offset off = offset_between(rules.place, {o.latitude_e7 * 1e-7, o.longitude_e7 * 1e-7},
                                      parallel_at(rules.place.latitude));
    const double most = rules.within_m + rules.apart_m + kSigmas * sigma_m;
    off_place_ns_ = length(off.east, off.north) > most ? ns : off_place_ns_;
  }
  voice.latitude_e7 = o.latitude_e7;
  voice.longitude_e7 = o.longitude_e7;
  voice.fix_ns = ns;
  position_ns_ = ns;
}

// Adds how far the position moved, less the way that the reported speed and course give for it.
void OwnIntegrity::follow_way(Voice& voice, const Observation& o, std::int64_t ns, bool leapt) {
  const double dt = seconds(voice.changed_ns, ns);
  if (voice.fix_ns == 0 || leapt || dt > kGapS || !recent(voice.motion_ns, ns, kMotionS)) {
    voice.drift_east = 0.0;
    voice.drift_north = 0.0;
    return;
  }
  const Place before{voice.latitude_e7 * 1e-7, voice.longitude_e7 * 1e-7};
  const Offset way = offset_between(before, {o.latitude_e7 * 1e-7, o.longitude_e7 * 1e-7},
                                    parallel_at(before.latitude));
  const double kept = 1.0 - dt / kForgetS;
  voice.drift_east = voice.drift_east * kept + way.east - voice.east * dt;
  voice.drift_north = voice.drift_north * kept + way.north - voice.north * dt;
}

void OwnIntegrity::take_water(const Observation& o, std::int64_t ns) {
  if (o.has(Field::heading)) {
    const SinCos heading = det_sincos(o.heading_e6 * 1e-6 * kDegree);
    water_.east = heading.sin;
    water_.north = heading.cos;
    water_.heading_ns = ns;
  }
  if (o.has(Field::water_speed)) {
    water_.speed = o.water_speed_mm_s * 1e-3;
    water_.speed_ns = ns;
  }
}

// Who leads a receiver away can make it report the false way's speed and course, but not what log
// and compass measure. What is between the two is current, which changes slowly. A log that stands
// still while the receiver moves is broken, and many a log does not say that it goes astern:
// neither speaks against the receiver.
void OwnIntegrity::follow_current(const OwnRules& rules, Voice& voice, std::int64_t ns) {
  if (!recent(water_.heading_ns, ns, kMotionS) || !recent(water_.speed_ns, ns, kMotionS)) {
    return;
  }
  Current& c = voice.current;
  const double speed = length(water_.speed, 0.0);
  if (speed < kStands && length(voice.east, voice.north) > kMoves) {
    c.ns = 0;
    return;
  }
  const double ahead = voice.east * water_.east + voice.north * water_.north;
  const double through = ahead < 0.0 ? -speed : speed;
  const double east = voice.east - water_.east * through;
  const double north = voice.north - water_.north * through;
  if (!recent(c.ns, ns, kPauseS)) {
    c = {ns, ns, east, north, 0.0, 0.0};
    return;
  }
  const double dt = std::clamp(seconds(c.ns, ns), 0.0, kMotionS);
  const bool known = seconds(c.from_ns, ns) >= kLearnS;
  if (known) {
    const double kept = 1.0 - dt / kForgetS;
    c.away_east = c.away_east * kept + (east - c.east) * dt;
    c.away_north = c.away_north * kept + (north - c.north) * dt;
  }
  c.east += (east - c.east) * dt / (known ? kUsualS : kLearnS);
  c.north += (north - c.north) * dt / (known ? kUsualS : kLearnS);
  c.ns = std::max(c.ns, ns);
  const double most = kDriftsInWater * rules.drift_m + kShareInWater * kForgetS * speed;
  if (length(c.away_east, c.away_north) > most) {
    drift_ns_ = ns;
  }
}

void OwnIntegrity::take_level(Level& level, double value, double least, std::int64_t ns) {
  if (level.ns == 0) {
    level = {ns, ns, value, value};
    return;
  }
  const double dt = std::clamp(seconds(level.ns, ns), 0.0, kNowS);
  const bool known = seconds(level.from_ns, ns) >= kLearnS;
  level.ns = std::max(level.ns, ns);
  level.now += (value - level.now) * dt / kNowS;
  if (known && level.now < least) {
    weak_ns_ = ns;
  } else {
    level.usual += (value - level.usual) * dt / (known ? kUsualS : kLearnS);
  }
}

bool OwnIntegrity::moves(std::int64_t ns) const {
  return std::any_of(voices_.begin(), voices_.end(), [&](const Voice& v) {
    return recent(v.motion_ns, ns, kMotionS) && length(v.east, v.north) > kMoves;
  });
}

unsigned OwnIntegrity::doubts(const OwnRules& rules, std::int64_t ns) const {
  const auto bit = [&](Doubt doubt, bool holds) {
    return holds ? static_cast<unsigned>(doubt) : 0U;
  };
  return bit(Doubt::frozen, recent(frozen_ns_, ns, kDoubtS)) |
         bit(Doubt::drift, recent(drift_ns_, ns, kDoubtS)) |
         bit(Doubt::off_place, recent(off_place_ns_, ns, kDoubtS)) |
         bit(Doubt::weak, recent(weak_ns_, ns, kDoubtS)) |
         bit(Doubt::stale, position_ns_ != 0 && seconds(position_ns_, ns) > rules.stale_s);
}

void OwnIntegrity::carry(Carry& carry) {
  const std::array<Voice, limits::kSources> before = voices_;
  voices_ = {};
  for (std::uint16_t s = 0; s < limits::kSources; ++s) {
    if (const std::uint16_t now = carry.source(s); now != Carry::kGone) {
      voices_[now] = before[s];
    }
  }
}

bool OwnIntegrity::plausible() const {
  const auto level = [](const Level& l) {
    return plausible_ns(l.ns) && plausible_ns(l.from_ns) && vedette::plausible(l.now, 1e3) &&
           vedette::plausible(l.usual, 1e3);
  };
  return plausible_ns(water_.heading_ns) && plausible_ns(water_.speed_ns) &&
         vedette::plausible(water_.east, 2.0) && vedette::plausible(water_.north, 2.0) &&
         vedette::plausible(water_.speed, 1e9) && plausible_ns(position_ns_) &&
         plausible_ns(frozen_ns_) && plausible_ns(drift_ns_) && plausible_ns(off_place_ns_) &&
         plausible_ns(weak_ns_) && std::all_of(voices_.begin(), voices_.end(), [&](const Voice& v) {
           return plausible_ns(v.fix_ns) && plausible_ns(v.changed_ns) &&
                  plausible_ns(v.same_from_ns) && plausible_ns(v.motion_ns) &&
                  vedette::plausible(v.east, 1e9) && vedette::plausible(v.north, 1e9) &&
                  vedette::plausible(v.drift_east) && vedette::plausible(v.drift_north) &&
                  plausible_ns(v.current.ns) && plausible_ns(v.current.from_ns) &&
                  vedette::plausible(v.current.east, 1e9) &&
                  vedette::plausible(v.current.north, 1e9) &&
                  vedette::plausible(v.current.away_east) &&
                  vedette::plausible(v.current.away_north) && level(v.satellites) &&
                  level(v.signal);
         });
}

}  // namespace vedette::perceive
