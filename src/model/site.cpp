#include "model/site.hpp"

namespace vedette {
namespace {

std::size_t corners_in(const plan::Plan& plan) {
  std::size_t corners = 0;
  for (const plan::Zone* zone : *plan.zones()) {
    corners += zone->points() != nullptr ? zone->points()->size() / 2 : 0;
  }
  return corners;
}

Sensor sensor_of(const plan::Sensor& s) {
  Sensor sensor{};
  sensor.source = s.source();
  sensor.id = s.id();
  sensor.on_own = s.on_own();
  sensor.turns = s.turns();
  sensor.place = {s.latitude(), s.longitude()};
  sensor.range_min = s.range_min();
  sensor.range_max = s.range_max();
  sensor.sector_from = s.sector_from();
  sensor.sector_width = s.sector_width();
  sensor.update_s = s.update_s();
  sensor.range_sigma = s.range_sigma();
  sensor.azimuth_sigma = s.azimuth_sigma() * kDegree;
  sensor.extent_sigma = s.extent_sigma();
  sensor.near_side_m = s.near_side();
  sensor.resolution = s.resolution();
  sensor.detection = s.detection();
  sensor.hidden = s.hidden();
  sensor.clutter = s.clutter() * 1e-6;
  sensor.delay_s = s.delay_s();
  sensor.window_s = s.window_s();
  sensor.coast_s = s.coast_s();
  sensor.delete_s = s.delete_s();
  sensor.confirm = s.confirm();
  if (s.mask() != nullptr) {
    for (const std::uint16_t zone : *s.mask()) {
      sensor.mask[zone / 64] |= std::uint64_t{1} << zone % 64;
    }
  }
  return sensor;
}

OwnRules own_rules_of(const plan::Own& own) {
  OwnRules rules;
  rules.agree_s = own.agree_s();
  rules.apart_m = own.apart_m();
  rules.stale_s = own.stale_s();
  rules.frozen_s = own.frozen_s();
  rules.drift_m = own.drift_m();
  rules.placed = own.placed();
  rules.place = {own.latitude(), own.longitude()};
  rules.within_m = own.within_m();
  return rules;
}

TrackingRules rules_of(const plan::Plan& plan) {
  TrackingRules rules;
  for (const plan::Tracker* t : *plan.trackers()) {
    rules.trackers[t->kind()] = {t->acceleration(),     t->max_speed(),   t->gate_sigma(),
                                 t->position_sigma_m(), t->half_life_s(), t->halving_sigma_m(),
                                 t->coast_s(),          t->lost_s(),      t->retire_s(),
                                 t->confirm_updates()};
    rules.room.most[t->kind()] = t->most();
  }
  rules.own = own_rules_of(*plan.own());
  rules.own_sources = 0;
  for (flatbuffers::uoffset_t i = 0; i < plan.sources()->size(); ++i) {
    rules.own_sources |= plan.sources()->Get(i)->own() ? 1U << i : 0U;
  }
  if (plan.own()->identities() != nullptr) {
    for (const std::uint64_t mmsi : *plan.own()->identities()) {
      rules.own_mmsi[rules.own_count++] = mmsi;
    }
  }
  return rules;
}

// Takes space for the zone's corners from the front of `corners`.
Zone zone_of(const plan::Zone& zone, std::span<Vector3>& corners) {
  const auto* points = zone.points();
  Zone made{};
  switch (zone.kind()) {
    case plan::ZoneKind::polygon: {
      const std::span<Vector3> own = corners.first(points->size() / 2);
      corners = corners.subspan(own.size());
      for (flatbuffers::uoffset_t p = 0; p < own.size(); ++p) {
        own[p] = normal_of({points->Get(2 * p), points->Get(2 * p + 1)});
      }
      return make_polygon(own);
    }
    case plan::ZoneKind::circle:
      return make_circle({points->Get(0), points->Get(1)}, zone.radius_m());
    case plan::ZoneKind::around_own:
      made.around_own = true;
      made.radius_m = zone.radius_m();
      return made;
  }
  return made;
}

}  // namespace

std::size_t orders_of_decisions(const plan::Plan& plan) {
  std::size_t orders = 0;
  for (const plan::Decision* d : *plan.decisions()) {
    orders += 1 + (d->also() == nullptr ? 0 : d->also()->size());
  }
  return orders;
}

std::size_t Site::bytes_needed(const plan::Plan& plan) {
  return arena_bytes<Sensor>(plan.sensors()->size()) + arena_bytes<Zone>(plan.zones()->size()) +
         arena_bytes<Vector3>(corners_in(plan));
}

void Site::init(Arena& arena, const plan::Plan& of) {
  plan = &of;
  rules = rules_of(of);
  sudden_within_m = of.own()->sudden_within_m();
  sudden_after_s = of.own()->sudden_after_s();
  const std::span<Sensor> made_sensors = arena.make<Sensor>(of.sensors()->size());
  for (std::size_t i = 0; i < made_sensors.size(); ++i) {
    made_sensors[i] = sensor_of(*of.sensors()->Get(static_cast<flatbuffers::uoffset_t>(i)));
  }
  sensors = made_sensors;
  const std::span<Zone> made_zones = arena.make<Zone>(of.zones()->size());
  std::span<Vector3> corners = arena.make<Vector3>(corners_in(of));
  for (std::size_t i = 0; i < made_zones.size(); ++i) {
    made_zones[i] = zone_of(*of.zones()->Get(static_cast<flatbuffers::uoffset_t>(i)), corners);
  }
  zones = made_zones;
}

}  // namespace vedette
