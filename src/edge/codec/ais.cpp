#include "edge/codec/ais.hpp"

#include <cstring>

#include "edge/codec/bits.hpp"

namespace vedette::codec {
namespace {

// Six-bit text (M.1371-5, annex 8, table 47): '@' ends it, trailing blanks are padding.
template <std::size_t N>
void text(const Bits& bits, std::size_t start, std::size_t characters, char (&out)[N],
          std::size_t at = 0) {
  std::size_t end = at;
  for (std::size_t i = 0; i < characters && at + i + 1 < N && start + 6 * i + 6 <= bits.size();
       ++i) {
    const std::uint32_t code = bits.get(start + 6 * i, 6);
    const char c = static_cast<char>(code < 32 ? code + 64 : code);
    if (c == '@') {
      break;
    }
    out[at + i] = c;
    end = c == ' ' ? end : at + i + 1;
  }
  std::memset(out + end, 0, N - end);
}

// In tenths of knots, of a field with steps of `tenths`.
std::uint16_t speed_of(std::uint32_t steps, std::uint32_t not_available, std::uint32_t tenths) {
  return steps == not_available ? kAisNoSpeed : static_cast<std::uint16_t>(steps * tenths);
}

void position(const Bits& bits, std::size_t start, AisMessage& m) {
  m.longitude = bits.get_signed(start, 28);
  m.latitude = bits.get_signed(start + 28, 27);
}

void dimensions(const Bits& bits, std::size_t start, AisMessage& m) {
  m.to_bow = static_cast<std::uint16_t>(bits.get(start, 9));
  m.to_stern = static_cast<std::uint16_t>(bits.get(start + 9, 9));
  m.to_port = static_cast<std::uint8_t>(bits.get(start + 18, 6));
  m.to_starboard = static_cast<std::uint8_t>(bits.get(start + 24, 6));
}

void class_a_position(const Bits& bits, AisMessage& m) {
  m.status = static_cast<std::uint8_t>(bits.get(38, 4));
  m.turn = static_cast<std::int8_t>(bits.get_signed(42, 8));
  m.speed = speed_of(bits.get(50, 10), 1023, 1);
  m.accuracy = bits.flag(60);
  position(bits, 61, m);
  m.course = static_cast<std::uint16_t>(bits.get(116, 12));
  m.heading = static_cast<std::uint16_t>(bits.get(128, 9));
  m.second = static_cast<std::uint8_t>(bits.get(137, 6));
  m.maneuver = static_cast<std::uint8_t>(bits.get(143, 2));
  m.raim = bits.flag(148);
}

void base_station(const Bits& bits, AisMessage& m) {
  m.year = static_cast<std::uint16_t>(bits.get(38, 14));
  m.month = static_cast<std::uint8_t>(bits.get(52, 4));
  m.day = static_cast<std::uint8_t>(bits.get(56, 5));
  m.hour = static_cast<std::uint8_t>(bits.get(61, 5));
  m.minute = static_cast<std::uint8_t>(bits.get(66, 6));
  m.second = static_cast<std::uint8_t>(bits.get(72, 6));
  m.accuracy = bits.flag(78);
  position(bits, 79, m);
  m.epfd = static_cast<std::uint8_t>(bits.get(134, 4));
  m.raim = bits.flag(148);
}

void voyage(const Bits& bits, AisMessage& m) {
  m.imo = bits.get(40, 30);
  text(bits, 70, 7, m.callsign);
  text(bits, 112, 20, m.name);
  m.ship_type = static_cast<std::uint8_t>(bits.get(232, 8));
  dimensions(bits, 240, m);
  m.epfd = static_cast<std::uint8_t>(bits.get(270, 4));
  m.eta_month = static_cast<std::uint8_t>(bits.get(274, 4));
  m.eta_day = static_cast<std::uint8_t>(bits.get(278, 5));
  m.eta_hour = static_cast<std::uint8_t>(bits.get(283, 5));
  m.eta_minute = static_cast<std::uint8_t>(bits.get(288, 6));
  m.draught = static_cast<std::uint8_t>(bits.get(294, 8));
  text(bits, 302, 20, m.destination);
  m.dte = bits.flag(422);
}

void class_b_position(const Bits& bits, AisMessage& m) {
  m.speed = speed_of(bits.get(46, 10), 1023, 1);
  m.accuracy = bits.flag(56);
  position(bits, 57, m);
  m.course = static_cast<std::uint16_t>(bits.get(112, 12));
  m.heading = static_cast<std::uint16_t>(bits.get(124, 9));
  m.second = static_cast<std::uint8_t>(bits.get(133, 6));
}

void class_b_flags(const Bits& bits, AisMessage& m) {
  m.cs = bits.flag(141);
  m.display = bits.flag(142);
  m.dsc = bits.flag(143);
  m.band = bits.flag(144);
  m.msg22 = bits.flag(145);
  m.assigned = bits.flag(146);
  m.raim = bits.flag(147);
}

void class_b_extended(const Bits& bits, AisMessage& m) {
  class_b_position(bits, m);
  text(bits, 143, 20, m.name);
  m.ship_type = static_cast<std::uint8_t>(bits.get(263, 8));
  dimensions(bits, 271, m);
  m.epfd = static_cast<std::uint8_t>(bits.get(301, 4));
  m.raim = bits.flag(305);
  m.dte = bits.flag(306);
  m.assigned = bits.flag(307);
}

void search_aircraft(const Bits& bits, AisMessage& m) {
  m.altitude = static_cast<std::uint16_t>(bits.get(38, 12));
  m.speed = speed_of(bits.get(50, 10), 1023, 10);
  m.accuracy = bits.flag(60);
  position(bits, 61, m);
  m.course = static_cast<std::uint16_t>(bits.get(116, 12));
  m.second = static_cast<std::uint8_t>(bits.get(128, 6));
  m.regional = static_cast<std::uint8_t>(bits.get(134, 8));
  m.dte = bits.flag(142);
  m.assigned = bits.flag(146);
  m.raim = bits.flag(147);
}

void long_range(const Bits& bits, AisMessage& m) {
  m.accuracy = bits.flag(38);
  m.raim = bits.flag(39);
  m.status = static_cast<std::uint8_t>(bits.get(40, 4));
  m.longitude = bits.get_signed(44, 18) * 1000;
  m.latitude = bits.get_signed(62, 17) * 1000;
  m.speed = speed_of(bits.get(79, 6), 63, 10);
  const std::uint32_t course = bits.get(85, 9);
  m.course = static_cast<std::uint16_t>(course < 360 ? course * 10 : 3600);
  m.old_position = bits.flag(94);
}

void aid_to_navigation(const Bits& bits, AisMessage& m) {
  m.aid_type = static_cast<std::uint8_t>(bits.get(38, 5));
  text(bits, 43, 20, m.name);
  m.accuracy = bits.flag(163);
  position(bits, 164, m);
  dimensions(bits, 219, m);
  m.epfd = static_cast<std::uint8_t>(bits.get(249, 4));
  m.second = static_cast<std::uint8_t>(bits.get(253, 6));
  m.off_position = bits.flag(259);
  m.regional = static_cast<std::uint8_t>(bits.get(260, 8));
  m.raim = bits.flag(268);
  m.virtual_aid = bits.flag(269);
  m.assigned = bits.flag(270);
  const std::size_t used = std::strlen(m.name);
  if (used == 20 && bits.size() > 272) {
    const std::size_t extension = (bits.size() - 272) / 6;
    text(bits, 272, extension < 14 ? extension : 14, m.name, used);
  }
}

void static_data(const Bits& bits, AisMessage& m) {
  m.part = static_cast<std::uint8_t>(bits.get(38, 2));
  if (m.part == 0) {
    text(bits, 40, 20, m.name);
    return;
  }
  m.ship_type = static_cast<std::uint8_t>(bits.get(40, 8));
  text(bits, 48, 3, m.vendor);
  m.model = static_cast<std::uint8_t>(bits.get(66, 4));
  m.serial = bits.get(70, 20);
  text(bits, 90, 7, m.callsign);
  if (m.mmsi / 10000000 == 98) {
    m.mothership = bits.get(132, 30);  // a craft associated with a parent ship
  } else {
    dimensions(bits, 132, m);
  }
}

std::size_t least_bits(std::uint8_t type, const Bits& bits) {
  switch (type) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 9:
    case 18:
      return 168;
    case 14:
      return 40;
    case 27:
      return 95;  // 96 minus a spare bit
    case 5:
      return 420;  // 424 minus spare bits that transponders omit
    case 19:
      return 312;
    case 21:
      return 272;
    case 24:
      return bits.get(38, 2) == 0 ? 160 : 162;
    default:
      return 38;
  }
}

void set_not_available(AisMessage& m) {
  m.status = 15;
  m.turn = -128;
  m.speed = kAisNoSpeed;
  m.longitude = 181 * 600000;
  m.latitude = 91 * 600000;
  m.course = 3600;
  m.heading = 511;
  m.second = 60;
  m.altitude = 4095;
}

}  // namespace

RefusalCause decode_ais(Bytes packed, std::size_t bit_count, AisMessage& m) {
  const Bits bits(packed, bit_count);
  if (bit_count < 38) {
    return RefusalCause::too_short;
  }
  if (bit_count > kAisBits) {
    return RefusalCause::too_long;
  }
  m = {};
  m.type = static_cast<std::uint8_t>(bits.get(0, 6));
  m.repeat = static_cast<std::uint8_t>(bits.get(6, 2));
  m.mmsi = bits.get(8, 30);
  set_not_available(m);
  if (bit_count < least_bits(m.type, bits)) {
    return RefusalCause::too_short;
  }
  switch (m.type) {
    case 1:
    case 2:
    case 3:
      class_a_position(bits, m);
      break;
    case 4:
      base_station(bits, m);
      break;
    case 5:
      voyage(bits, m);
      break;
    case 9:
      search_aircraft(bits, m);
      break;
    case 14:
      text(bits, 40, sizeof m.text - 1, m.text);
      break;
    case 27:
      long_range(bits, m);
      break;
    case 18:
      class_b_position(bits, m);
      class_b_flags(bits, m);
      break;
    case 19:
      class_b_extended(bits, m);
      break;
    case 21:
      aid_to_navigation(bits, m);
      break;
    case 24:
      static_data(bits, m);
      if (m.part > 1) {
        return RefusalCause::malformed;
      }
      break;
    default:
      return RefusalCause::unsupported;
  }
  const bool longitude_ok = m.longitude >= -180 * 600000 && m.longitude <= 181 * 600000;
  const bool latitude_ok = m.latitude >= -90 * 600000 && m.latitude <= 91 * 600000;
  if (!longitude_ok || !latitude_ok) {
    return RefusalCause::out_of_range;
  }
  return RefusalCause::none;
}

IdentityKind kind_of_mmsi(std::uint32_t mmsi) {
  if (mmsi / 10000000 == 99) {
    return IdentityKind::aid;  // 99MIDxxxx
  }
  if (mmsi < 10000000) {
    return IdentityKind::base_station;  // 00MIDxxxx
  }
  return IdentityKind::vessel;
}

namespace {

template <std::size_t N, std::size_t M>
void copy_text(const char (&from)[N], char (&to)[M]) {
  static_assert(M > 1);
  std::memset(to, 0, M);
  for (std::size_t i = 0; i < N && i + 1 < M && from[i] != '\0'; ++i) {
    to[i] = from[i];
  }
}

}  // namespace

bool to_observation(const AisMessage& m, Observation& out) {
  if (m.mmsi == 0 || m.mmsi > 999999999) {
    return false;
  }
  out.identity = m.mmsi;
  out.message = m.type;
  out.kind = m.type == 4    ? IdentityKind::base_station
             : m.type == 21 ? IdentityKind::aid
                            : kind_of_mmsi(m.mmsi);
  if (ais_has_position(m)) {
    out.latitude_e7 = ais_to_e7(m.latitude);
    out.longitude_e7 = ais_to_e7(m.longitude);
    out.set(Field::position);
    // The flag separates better and worse than 10 m (95 %): sigma 5 m and 15 m an axis. Type 27 has
    // steps of 185 m.
    out.position_sigma_mm = m.type == 27 ? 60000 : m.accuracy ? 5000 : 15000;
    out.set(Field::position_sigma);
  }
  if (m.speed < (m.type == 9 ? 10220 : 1022)) {
    out.speed_mm_s = static_cast<std::int32_t>((m.speed * 185200LL + 1800) / 3600);
    out.set(Field::speed);
  }
  if (m.course < 3600) {
    out.course_e6 = m.course * 100000;
    out.set(Field::course);
  }
  if (m.heading < 360) {
    out.heading_e6 = m.heading * 1000000;
    out.set(Field::heading);
  }
  if (m.type == 9 && m.altitude < 4094) {
    out.altitude_mm = m.altitude * 1000;
    out.set(Field::altitude);
  }
  if (m.type <= 3 || m.type == 27) {
    out.nav_status = m.status;
    out.set(Field::nav_status);
  }
  if (m.name[0] != '\0') {
    copy_text(m.name, out.name);
    out.set(Field::name);
  }
  if (m.callsign[0] != '\0') {
    copy_text(m.callsign, out.callsign);
    out.set(Field::callsign);
  }
  if (m.ship_type != 0) {
    out.ship_type = m.ship_type;
    out.set(Field::ship_type);
  }
  Particulars& p = out.particulars;
  p.imo = m.imo;
  p.length_dm = static_cast<std::uint16_t>((m.to_bow + m.to_stern) * 10);
  p.beam_dm = static_cast<std::uint16_t>((m.to_port + m.to_starboard) * 10);
  p.draught_cm = static_cast<std::uint16_t>(m.draught * 10);
  copy_text(m.destination, p.destination);
  if (p != Particulars{}) {
    out.set(Field::particulars);
  }
  out.set(Field::presence);
  return true;
}

}  // namespace vedette::codec
