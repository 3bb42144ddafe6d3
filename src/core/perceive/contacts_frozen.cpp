// Contacts as bytes, and back; everything read back is checked before use.
#include <algorithm>
#include <span>

#include "base/plausible.hpp"
#include "core/perceive/contacts.hpp"

namespace vedette::perceive {
namespace {

constexpr double kEarthM = 1e7;  // from its centre to any point of the surface

bool plausible_place(Place place) {
  return vedette::plausible(place.latitude, 90.0) && vedette::plausible(place.longitude, 721.0);
}
bool plausible_vector(const Vector3& v, double most) {
  return vedette::plausible(v.x, most) && vedette::plausible(v.y, most) &&
         vedette::plausible(v.z, most);
}
bool plausible_measured(const Measured& m) {
  return vedette::plausible(std::span(m.from_sensor)) &&
         vedette::plausible(std::span(m.rotation[0])) &&
         vedette::plausible(std::span(m.rotation[1])) && vedette::plausible(m.variance_range) &&
         vedette::plausible(m.variance_azimuth) && vedette::plausible(m.variance_place);
}

}  // namespace

std::size_t Contacts::frozen_bytes_bound(const plan::Plan& plan) {
  const std::size_t contacts = plan.limits()->contacts();
  const std::size_t sensors = plan.sensors()->size();
  return sensors == 0 ? 0
                      : 256 +
                            contacts * (sizeof(Contact) + sizeof(Spot) + kPast * sizeof(Look) + 4 +
                                        2 * sizeof(Due) + 8 * sensors) +
                            sensors * (sizeof(SensorState) + kGroupPlots * sizeof(Plot));
}

// Without its neighbours in the index and its place in the queue, which a thaw makes anew.
void Contacts::freeze_contact(Freezer& out, std::uint32_t contact) const {
  Contact c = contacts_[contact];
  c.due = kNone;
  out.put(c);
  Spot spot = spots_[contact];
  spot.cell = spot.next = spot.previous = kNone;
  spot.reserved = 0;
  out.put(spot);
}

// Whether a place of its history holds a look; else it may hold a former contact's.
bool Contacts::has_look(const Contact& c, std::size_t place) {
  return (c.past_next + kPast - 1 - place) % kPast < c.past_count;
}

void Contacts::freeze_look(Freezer& out, std::uint32_t contact, std::size_t place) const {
  Look look{};
  if (has_look(contacts_[contact], place)) {
    const Look& kept = past_[std::size_t{contact} * kPast + place];
    look.ns = kept.ns;
    look.count = kept.count;
    look.after = kept.after;
    std::copy_n(kept.shares.begin(), std::min<std::size_t>(kept.count, kShares),
                look.shares.begin());
  }
  out.put(look);
}

void Contacts::freeze(Freezer& out, const TrackTable&) const {
  if (sensors_.empty()) {
    return;
  }
  out.put(counts_);
  out.put(high_water_);
  out.put(static_cast<std::uint32_t>(alive_));
  for (std::uint32_t i = 0; i < high_water_; ++i) {
    if (spots_[i].alive != 0) {
      out.put(i);
      freeze_contact(out, i);
      for (std::size_t s = 0; s < sensors_.size(); ++s) {
        out.put(seen_ns(i, s));
      }
      for (std::size_t k = 0; k < kPast; ++k) {
        freeze_look(out, i, k);
      }
    }
  }
  out.put(static_cast<std::uint32_t>(due_count_));
  for (std::size_t i = 0; i < due_count_; ++i) {
    out.put(due_[(due_first_ + i) % due_.size()]);
  }
  for (std::size_t s = 0; s < states_.size(); ++s) {
    out.put(states_[s]);
    for (std::size_t p = 0; p < states_[s].group.count && states_[s].group.open != 0; ++p) {
      out.put(plots_[s * kGroupPlots + p]);
    }
  }
}

namespace {

constexpr std::size_t kTogether = 16;  // plots or queue entries of one slice

}  // namespace

// The counts, the sensors with their plots, the contacts with their looks, and the queue.
std::size_t Contacts::slices(const TrackTable&) const {
  return sensors_.empty()
             ? 0
             : 1 + states_.size() * (1 + kGroupPlots / kTogether) + high_water_ * (1 + kPast) +
                   (due_count_ + kTogether - 1) / kTogether;
}

void Contacts::slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
  const std::size_t of_sensors = states_.size() * (1 + kGroupPlots / kTogether);
  const std::size_t of_contacts = high_water_ * (1 + kPast);
  if (at == 0) {
    out.mix(counts_);
    out.mix(std::uint64_t{high_water_} << 32 | alive_);
  } else if (at -= 1; at < of_sensors) {
    slice_of_sensor(at, out);
  } else if (at -= of_sensors; at < of_contacts) {
    slice_of_contact(static_cast<std::uint32_t>(at / (1 + kPast)), at % (1 + kPast), out);
  } else {
    at = (at - of_contacts) * kTogether;
    for (const std::size_t end = std::min(at + kTogether, due_count_); at < end; ++at) {
      out.mix(due_[(due_first_ + at) % due_.size()]);
    }
  }
}

void Contacts::slice_of_sensor(std::size_t at, SliceDigest& out) const {
  const std::size_t s = at / (1 + kGroupPlots / kTogether);
  const std::size_t part = at % (1 + kGroupPlots / kTogether);
  const Group& group = states_[s].group;
  if (part == 0) {
    out.mix(states_[s]);
  } else if (group.open != 0) {
    const std::size_t end = std::min<std::size_t>(part * kTogether, group.count);
    for (std::size_t p = (part - 1) * kTogether; p < end; ++p) {
      out.mix(plots_[s * kGroupPlots + p]);
    }
  }
}

void Contacts::slice_of_contact(std::uint32_t contact, std::size_t part, SliceDigest& out) const {
  const Spot& spot = spots_[contact];
  if (spot.alive == 0) {
    return;
  }
  if (part == 0) {
    Contact c = contacts_[contact];
    c.due = kNone;
    out.mix(c);
    out.mix(spot.ecef);
    out.mix(spot.sigma);
    out.mix(spot.ns);
    out.mix(spot.detected_ns);
    out.mix(std::uint64_t{spot.sensor} << 2 | std::uint64_t{spot.confirmed} << 1 |
            std::uint64_t{spot.coasting});
    for (std::size_t s = 0; s < sensors_.size(); ++s) {
      out.mix(seen_ns(contact, s));
    }
    return;
  }
  if (has_look(contacts_[contact], part - 1)) {
    const Look& look = past_[std::size_t{contact} * kPast + part - 1];
    out.mix(look.ns);
    out.mix(look.count);
    out.mix(look.after);
    for (std::size_t i = 0; i < std::min<std::size_t>(look.count, kShares); ++i) {
      out.mix(look.shares[i]);
    }
  }
}

bool Contacts::plausible(const Contact& c, const Spot& spot, const TrackTable& tracks) const {
  for (const std::int64_t ns : c.looked_ns) {
    if (!plausible_ns(ns)) {
      return false;
    }
  }
  return spot.alive != 0 && spot.sensor < sensors_.size() && c.past_count != 0 &&
         c.past_count <= kPast && c.past_next < kPast && c.track < tracks.capacity() &&
         tracks.in_use(c.track) && tracks[c.track].key == c.key &&
         tracks[c.track].kind == IdentityKind::contact && plausible_ns(spot.ns) &&
         plausible_ns(spot.detected_ns) && vedette::plausible(std::span(spot.ecef), kEarthM) &&
         vedette::plausible(spot.sigma) && plausible_place(c.anchor) &&
         vedette::plausible(c.parallel.degrees, 361.0) &&
         vedette::plausible(c.parallel.sin, 1.001) && vedette::plausible(c.parallel.cos, 1.001) &&
         vedette::plausible(c.existence, 1e3) && vedette::plausible_or_unknown(c.nis) &&
         vedette::plausible(std::span(c.ecef_velocity)) && vedette::plausible(c.sigma_speed) &&
         vedette::plausible(std::span<const double>(c.visible), 1.0);
}

bool Contacts::plausible(const Look& look) {
  if (look.count > kShares || !plausible_ns(look.ns) ||
      !vedette::plausible(std::span<const double>(look.after.values))) {
    return false;
  }
  return std::all_of(look.shares.begin(), look.shares.end(), [](const Share& share) {
    return plausible_measured(share.plot) && vedette::plausible(share.at.east) &&
           vedette::plausible(share.at.north) && vedette::plausible(share.probability, 1.001);
  });
}

bool Contacts::plausible(const Plot& plot) {
  constexpr std::uint16_t kMostSquawk = 7777;
  return plausible_measured(plot) && plausible_place(plot.place) &&
         vedette::plausible(std::span(plot.ecef), kEarthM) && plot.squawk_next <= kMostSquawk + 1;
}

bool Contacts::plausible(const SensorState& state) {
  const Group& group = state.group;
  return plausible_ns(state.newest_ns) && plausible_ns(state.turn_ns) && plausible_ns(group.ns) &&
         plausible_ns(group.arrival_ns) && plausible_ns(group.received_ns) &&
         group.count <= kGroupPlots && group.event_class <= EventClass::bulk &&
         plausible_vector(group.frame.origin, kEarthM) &&
         plausible_vector(group.frame.east, 1.001) && plausible_vector(group.frame.north, 1.001) &&
         plausible_vector(group.frame.up, 1.001);
}

bool Contacts::thaw_contacts(Thawer& in, const TrackTable& tracks, std::uint32_t alive) {
  for (std::uint32_t i = 0; i < spots_.size(); ++i) {
    spots_[i] = {};
    free_[i / 64] |= std::uint64_t{1} << i % 64;
  }
  // The index's memory serves to detect two contacts with one track.
  std::fill(cells_.begin(), cells_.end(), kNone);
  alive_ = 0;
  for (std::uint32_t n = 0; n < alive; ++n) {
    const auto i = in.get<std::uint32_t>();
    const auto c = in.get<Contact>();
    const auto spot = in.get<Spot>();
    if (!in.ok() || i >= high_water_ || spots_[i].alive != 0 || !plausible(c, spot, tracks)) {
      return false;
    }
    std::size_t cell = spread(c.track) & (cells_.size() - 1);
    for (; cells_[cell] != kNone; cell = (cell + 1) & (cells_.size() - 1)) {
      if (cells_[cell] == c.track) {
        return false;
      }
    }
    cells_[cell] = c.track;
    contacts_[i] = c;
    contacts_[i].due = kNone;
    spots_[i] = spot;
    spots_[i].cell = spots_[i].next = spots_[i].previous = kNone;
    free_[i / 64] &= ~(std::uint64_t{1} << i % 64);
    ++alive_;
    for (std::size_t s = 0; s < sensors_.size(); ++s) {
      seen_ns(i, s) = in.get<std::int64_t>();
      if (!plausible_ns(seen_ns(i, s))) {
        return false;
      }
    }
    for (Look& look : past(i)) {
      look = in.get<Look>();
      if (!plausible(look)) {
        return false;
      }
    }
  }
  std::fill(cells_.begin(), cells_.end(), kNone);
  for (std::uint32_t i = 0; i < high_water_; ++i) {
    if (spots_[i].alive != 0) {
      place(i);
    }
  }
  return true;
}

bool Contacts::thaw_due(Thawer& in, const TrackTable& tracks) {
  due_first_ = 0;
  due_count_ = in.get<std::uint32_t>();
  if (due_count_ > due_.size()) {
    return false;
  }
  for (std::size_t i = 0; i < due_count_; ++i) {
    due_[i] = in.get<Due>();
    const Due& due = due_[i];
    if (!in.ok() || due.event_class > EventClass::bulk || due.track >= tracks.capacity() ||
        !plausible_ns(due.arrival_ns)) {
      return false;
    }
    if (due.contact != kNone) {
      if (due.contact >= high_water_ || spots_[due.contact].alive == 0 ||
          contacts_[due.contact].due != kNone) {
        return false;
      }
      contacts_[due.contact].due = static_cast<std::uint32_t>(i);
    }
  }
  return true;
}

bool Contacts::thaw(Thawer& in, Thawing& with) {
  const TrackTable& tracks = with.tracks;
  if (!with.carry.contacts_stay()) {  // Tracks has counted those that left
    in.skip();
    return true;
  }
  if (sensors_.empty()) {
    return true;
  }
  counts_ = in.get<Counts>();
  high_water_ = in.get<std::uint32_t>();
  const auto alive = in.get<std::uint32_t>();
  if (high_water_ > contacts_.size() || alive > high_water_ || !plausible_ns(counts_.newest_ns) ||
      !plausible_ns(counts_.last_look_ns) || !thaw_contacts(in, tracks, alive) ||
      !thaw_due(in, tracks)) {
    return false;
  }
  for (std::size_t s = 0; s < states_.size(); ++s) {
    states_[s] = in.get<SensorState>();
    if (!plausible(states_[s])) {
      return false;
    }
    for (std::size_t p = 0; p < states_[s].group.count && states_[s].group.open != 0; ++p) {
      Plot& plot = plots_[s * kGroupPlots + p];
      plot = in.get<Plot>();
      if (!plausible(plot)) {
        return false;
      }
    }
  }
  // A named track refers to its contact's slot.
  for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
    if (tracks.in_use(i) && tracks[i].partner != 0 && tracks[i].partner_slot >= contacts_.size()) {
      return false;
    }
  }
  return in.ok();
}

}  // namespace vedette::perceive
