#include "edge/codec/n2k.hpp"

#include <cstring>
#include <iterator>

#include "base/math.hpp"
#include "edge/codec/ais.hpp"
#include "edge/codec/n2k_gateway.hpp"

namespace vedette::codec {
namespace {

// "Not available" is the largest value of a field, and the two below it are "out of range" and
// "reserved" (NMEA 2000 appendix B, data dictionary conventions).
bool known(std::uint16_t v) {
  return v < 0xFFFD;
}
bool known(std::uint32_t v) {
  return v < 0xFFFFFFFD;
}
bool known(std::int16_t v) {
  return v < 0x7FFD;
}
bool known(std::int32_t v) {
  return v < 0x7FFFFFFD;
}
bool known(std::int64_t v) {
  return v < 0x7FFFFFFFFFFFFFFD;
}

double angle(std::uint16_t raw) {
  return wrap_360(raw * 1e-4 / kDegree);
}

N2kReference reference_of(std::uint8_t bits) {
  return static_cast<N2kReference>(bits & 3);
}

template <typename T>
T at(Bytes p, std::size_t offset) {
  return load_le<T>(p.data() + offset);
}

// Fixed-length text: '@', zero and 0xFF end it, trailing blanks are padding.
template <std::size_t N>
bool text(Bytes p, std::size_t offset, std::size_t length, char (&out)[N]) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < length && i + 1 < N; ++i) {
    const std::uint8_t c = p[offset + i];
    if (c == '@' || c == 0 || c == 0xFF) {
      break;
    }
    out[i] = static_cast<char>(c);
    end = c == ' ' ? end : i + 1;
  }
  std::memset(out + end, 0, N - end);
  return end > 0;
}

RefusalCause set_place(std::int64_t latitude, std::int64_t longitude, double scale, N2kMessage& m) {
  m.latitude = static_cast<double>(latitude) * scale;
  m.longitude = static_cast<double>(longitude) * scale;
  if (m.latitude < -90.0 || m.latitude > 90.0 || m.longitude < -180.0 || m.longitude > 180.0) {
    return RefusalCause::out_of_range;
  }
  m.has_position = true;
  return RefusalCause::none;
}

RefusalCause place_e7(Bytes p, std::size_t latitude_at, std::size_t longitude_at, N2kMessage& m) {
  const auto latitude = at<std::int32_t>(p, latitude_at);
  const auto longitude = at<std::int32_t>(p, longitude_at);
  // AIS senders without a fix transmit 91 and 181 degrees, and gateways pass those on; others fill
  // both with ones.
  if (!known(latitude) || !known(longitude) || (latitude == 910000000 && longitude == 1810000000) ||
      (latitude == -1 && longitude == -1)) {
    return RefusalCause::none;
  }
  return set_place(latitude, longitude, 1e-7, m);
}

void course_speed(Bytes p, std::size_t course_at, N2kMessage& m) {
  const auto course = at<std::uint16_t>(p, course_at);
  const auto speed = at<std::uint16_t>(p, course_at + 2);
  if (known(course)) {
    m.course = angle(course);
    m.has_course = true;
  }
  if (known(speed)) {
    m.speed = speed * 0.01;
    m.has_speed = true;
  }
}

RefusalCause mmsi(Bytes p, N2kMessage& m) {
  m.ais_type = p[0] & 0x3F;
  m.mmsi = at<std::uint32_t>(p, 1);
  if (!known(m.mmsi)) {
    return RefusalCause::not_available;
  }
  m.has_mmsi = m.mmsi > 0 && m.mmsi <= 999999999;
  return m.has_mmsi ? RefusalCause::none : RefusalCause::out_of_range;
}

RefusalCause position_rapid(Bytes p, N2kMessage& m) {
  return place_e7(p, 0, 4, m);
}

RefusalCause cog_sog(Bytes p, N2kMessage& m) {
  course_speed(p, 2, m);
  m.course_reference = reference_of(p[1]);
  return RefusalCause::none;
}

RefusalCause gnss_position(Bytes p, N2kMessage& m) {
  const auto date = at<std::uint16_t>(p, 1);
  const auto time = at<std::uint32_t>(p, 3);
  if (known(date) && known(time)) {
    if (time > 864010000) {
      return RefusalCause::out_of_range;
    }
    m.utc_ns = date * 86400LL * 1000000000 + static_cast<std::int64_t>(time) * 100000;
    m.has_time = true;
  }
  const std::uint8_t method = p[31] >> 4;
  m.has_quality = method < 14;  // 14: error, 15: not available
  m.quality = m.has_quality ? method : 0;
  m.has_satellites = p[33] < 0xFD;
  m.satellites = m.has_satellites ? p[33] : 0;
  const auto hdop = at<std::int16_t>(p, 34);
  m.has_hdop = known(hdop) && hdop > 0;
  m.hdop = m.has_hdop ? hdop * 0.01 : 0.0;
  const auto altitude = at<std::int64_t>(p, 23);
  if (known(altitude)) {
    m.altitude = static_cast<double>(altitude) * 1e-6;
    m.has_altitude = true;
  }
  const auto latitude = at<std::int64_t>(p, 7);
  const auto longitude = at<std::int64_t>(p, 15);
  if (!known(latitude) || !known(longitude) || (latitude == -1 && longitude == -1) || method == 0 ||
      method == 14) {
    return RefusalCause::none;
  }
  return set_place(latitude, longitude, 1e-16, m);
}

RefusalCause vessel_heading(Bytes p, N2kMessage& m) {
  const auto heading = at<std::uint16_t>(p, 1);
  if (known(heading)) {
    m.heading = angle(heading);
    m.heading_reference = reference_of(p[7]);
    const auto variation = at<std::int16_t>(p, 5);
    const auto deviation = at<std::int16_t>(p, 3);
    if (m.heading_reference == N2kReference::magnetic && known(variation)) {
      const double correction = variation + (known(deviation) ? deviation : 0);
      m.heading = wrap_360(m.heading + correction * 1e-4 / kDegree);
      m.heading_reference = N2kReference::north;
    }
    m.has_heading = true;
  }
  return RefusalCause::none;
}

RefusalCause magnetic_variation(Bytes p, N2kMessage& m) {
  const auto variation = at<std::int16_t>(p, 4);
  m.has_variation = known(variation);
  m.variation = m.has_variation ? variation * 1e-4 / kDegree : 0.0;
  return RefusalCause::none;
}

RefusalCause water_speed(Bytes p, N2kMessage& m) {
  const auto through_water = at<std::uint16_t>(p, 1);
  m.has_water_speed = known(through_water);
  m.water_speed = m.has_water_speed ? through_water * 0.01 : 0.0;
  return RefusalCause::none;
}

RefusalCause wind(Bytes p, N2kMessage& m) {
  const auto speed = at<std::uint16_t>(p, 1);
  const auto direction = at<std::uint16_t>(p, 3);
  m.wind_reference = p[5] & 7;
  m.has_wind_speed = known(speed);
  m.wind_speed = m.has_wind_speed ? speed * 0.01 : 0.0;
  m.has_wind_angle = known(direction);
  m.wind_angle = m.has_wind_angle ? angle(direction) : 0.0;
  return RefusalCause::none;
}

// AIS transceiver information: 2 and 3 are its own transmissions, 4 is its own and not sent.
bool is_own(unsigned transceiver) {
  return transceiver >= 2 && transceiver <= 4;
}

RefusalCause ais_position(Bytes p, N2kMessage& m) {
  const RefusalCause cause = mmsi(p, m);
  if (cause != RefusalCause::none) {
    return cause;
  }
  m.accuracy = (p[13] & 1) != 0;
  m.own = is_own(p[20] >> 3);
  course_speed(p, 14, m);
  const auto heading = at<std::uint16_t>(p, 21);
  if (known(heading)) {
    m.heading = angle(heading);
    m.has_heading = true;
  }
  return place_e7(p, 9, 5, m);
}

RefusalCause ais_class_a(Bytes p, N2kMessage& m) {
  m.status = p[25] & 15;
  m.has_status = true;
  return ais_position(p, m);
}

void length_beam(Bytes p, std::size_t offset, N2kMessage& m) {
  const auto length = at<std::uint16_t>(p, offset);
  const auto beam = at<std::uint16_t>(p, offset + 2);
  m.length = known(length) ? length * 0.1 : 0.0;
  m.beam = known(beam) ? beam * 0.1 : 0.0;
}

RefusalCause ais_static_a(Bytes p, N2kMessage& m) {
  m.imo = at<std::uint32_t>(p, 5);
  m.imo = known(m.imo) ? m.imo : 0;
  m.has_callsign = text(p, 9, 7, m.callsign);
  m.has_name = text(p, 16, 20, m.name);
  m.ship_type = p[36];
  m.has_ship_type = m.ship_type != 0 && m.ship_type < 0xFD;
  length_beam(p, 37, m);
  const auto draught = at<std::uint16_t>(p, 51);
  m.draught = known(draught) ? draught * 0.01 : 0.0;
  text(p, 53, 20, m.destination_port);
  m.own = p.size() > 74 && is_own(p[74] & 31U);
  return mmsi(p, m);
}

RefusalCause ais_static_b_part_a(Bytes p, N2kMessage& m) {
  m.has_name = text(p, 5, 20, m.name);
  return mmsi(p, m);
}

RefusalCause ais_static_b_part_b(Bytes p, N2kMessage& m) {
  m.ship_type = p[5];
  m.has_ship_type = m.ship_type != 0 && m.ship_type < 0xFD;
  m.has_callsign = text(p, 13, 7, m.callsign);
  length_beam(p, 20, m);
  return mmsi(p, m);
}

constexpr std::size_t kFrameBytes = 8;  // of CAN

struct PgnReader {
  std::uint32_t pgn;
  std::size_t least_bytes;
  RefusalCause (*read)(Bytes, N2kMessage&);
};

constexpr PgnReader kReaders[] = {
    {129025, 8, position_rapid},
    {129026, 6, cog_sog},
    {129029, 36, gnss_position},
    {127250, 8, vessel_heading},
    {127258, 6, magnetic_variation},
    {128259, 3, water_speed},
    {130306, 6, wind},
    {129038, 26, ais_class_a},
    {129039, 23, ais_position},
    {129794, 73, ais_static_a},
    {129809, 25, ais_static_b_part_a},
    {129810, 24, ais_static_b_part_b},
};

}  // namespace

std::uint8_t n2k_reader(std::uint64_t pgn) {
  std::uint8_t number = 0;
  for (const PgnReader& reader : kReaders) {
    ++number;
    if (reader.pgn == pgn) {
      return number;
    }
  }
  return 0;
}

RefusalCause decode_n2k(const N2kLine& line, N2kMessage& m) {
  if (line.reader == 0 || line.reader > std::size(kReaders)) {
    return RefusalCause::unsupported;
  }
  const PgnReader& reader = kReaders[line.reader - 1];
  m = {};
  m.time_ns = line.time_ns;
  m.of_day_ns = line.of_day_ns;
  m.priority = line.priority;
  m.pgn = line.pgn;
  m.source = line.source;
  m.destination = line.destination;
  return line.size < reader.least_bytes ? RefusalCause::too_short
                                        : reader.read(Bytes(line.payload, line.size), m);
}

bool N2kDecoder::line(Bytes line, std::int64_t now_ns, RefusalCause& cause) {
  line_.comment = false;
  cause = take(line, now_ns);
  return !line_.comment;
}

RefusalCause N2kDecoder::take(Bytes line, std::int64_t now_ns) {
  raw_ = line;
  const bool whole = !line.empty() && line[0] == kGatewayEscape;  // with its fast packets
  RefusalCause cause = whole ? read_gateway_frame(line, line_) : read_n2k_line(line, line_);
  if (cause != RefusalCause::none || line_.comment) {
    return cause;
  }
  const PgnReader& reader = kReaders[line_.reader - 1];
  // Every fast packet that is read is longer than a frame, so a line of eight bytes is one frame.
  if (!whole && reader.least_bytes > kFrameBytes && line_.size <= kFrameBytes) {
    switch (packets_.take(line_, now_ns)) {
      case FastPackets::Taken::kept:
        message_ = {};
        message_.pgn = line_.pgn;
        message_.source = line_.source;
        message_.part = packets_.part();
        message_.parts = packets_.parts();
        return RefusalCause::none;
      case FastPackets::Taken::missing:
        return RefusalCause::multipart_missing;
      case FastPackets::Taken::timeout:
        return RefusalCause::multipart_timeout;
      case FastPackets::Taken::malformed:
        return RefusalCause::malformed;
      case FastPackets::Taken::whole:
        raw_ = Bytes(written_, write_n2k_line(line_, written_));
        break;
    }
  }
  cause = decode_n2k(line_, message_);
  if (cause == RefusalCause::none) {
    complete(now_ns);
  }
  return cause;
}

void N2kDecoder::complete(std::int64_t now_ns) {
  N2kMessage& m = message_;
  if (m.has_variation) {
    variation_ = m.variation;
    variation_ns_ = now_ns;
  }
  const bool known = variation_ns_ != 0 && now_ns - variation_ns_ <= kVariationNs;
  const auto turned = [&](bool has, double degrees, N2kReference reference, double& out) {
    const bool magnetic = reference == N2kReference::magnetic;
    out = magnetic ? wrap_360(degrees + variation_) : degrees;
    return has && (reference == N2kReference::north || (magnetic && known));
  };
  m.has_true_heading = turned(m.has_heading, m.heading, m.heading_reference, m.true_heading);
  m.has_true_course = turned(m.has_course, m.course, m.course_reference, m.true_course);
}

namespace {

void take_particulars(const N2kMessage& m, Observation& out) {
  Particulars& p = out.particulars;
  p.imo = m.imo;
  p.length_dm = static_cast<std::uint16_t>(to_int32(m.length * 10.0 + 0.5));
  p.beam_dm = static_cast<std::uint16_t>(to_int32(m.beam * 10.0 + 0.5));
  p.draught_cm = static_cast<std::uint16_t>(to_int32(m.draught * 100.0 + 0.5));
  std::memcpy(p.destination, m.destination_port, sizeof p.destination - 1);
  if (p != Particulars{}) {
    out.set(Field::particulars);
  }
}

}  // namespace

namespace {

void take_height(const N2kMessage& m, Observation& out) {
  if (m.has_satellites) {
    out.satellites = m.satellites;
    out.set(Field::satellites);
  }
  if (m.has_altitude) {
    out.altitude_mm = to_int32(m.altitude * 1000.0);
    out.set(Field::altitude);
  }
}

}  // namespace

bool to_observation(const N2kMessage& m, Observation& out) {
  out.message = m.pgn;
  out.kind = m.has_mmsi ? kind_of_mmsi(m.mmsi) : IdentityKind::own;
  out.identity = m.has_mmsi ? m.mmsi : 0;
  out.own_report = m.has_mmsi && m.own ? 1 : 0;
  if (m.has_position) {
    out.latitude_e7 = to_int32(m.latitude * 1e7 + (m.latitude < 0 ? -0.5 : 0.5));
    out.longitude_e7 = to_int32(m.longitude * 1e7 + (m.longitude < 0 ? -0.5 : 0.5));
    out.set(Field::position);
    if (m.has_mmsi) {
      out.position_sigma_mm = m.accuracy ? 5000 : 15000;
      out.set(Field::position_sigma);
    } else if (m.has_hdop) {
      out.position_sigma_mm = to_uint32(m.hdop * 3000.0);
      out.set(Field::position_sigma);
    }
  }
  if (m.has_time) {
    out.unix_ns = m.utc_ns;
    out.set(Field::time);
  }
  take_height(m, out);
  if (m.has_speed) {
    out.speed_mm_s = to_int32(m.speed * 1000.0 + 0.5);
    out.set(Field::speed);
  }
  if (m.has_true_course) {
    out.course_e6 = to_int32(m.true_course * 1e6);
    out.set(Field::course);
  }
  if (m.has_true_heading) {
    out.heading_e6 = to_int32(m.true_heading * 1e6);
    out.set(Field::heading);
  }
  if (m.has_water_speed) {
    out.water_speed_mm_s = to_int32(m.water_speed * 1000.0 + 0.5);
    out.set(Field::water_speed);
  }
  if (m.has_wind_speed && m.has_wind_angle) {
    out.wind_speed_mm_s = to_int32(m.wind_speed * 1000.0 + 0.5);
    out.wind_angle_e6 = to_int32(m.wind_angle * 1e6);
    out.set(Field::wind);
  }
  if (m.has_name) {
    std::memcpy(out.name, m.name, sizeof m.name - 1);
    out.set(Field::name);
  }
  if (m.has_callsign) {
    std::memcpy(out.callsign, m.callsign, sizeof m.callsign - 1);
    out.set(Field::callsign);
  }
  if (m.has_ship_type) {
    out.ship_type = m.ship_type;
    out.set(Field::ship_type);
  }
  if (m.has_status) {
    out.nav_status = m.status;
    out.set(Field::nav_status);
  }
  take_particulars(m, out);
  if (m.has_mmsi) {
    out.set(Field::presence);
  }
  return out.fields != 0;
}

}  // namespace vedette::codec
