// Associates named tracks with contacts, and separates them on contradiction.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/math.hpp"
#include "core/perceive/contacts.hpp"

namespace vedette::perceive {
namespace {

constexpr double kNameGate = 4.0;         // standard deviations
constexpr double kAntenna = 10.0;         // m, from a ship's radar centre to its antenna
constexpr double kLeastSpeedSigma = 1.0;  // m/s
constexpr std::uint32_t kClaims = 3;      // consecutive fits that associate a name
constexpr std::uint32_t kMisfits = 3;     // consecutive misfits that separate it
constexpr double kBlindUpdates = 3.0;     // a sensor silent for this many scans sees nothing

}  // namespace

void Contacts::part(Track& named, TrackTable& tracks) {
  const std::uint32_t contact = tracks.find(named.partner);
  if (contact != TrackTable::kNone) {
    tracks[contact].partner = 0;
    std::memset(tracks[contact].name, 0, sizeof tracks[contact].name);
    std::memset(tracks[contact].callsign, 0, sizeof tracks[contact].callsign);
    tracks[contact].ship_type = 0;
    tracks[contact].particulars = {};
  }
  named.partner = 0;
  named.misfits = 0;
}

namespace {

// Velocity in ECEF (m/s) of a track's velocity in east and north.
std::array<double, 3> ecef_velocity_of(const Track& t) {
  const double horizontal = det_sqrt(t.normal[0] * t.normal[0] + t.normal[1] * t.normal[1]);
  const double east[3] = {-t.normal[1] / horizontal, t.normal[0] / horizontal, 0.0};
  const double north[3] = {-t.normal[2] * east[1], t.normal[2] * east[0], horizontal};
  std::array<double, 3> velocity;
  for (std::size_t i = 0; i < 3; ++i) {
    velocity[i] = east[i] * t.velocity_east + north[i] * t.velocity_north;
  }
  return velocity;
}

}  // namespace

// Normalised distance of name and contact; above the gate they do not fit.
double Contacts::misfit(std::uint32_t index, const Track& named,
                        const std::array<double, 3>& velocity) const {
  const Contact& c = contacts_[index];
  const Spot& spot = spots_[index];
  const Vector3 at = predicted_ecef(index, named.filter_ns);
  const double ago = std::abs(seconds_between(spot.ns, named.filter_ns));
  const double away[3] = {at.x - named.ecef[0], at.y - named.ecef[1], at.z - named.ecef[2]};
  double distance = 0.0;
  double speed = 0.0;
  for (std::size_t i = 0; i < 3; ++i) {
    distance += away[i] * away[i];
    const double dv = c.ecef_velocity[i] - velocity[i];
    speed += dv * dv;
  }
  const double place = spot.sigma * spot.sigma + named.variance_position + kAntenna * kAntenna +
                       ago * ago * c.sigma_speed * c.sigma_speed;
  const double motion =
      c.sigma_speed * c.sigma_speed + named.variance_velocity + kLeastSpeedSigma * kLeastSpeedSigma;
  return std::max(det_sqrt(distance / place), det_sqrt(speed / motion));
}

// The best fitting contact without a name; kNone for none. `anything`: some contact fits.
std::uint32_t Contacts::nearest_unnamed(const Track& named, const std::array<double, 3>& velocity,
                                        const TrackTable& tracks, bool& anything) const {
  const auto cell = [&](double metres) { return to_int64(std::floor(metres / cell_m_)); };
  std::uint32_t best = kNone;
  double least = kNameGate;
  for (int i = 0; i < 27; ++i) {
    const std::uint32_t bucket =
        bucket_of(cell(named.ecef[0]) + i % 3 - 1, cell(named.ecef[1]) + i / 3 % 3 - 1,
                  cell(named.ecef[2]) + i / 9 - 1);
    for (std::uint32_t k = cells_[bucket]; k != kNone; k = spots_[k].next) {
      const double away = misfit(k, named, velocity);
      anything = anything || away <= kNameGate;
      // Ties go to the lower slot, because the index's own order depends on its history.
      if (spots_[k].confirmed != 0 && tracks[contacts_[k].track].partner == 0 &&
          (away < least || (away == least && k < best))) {
        least = away;
        best = k;
      }
    }
  }
  return best;
}

// Counts another fit; after kClaims the contact has the name.
void Contacts::claim(std::uint32_t contact, Track& named, TrackTable& tracks) {
  Contact& c = contacts_[contact];
  c.claims = c.claim == named.key ? c.claims + 1 : 1;
  c.claim = named.key;
  if (c.claims < kClaims) {
    return;
  }
  named.partner = c.key;
  named.partner_slot = contact;
  named.misfits = 0;
  Track& t = tracks[c.track];
  t.partner = named.key;
  t.identity_event = named.position_event;
  std::memcpy(t.name, named.name, sizeof t.name);
  std::memcpy(t.callsign, named.callsign, sizeof t.callsign);
  t.ship_type = named.ship_type;
  t.particulars.update(named.particulars);
}

void Contacts::identify(Track& named, TrackTable& tracks) {
  if (sensors_.empty()) {
    return;
  }
  const std::array<double, 3> velocity = ecef_velocity_of(named);
  if (named.partner != 0) {
    const bool gone =
        spots_[named.partner_slot].alive == 0 || contacts_[named.partner_slot].key != named.partner;
    if (!gone && misfit(named.partner_slot, named, velocity) <= kNameGate) {
      named.misfits = 0;
      named.denied = 0;
      return;
    }
    if (!gone && ++named.misfits < kMisfits) {
      return;
    }
    part(named, tracks);
  }
  bool anything = false;
  if (const std::uint32_t best = nearest_unnamed(named, velocity, tracks, anything);
      best != kNone) {
    claim(best, named, tracks);
  }
  if (anything) {
    named.denied = 0;
    return;
  }
  const Vector3 at{named.ecef[0], named.ecef[1], named.ecef[2]};
  bool looked = false;
  for (std::size_t s = 0; s < sensors_.size() && !looked; ++s) {
    const SensorState& state = states_[s];
    const double silent = seconds_between(state.newest_ns, named.filter_ns);
    looked = state.newest_ns != 0 && silent < kBlindUpdates * sensors_[s].update_s &&
             covers(state.group.frame, sensors_[s], at, 3.0 * det_sqrt(named.variance_position));
  }
  named.denied = looked ? named.denied + 1 : 0;
}

}  // namespace vedette::perceive
