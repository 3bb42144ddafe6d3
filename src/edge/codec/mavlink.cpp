#include "edge/codec/mavlink.hpp"

#include <cmath>
#include <cstring>

#include "base/math.hpp"
#include "edge/codec/mavlink_messages.hpp"

namespace vedette::codec {
namespace {

constexpr std::size_t kHeaderV1 = 6;
constexpr std::size_t kHeaderV2 = 10;
constexpr std::size_t kSignature = 13;
constexpr std::uint8_t kIncompatSigned = 0x01;

float load_float(const std::uint8_t* at) {
  float value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Offsets in wire order: the serialisation sorts fields by size.
RefusalCause heartbeat(const std::uint8_t* p, MavlinkMessage& m) {
  m.custom_mode = load_le<std::uint32_t>(p);
  m.vehicle_type = p[4];
  m.autopilot = p[5];
  m.base_mode = p[6];
  m.system_status = p[7];
  return RefusalCause::none;
}

RefusalCause sys_status(const std::uint8_t* p, MavlinkMessage& m) {
  const auto voltage = load_le<std::uint16_t>(p + 14);
  m.voltage = voltage == 0xFFFF ? 0.0 : voltage * 1e-3;
  const auto remaining = static_cast<std::int8_t>(p[30]);
  m.has_battery = remaining >= 0 && remaining <= 100;
  m.battery = m.has_battery ? remaining * 0.01 : 0.0;
  return RefusalCause::none;
}

RefusalCause place(const std::uint8_t* p, MavlinkMessage& m) {
  const auto latitude = load_le<std::int32_t>(p);
  const auto longitude = load_le<std::int32_t>(p + 4);
  if (latitude < -900000000 || latitude > 900000000 || longitude < -1800000000 ||
      longitude > 1800000000) {
    return RefusalCause::out_of_range;
  }
  m.latitude = latitude * 1e-7;
  m.longitude = longitude * 1e-7;
  m.altitude = load_le<std::int32_t>(p + 8) * 1e-3;
  // Autopilots send exact zeros before they have a fix.
  m.has_position = latitude != 0 || longitude != 0;
  m.has_altitude = m.has_position;
  return RefusalCause::none;
}

RefusalCause gps_raw_int(const std::uint8_t* p, MavlinkMessage& m) {
  m.fix_type = p[28];
  m.satellites = p[29] == 0xFF ? std::uint8_t{0} : p[29];
  const auto eph = load_le<std::uint16_t>(p + 20);
  m.has_hdop = eph != 0xFFFF && eph > 0;
  m.hdop = m.has_hdop ? eph * 0.01 : 0.0;
  const auto velocity = load_le<std::uint16_t>(p + 24);
  m.has_speed = velocity != 0xFFFF;
  m.speed = m.has_speed ? velocity * 0.01 : 0.0;
  const auto course = load_le<std::uint16_t>(p + 26);
  m.has_course = course < 36000;
  m.course = m.has_course ? course * 0.01 : 0.0;
  const RefusalCause cause = place(p + 8, m);
  if (m.fix_type < 2) {  // GPS_FIX_TYPE: 0 no GPS, 1 no fix
    m.has_position = m.has_altitude = m.has_speed = m.has_course = false;
  }
  return cause;
}

RefusalCause attitude(const std::uint8_t* p, MavlinkMessage& m) {
  const double roll = load_float(p + 4);
  const double pitch = load_float(p + 8);
  const double yaw = load_float(p + 12);
  if (!std::isfinite(roll) || !std::isfinite(pitch) || !std::isfinite(yaw) || roll < -7.0 ||
      roll > 7.0 || pitch < -7.0 || pitch > 7.0 || yaw < -7.0 || yaw > 7.0) {
    return RefusalCause::out_of_range;
  }
  m.roll = roll / kDegree;
  m.pitch = pitch / kDegree;
  m.yaw = yaw / kDegree;
  m.heading = wrap_360(m.yaw);
  m.has_attitude = m.has_heading = true;
  return RefusalCause::none;
}

RefusalCause global_position_int(const std::uint8_t* p, MavlinkMessage& m) {
  const RefusalCause cause = place(p + 4, m);
  m.relative_altitude = load_le<std::int32_t>(p + 16) * 1e-3;
  const double north = load_le<std::int16_t>(p + 20) * 0.01;
  const double east = load_le<std::int16_t>(p + 22) * 0.01;
  m.vertical_speed = -load_le<std::int16_t>(p + 24) * 0.01;
  m.speed = det_sqrt(north * north + east * east);
  m.course = wrap_360(det_atan2(east, north) / kDegree);
  m.has_speed = m.has_course = m.has_vertical_speed = true;
  const auto heading = load_le<std::uint16_t>(p + 26);
  if (heading < 36000) {
    m.heading = heading * 0.01;
    m.has_heading = true;
  }
  return cause;
}

// Reads the version 1 fields; version 2 extensions follow and are ignored.
using Read = RefusalCause (*)(const std::uint8_t*, MavlinkMessage&);

Read reader_of(std::uint32_t id) {
  switch (id) {
    case 0:
      return heartbeat;
    case 1:
      return sys_status;
    case 24:
      return gps_raw_int;
    case 30:
      return attitude;
    case 33:
      return global_position_int;
    default:
      return nullptr;
  }
}

}  // namespace

std::string_view mavlink_name(std::uint32_t id) {
  const MavlinkFacts* facts = mavlink_facts(id);
  return facts != nullptr ? facts->name : "unknown";
}

std::uint16_t mavlink_crc(Bytes bytes, std::uint8_t crc_extra) {
  std::uint16_t crc = 0xFFFF;
  const auto add = [&crc](std::uint8_t byte) {
    auto t = static_cast<std::uint8_t>(byte ^ (crc & 0xFF));
    t = static_cast<std::uint8_t>(t ^ (t << 4));
    crc = static_cast<std::uint16_t>((crc >> 8) ^ (t << 8) ^ (t << 3) ^ (t >> 4));
  };
  for (const std::uint8_t byte : bytes) {
    add(byte);
  }
  add(crc_extra);
  return crc;
}

std::size_t mavlink_frame_length(Bytes bytes, bool& need_more) {
  need_more = false;
  if (bytes.empty()) {
    need_more = true;
    return 0;
  }
  if (bytes[0] == kMavlinkV1) {
    need_more = bytes.size() < 2;
    return need_more ? 0 : kHeaderV1 + bytes[1] + 2;
  }
  if (bytes[0] == kMavlinkV2) {
    need_more = bytes.size() < 3;
    return need_more
               ? 0
               : kHeaderV2 + bytes[1] + 2 + ((bytes[2] & kIncompatSigned) != 0 ? kSignature : 0);
  }
  return 0;
}

namespace {

Cut cut_one(Bytes bytes) {
  bool need_more = false;
  const std::size_t length = mavlink_frame_length(bytes, need_more);
  if (need_more || length > bytes.size()) {
    return {Cut::Kind::more};
  }
  if (length == 0) {
    return {Cut::Kind::nothing};
  }
  const auto result = decode_mavlink(bytes.first(length));
  if (!result && result.error() == RefusalCause::unsupported) {
    return {Cut::Kind::unchecked, length};
  }
  return !result && result.error() == RefusalCause::checksum
             ? Cut{Cut::Kind::broken, length, RefusalCause::checksum}
             : Cut{Cut::Kind::frame, length};
}

}  // namespace

// 16 bits of checksum fit one wrong frame in 65,536: one that runs into a whole one is none.
Cut MavlinkCodec::cut(Bytes bytes, Place) {
  const Cut found = cut_one(bytes);
  const Bytes after = bytes.subspan(found.kind == Cut::Kind::frame ? found.bytes : 0);
  if (found.kind != Cut::Kind::frame || after.empty() || after[0] == kMavlinkV1 ||
      after[0] == kMavlinkV2) {
    return found;
  }
  for (std::size_t i = 1; i < found.bytes; ++i) {
    const Cut inner = cut_one(bytes.subspan(i));
    if (inner.kind == Cut::Kind::frame && i + inner.bytes > found.bytes) {
      return {Cut::Kind::broken, found.bytes, RefusalCause::checksum};
    }
  }
  return found;
}

Result<MavlinkMessage, RefusalCause> decode_mavlink(Bytes frame) {
  bool need_more = false;
  const std::size_t length = mavlink_frame_length(frame, need_more);
  if (need_more || (length != 0 && frame.size() < length)) {
    return Failure{RefusalCause::too_short};
  }
  if (length == 0) {
    return Failure{RefusalCause::framing};
  }
  if (frame.size() > length) {
    return Failure{RefusalCause::too_long};
  }
  MavlinkMessage m{};
  const bool v1 = frame[0] == kMavlinkV1;
  m.version = v1 ? 1 : 2;
  const std::size_t header = v1 ? kHeaderV1 : kHeaderV2;
  const std::size_t payload_bytes = frame[1];
  if (v1) {
    m.sequence = frame[2];
    m.system = frame[3];
    m.component = frame[4];
    m.id = frame[5];
  } else {
    if ((frame[2] & ~kIncompatSigned) != 0) {
      return Failure{RefusalCause::unsupported};  // an unknown incompatibility flag
    }
    m.is_signed = (frame[2] & kIncompatSigned) != 0;
    m.sequence = frame[4];
    m.system = frame[5];
    m.component = frame[6];
    m.id = frame[7] | static_cast<std::uint32_t>(frame[8]) << 8 |
           static_cast<std::uint32_t>(frame[9]) << 16;
  }
  const MavlinkFacts* const facts = mavlink_facts(m.id);
  if (facts == nullptr) {
    return Failure{RefusalCause::unsupported};
  }
  const std::size_t checked = header + payload_bytes;
  const auto crc = load_le<std::uint16_t>(frame.data() + checked);
  if (crc != mavlink_crc(frame.subspan(1, checked - 1), facts->crc_extra)) {
    return Failure{RefusalCause::checksum};
  }
  if (v1 && payload_bytes != facts->length) {
    return Failure{RefusalCause::malformed};
  }
  const Read read = reader_of(m.id);
  m.known = read != nullptr;
  if (!m.known) {
    return m;
  }
  // Version 2 truncates a payload's trailing zero bytes; restore them.
  std::uint8_t payload[256] = {};
  std::memcpy(payload, frame.data() + header, payload_bytes);
  const RefusalCause cause = read(payload, m);
  if (cause != RefusalCause::none) {
    return Failure{cause};
  }
  return m;
}

// Ground stations have system 255 by convention (mavlink.io, "MAVLink Routing"), or say so.
bool is_ground(const MavlinkMessage& m) {
  constexpr std::uint8_t kGroundSystem = 255;
  constexpr std::uint8_t kGroundType = 6;  // MAV_TYPE_GCS
  return m.system == kGroundSystem || (m.id == 0 && m.vehicle_type == kGroundType);
}

bool to_observation(const MavlinkMessage& m, Observation& out) {
  if (!m.known || m.system == 0 || is_ground(m)) {
    return false;
  }
  out.kind = IdentityKind::vehicle;
  out.identity = m.system;
  out.message = m.id;
  out.set(Field::presence);
  if (m.has_position) {
    out.latitude_e7 = to_int32(m.latitude * 1e7 + (m.latitude < 0 ? -0.5 : 0.5));
    out.longitude_e7 = to_int32(m.longitude * 1e7 + (m.longitude < 0 ? -0.5 : 0.5));
    out.set(Field::position);
    out.position_sigma_mm = m.has_hdop ? to_uint32(m.hdop * 3000.0) : 3000;
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
  if (m.has_battery) {
    out.battery_e3 = to_int32(m.battery * 1000.0 + 0.5);
    out.set(Field::battery);
  }
  return true;
}

void describe(const MavlinkMessage& m, JsonWriter<std::string>& json) {
  json.member("kind", "mavlink").member("msgid", m.id).member("name", mavlink_name(m.id));
  json.member("version", m.version).member("seq", m.sequence);
  json.member("sysid", m.system).member("compid", m.component);
  json.member("known", m.known);
  if (m.version == 2) {
    json.member("signed", m.is_signed);
  }
  if (!m.known) {
    return;
  }
  if (is_ground(m)) {
    json.member("ground_station", true);
  }
  if (m.id == 0) {
    json.member("vehicle_type", m.vehicle_type).member("autopilot", m.autopilot);
    json.member("base_mode", m.base_mode).member("custom_mode", m.custom_mode);
    json.member("system_status", m.system_status);
  }
  if (m.id == 24) {
    json.member("fix_type", m.fix_type).member("satellites", m.satellites);
  }
  if (m.has_position) {
    json.member("lat", m.latitude, 7).member("lon", m.longitude, 7);
  }
  if (m.has_altitude) {
    json.member("alt", m.altitude, 3);
  }
  if (m.id == 33) {
    json.member("relative_alt", m.relative_altitude, 3);
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
  if (m.has_vertical_speed) {
    json.member("vertical_speed", m.vertical_speed, 2);
  }
  if (m.has_attitude) {
    json.member("roll", m.roll, 4).member("pitch", m.pitch, 4).member("yaw", m.yaw, 4);
  }
  if (m.has_battery) {
    json.member("battery", m.battery, 2);
  }
  if (m.voltage > 0.0) {
    json.member("voltage", m.voltage, 3);
  }
}

}  // namespace vedette::codec
