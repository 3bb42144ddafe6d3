// Places from compact position reports (DO-260B A.1.7): a pair of an even and an odd half gives one
// without a reference in the air, one of four on the ground; a half alone needs a place near it.
#include "base/math.hpp"
#include "edge/codec/adsb.hpp"

namespace vedette::codec {
namespace {

constexpr double kCpr = 131072.0;  // 2^17

// Latitudes at which the number of longitude zones drops from 59 to 58, 57 … 2: the closed form of
// DO-260B A.1.7.2 d, computed once with the deterministic functions.
struct ZoneTable {
  double below[58];
  ZoneTable() {
    const double a = 1.0 - det_sincos(kPi / 30.0).cos;  // NZ = 15
    for (int nl = 59; nl >= 2; --nl) {
      const double c = det_sqrt(a / (1.0 - det_sincos(2.0 * kPi / nl).cos));
      // acos(c) by our deterministic atan2
      below[59 - nl] = det_atan2(det_sqrt((1.0 - c) * (1.0 + c)), c) / kDegree;
    }
  }
};

double floor_of(double x) {
  const auto whole = static_cast<double>(to_int64(x));
  return whole > x ? whole - 1.0 : whole;
}

double modulo(double x, double y) {
  return x - y * floor_of(x / y);
}

double turn_towards(double longitude, double wanted, double step) {
  return wrap_180(longitude + step * floor_of(wrap_180(wanted - longitude) / step + 0.5));
}

struct Spot {
  double latitude, longitude;
};

// `span` degrees are divided in zones: 360 in the air, 90 on the ground, where `near` says in which
// quarter. False for halves across a zone boundary.
bool from_pair(const AircraftTable::Aircraft& a, std::size_t format, double span, const Spot* near,
               Spot& out) {
  const double even = a.half_latitude[0] / kCpr;
  const double odd = a.half_latitude[1] / kCpr;
  const double j = floor_of(59.0 * even - 60.0 * odd + 0.5);
  double latitude[2] = {span / 60.0 * (modulo(j, 60.0) + even),
                        span / 59.0 * (modulo(j, 59.0) + odd)};
  for (double& each : latitude) {
    each -= near == nullptr ? (each >= 270.0 ? 360.0 : 0.0)
                            : (each - near->latitude > 45.0 ? 90.0 : 0.0);
    if (each < -90.0 || each > 90.0) {
      return false;
    }
  }
  const int zones = cpr_zones(latitude[0]);
  if (zones != cpr_zones(latitude[1])) {
    return false;
  }
  const int count = format == 1 ? (zones > 1 ? zones - 1 : 1) : zones;
  const double x[2] = {a.half_longitude[0] / kCpr, a.half_longitude[1] / kCpr};
  const double index = floor_of(x[0] * (zones - 1) - x[1] * zones + 0.5);
  out.latitude = latitude[format];
  out.longitude = wrap_180(span / count * (modulo(index, count) + x[format]));
  if (near != nullptr) {
    out.longitude = turn_towards(out.longitude, near->longitude, 90.0);
  }
  return true;
}

// The place within half a zone of `near`.
bool from_half(const AdsbMessage& m, double span, const Spot& near, Spot& out) {
  const double latitude_zone = span / (m.odd ? 59.0 : 60.0);
  const double y = m.cpr_latitude / kCpr;
  const double x = m.cpr_longitude / kCpr;
  const double j = floor_of(near.latitude / latitude_zone) +
                   floor_of(0.5 + modulo(near.latitude, latitude_zone) / latitude_zone - y);
  out.latitude = latitude_zone * (j + y);
  const int zones = cpr_zones(out.latitude) - (m.odd ? 1 : 0);
  const double longitude_zone = span / (zones > 0 ? zones : 1);
  const double i = floor_of(near.longitude / longitude_zone) +
                   floor_of(0.5 + modulo(near.longitude, longitude_zone) / longitude_zone - x);
  out.longitude = wrap_180(longitude_zone * (i + x));
  return out.latitude >= -90.0 && out.latitude <= 90.0;
}

}  // namespace

int cpr_zones(double latitude) {
  static const ZoneTable kZones;
  const double magnitude = latitude < 0.0 ? -latitude : latitude;
  for (int i = 0; i < 58; ++i) {
    if (magnitude < kZones.below[i]) {
      return 59 - i;
    }
  }
  return magnitude > 87.0 ? 1 : 2;
}

void AdsbDecoder::resolve(AdsbMessage& m, std::int64_t now_ns) {
  AircraftTable::Aircraft& a = aircraft_->heard(m.key(), now_ns);
  const std::size_t format = m.odd ? 1 : 0;
  a.half_latitude[format] = m.cpr_latitude;
  a.half_longitude[format] = m.cpr_longitude;
  a.half_ns[format] = now_ns;
  a.half_surface[format] = m.surface;
  const double span = m.surface ? 90.0 : 360.0;
  const bool placed = a.placed_ns != 0 && now_ns - a.placed_ns <= kLocalNs;
  const Spot own{a.latitude, a.longitude};
  // Whoever hears one aircraft on the ground hears others in the same quarter of the globe.
  Spot near{};
  const bool has_near = aircraft_->last_place(now_ns, kLocalNs, near.latitude, near.longitude);
  const bool paired = a.half_ns[1 - format] != 0 && a.half_surface[1 - format] == m.surface &&
                      now_ns - a.half_ns[1 - format] <=
                          (m.surface ? AircraftTable::kSurfacePairNs : AircraftTable::kPairNs);
  Spot found{};
  if (paired && (!m.surface || placed || has_near)) {
    const Spot* const quarter = !m.surface ? nullptr : placed ? &own : &near;
    m.has_position = m.global = from_pair(a, format, span, quarter, found);
  }
  // A pair across a zone boundary cannot be resolved; use the last place as the reference.
  if (!m.has_position && placed) {
    m.has_position = from_half(m, span, own, found);
  }
  if (m.has_position) {
    m.latitude = found.latitude;
    m.longitude = found.longitude;
    aircraft_->place(a, m.latitude, m.longitude, now_ns);
  }
}

}  // namespace vedette::codec
