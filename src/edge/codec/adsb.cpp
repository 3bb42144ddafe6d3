#include "edge/codec/adsb.hpp"

#include <array>
#include <cstring>

#include "base/math.hpp"
#include "base/text.hpp"
#include "edge/codec/bits.hpp"

namespace vedette::codec {
namespace {

constexpr double kFoot = 0.3048;
constexpr double kKnot = 1852.0 / 3600.0;
constexpr std::uint32_t kGenerator = 0xFFF409;

constexpr auto make_parity_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i << 16;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc << 1) ^ ((crc & 0x800000) != 0 ? kGenerator : 0);
    }
    table[i] = crc & 0xFFFFFF;
  }
  return table;
}
constexpr auto kParityTable = make_parity_table();

// 12-bit altitude code with the Q bit: 25 ft steps; without it, Gillham code in 100 ft steps
// (annex 10 volume IV, 3.1.2.6.5.4 and appendix to chapter 3).
bool altitude_feet(std::uint32_t code, int& feet) {
  if (code == 0) {
    return false;
  }
  if ((code & 0x10) != 0) {
    feet = static_cast<int>((code >> 5 << 4) | (code & 15)) * 25 - 1000;
    return true;
  }
  // Bits in order C1 A1 C2 A2 C4 A4 B1 (Q) B2 D2 B4 D4.
  const auto bit = [code](int at) { return code >> at & 1; };
  const std::uint32_t gray500 = bit(2) << 7 | bit(0) << 6 | bit(10) << 5 | bit(8) << 4 |
                                bit(6) << 3 | bit(5) << 2 | bit(3) << 1 | bit(1);
  const std::uint32_t gray100 = bit(11) << 2 | bit(9) << 1 | bit(7);
  std::uint32_t n500 = gray500;
  n500 ^= n500 >> 4;
  n500 ^= n500 >> 2;
  n500 ^= n500 >> 1;
  std::uint32_t n100 = gray100;
  n100 ^= n100 >> 2;
  n100 ^= n100 >> 1;
  if (n100 == 0 || n100 == 5 || n100 == 6) {
    return false;
  }
  n100 = n100 == 7 ? 5 : n100;
  n100 = (n500 & 1) != 0 ? 6 - n100 : n100;
  feet = static_cast<int>(n500 * 500 + n100 * 100) - 1300;
  return feet >= -1200;
}

void read_identification(const Bits& me, AdsbMessage& m) {
  constexpr char kCharacters[] = "?ABCDEFGHIJKLMNOPQRSTUVWXYZ????? ???????????????0123456789??????";
  m.category = static_cast<std::uint8_t>(me.get(5, 3));
  std::size_t end = 0;
  bool readable = true;
  for (std::size_t i = 0; i < 8; ++i) {
    const char c = kCharacters[me.get(8 + 6 * i, 6)];
    readable = readable && c != '?';
    m.callsign[i] = c;
    end = c == ' ' ? end : i + 1;
  }
  std::memset(m.callsign + end, 0, sizeof m.callsign - end);
  m.has_callsign = readable && end > 0;
}

// Identity code in the order C1 A1 C2 A2 C4 A4 X B1 D1 B2 D2 B4 D4 (annex 10 volume
// IV, 3.1.2.6.7.1) as the digits A, B, C, D.
std::uint16_t squawk_of(std::uint32_t code) {
  const auto digit = [code](int one, int two, int four) {
    return (code >> one & 1) + 2 * (code >> two & 1) + 4 * (code >> four & 1);
  };
  return static_cast<std::uint16_t>(1000 * digit(11, 9, 7) + 100 * digit(5, 3, 1) +
                                    10 * digit(12, 10, 8) + digit(4, 2, 0));
}

// Emergency and priority status: type code 28, subtype 1 (DO-260B 2.2.3.2.7.8.1).
void read_status(const Bits& me, AdsbMessage& m) {
  m.emergency = static_cast<std::uint8_t>(me.get(8, 3));
  m.squawk = squawk_of(me.get(11, 13));
  m.has_status = true;
}

// Ground speed by its movement code (DO-260B, table 2-20): steps that grow with the speed.
bool surface_speed(std::uint32_t code, double& speed) {
  struct Step {
    std::uint32_t first;
    double knots, each;
  };
  constexpr Step kSteps[] = {{124, 175.0, 0.0}, {109, 100.0, 5.0}, {94, 70.0, 2.0},
                             {39, 15.0, 1.0},   {13, 2.0, 0.5},    {9, 1.0, 0.25},
                             {2, 0.125, 0.125}, {1, 0.0, 0.0}};
  for (const Step& step : kSteps) {
    if (code >= step.first) {
      speed = (step.knots + (code - step.first) * step.each) * kKnot;
      return code <= 124;
    }
  }
  return false;
}

// Surface position: speed and track stand where an airborne one has its altitude.
void read_surface(const Bits& me, AdsbMessage& m) {
  m.surface = true;
  m.has_speed = surface_speed(me.get(5, 7), m.speed);
  if (me.flag(12)) {
    m.course = me.get(13, 7) * 360.0 / 128.0;
    m.has_course = true;
  }
  m.odd = me.flag(21);
  m.cpr_latitude = me.get(22, 17);
  m.cpr_longitude = me.get(39, 17);
}

void read_velocity(const Bits& me, AdsbMessage& m) {
  const std::uint32_t subtype = me.get(5, 3);
  const std::uint32_t rate = me.get(37, 9);
  if (rate != 0) {
    m.vertical_speed = (me.flag(36) ? -64.0 : 64.0) * (rate - 1.0) * kFoot / 60.0;
    m.has_vertical_speed = true;
  }
  const double scale = (subtype == 2 || subtype == 4 ? 4.0 : 1.0) * kKnot;
  if (subtype == 1 || subtype == 2) {
    const std::uint32_t east_west = me.get(14, 10);
    const std::uint32_t north_south = me.get(25, 10);
    if (east_west != 0 && north_south != 0) {
      const double east = (me.flag(13) ? -1.0 : 1.0) * (east_west - 1.0) * scale;
      const double north = (me.flag(24) ? -1.0 : 1.0) * (north_south - 1.0) * scale;
      m.speed = det_sqrt(east * east + north * north);
      m.course = wrap_360(det_atan2(east, north) / kDegree);
      m.has_speed = m.has_course = true;
    }
  } else if (subtype == 3 || subtype == 4) {
    if (me.flag(13)) {
      m.heading = me.get(14, 10) * 360.0 / 1024.0;
      m.has_heading = true;
    }
    const std::uint32_t airspeed = me.get(25, 10);
    m.airspeed = airspeed == 0 ? 0.0 : (airspeed - 1.0) * scale;
  }
}

void read_position(const Bits& me, AdsbMessage& m) {
  const std::uint32_t code = me.get(8, 12);
  int feet = 0;
  if (m.type_code >= 20) {
    m.has_altitude = code != 0;
    m.altitude = code;
  } else {
    m.has_altitude = altitude_feet(code, feet);
    m.altitude = feet * kFoot;
  }
  m.odd = me.flag(21);
  m.cpr_latitude = me.get(22, 17);
  m.cpr_longitude = me.get(39, 17);
}

}  // namespace

std::uint32_t modes_parity(Bytes frame) {
  std::uint32_t crc = 0;
  for (const std::uint8_t byte : frame) {
    crc = ((crc << 8) & 0xFFFFFF) ^ kParityTable[crc >> 16];
    crc ^= byte;
  }
  return crc;
}

Result<AdsbMessage, RefusalCause> AdsbDecoder::frame(Bytes frame, std::int64_t now_ns) {
  if (frame.empty()) {
    return Failure{RefusalCause::too_short};
  }
  const unsigned format = frame[0] >> 3;
  const unsigned control = frame[0] & 7;
  // Of DF18: ADS-B from other devices, fine TIS-B and rebroadcasts have the content of DF17.
  constexpr unsigned kAlike = 1U << 0 | 1U << 1 | 1U << 2 | 1U << 5 | 1U << 6;
  if (format != 17 && (format != 18 || (kAlike >> control & 1) == 0)) {
    return Failure{RefusalCause::unsupported};
  }
  if (frame.size() != 14) {
    return Failure{frame.size() < 14 ? RefusalCause::too_short : RefusalCause::too_long};
  }
  if (modes_parity(frame) != 0) {
    return Failure{RefusalCause::checksum};
  }
  AdsbMessage m{};
  m.icao = static_cast<std::uint32_t>(frame[1]) << 16 | static_cast<std::uint32_t>(frame[2]) << 8 |
           frame[3];
  // An address that is not ICAO's is another's number space.
  m.other_address = format == 18 && (control == 1 || control == 5);
  const Bits me(frame.subspan(4, 7), 56);
  m.type_code = static_cast<std::uint8_t>(me.get(0, 5));
  if (m.type_code >= 1 && m.type_code <= 4) {
    m.known = true;
    read_identification(me, m);
  } else if (m.type_code >= 5 && m.type_code <= 8) {
    m.known = true;
    read_surface(me, m);
    if (aircraft_ != nullptr) {
      resolve(m, now_ns == 0 ? 1 : now_ns);
    }
  } else if ((m.type_code >= 9 && m.type_code <= 18) || (m.type_code >= 20 && m.type_code <= 22)) {
    m.known = true;
    read_position(me, m);
    if (aircraft_ != nullptr) {
      resolve(m, now_ns == 0 ? 1 : now_ns);  // 0 means "never" in the table
    }
  } else if (m.type_code == 19) {
    m.known = true;
    read_velocity(me, m);
  } else if (m.type_code == 28 && me.get(5, 3) == 1) {
    m.known = true;
    read_status(me, m);
  }
  return m;
}

bool to_observation(const AdsbMessage& m, Observation& out) {
  if (!m.known) {
    return false;
  }
  out.kind = IdentityKind::aircraft;
  out.identity = m.key();
  out.message = m.type_code;
  out.set(Field::presence);
  if (m.has_position) {
    out.latitude_e7 = to_int32(m.latitude * 1e7 + (m.latitude < 0 ? -0.5 : 0.5));
    out.longitude_e7 = to_int32(m.longitude * 1e7 + (m.longitude < 0 ? -0.5 : 0.5));
    out.set(Field::position);
    // Horizontal containment radius by type code (DO-260B table 2-14), as a 95 % figure.
    constexpr std::uint32_t kSigmaMm[] = {5000,   15000,  90000,  500000, 5000,   15000,   50000,
                                          100000, 300000, 500000, 500000, 900000, 5000000, 9000000};
    out.position_sigma_mm = m.type_code >= 20 ? 15000 : kSigmaMm[m.type_code - 5];
    out.set(Field::position_sigma);
  }
  if (m.has_altitude) {
    out.altitude_mm = to_int32(m.altitude * 1000.0);
    out.set(Field::altitude);
  }
  if (m.has_speed) {
    out.speed_mm_s = to_int32(m.speed * 1000.0 + 0.5);
    out.set(Field::speed);
  }
  if (m.has_course) {
    out.course_e6 = to_int32(m.course * 1e6);
    out.set(Field::course);
  }
  if (m.has_heading) {
    out.heading_e6 = to_int32(m.heading * 1e6);
    out.set(Field::heading);
  }
  if (m.has_vertical_speed) {
    out.vertical_speed_mm_s = to_int32(m.vertical_speed * 1000.0);
    out.set(Field::vertical_speed);
  }
  if (m.has_callsign) {
    std::memcpy(out.callsign, m.callsign, sizeof m.callsign);
    out.set(Field::callsign);
  }
  Particulars& p = out.particulars;
  if (m.type_code <= 4 && m.category != 0) {
    p.category = static_cast<std::uint8_t>(m.type_code * 8 + m.category);
    out.set(Field::particulars);
  }
  if (m.has_status) {
    p.emergency_next = static_cast<std::uint8_t>(m.emergency + 1);
    p.squawk_next = static_cast<std::uint16_t>(m.squawk + 1);
    out.set(Field::particulars);
  }
  return true;
}

void describe(const AdsbMessage& m, JsonWriter<std::string>& json) {
  std::string icao;
  for (int shift = 20; shift >= 0; shift -= 4) {
    icao.push_back("0123456789ABCDEF"[m.icao >> shift & 15]);
  }
  json.member("kind", "adsb").member("icao", std::string_view(icao));
  json.member("type", m.type_code).member("known", m.known);
  if (m.other_address) {
    json.member("address", "not-icao");
  }
  if (m.surface) {
    json.member("surface", true);
  }
  if (m.has_callsign) {
    json.member("callsign", m.callsign).member("category", m.category);
  }
  if (m.has_status) {
    json.member("squawk", m.squawk).member("emergency", m.emergency);
  }
  if (m.has_position) {
    json.member("lat", m.latitude, 7).member("lon", m.longitude, 7);
    json.member("cpr", m.global ? "global" : "local");
  }
  if (m.has_altitude) {
    json.member("alt", m.altitude, 2);
  }
  if (m.has_speed) {
    json.member("speed", m.speed, 3);
  }
  if (m.has_course) {
    json.member("course", m.course, 3);
  }
  if (m.has_heading) {
    json.member("heading", m.heading, 3);
  }
  if (m.airspeed > 0.0) {
    json.member("airspeed", m.airspeed, 3);
  }
  if (m.has_vertical_speed) {
    json.member("vertical_speed", m.vertical_speed, 3);
  }
}

void AdsbCodec::describe_counts(const Counts& counts, JsonWriter<std::string>& json) {
  const auto [lost, placed, fresh, turned_away] = counts;
  json.key("aircraft").begin_object().member("placed", placed).member("fresh", fresh);
  json.member("forgotten", lost - turned_away).member("turned_away", turned_away).end_object();
}

}  // namespace vedette::codec
