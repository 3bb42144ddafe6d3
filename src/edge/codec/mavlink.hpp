// Purpose: MAVLink version 1 and 2 frames (mavlink.io, "Packet Serialization"), each checked, and
// five messages of the common set.
// In: a stream of bytes or whole frames. Out: MavlinkMessage or a cause. Bound: one frame, 280
// bytes. Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "edge/codec/plain_codec.hpp"

namespace vedette::codec {

inline constexpr std::uint8_t kMavlinkV1 = 0xFE;
inline constexpr std::uint8_t kMavlinkV2 = 0xFD;

struct MavlinkMessage {
  std::uint8_t version;  // 1 or 2
  std::uint8_t sequence, system, component;
  std::uint32_t id;
  bool known;      // one of the messages that are read
  bool is_signed;  // version 2 with a signature, which is not verified here
  bool has_position, has_altitude, has_speed, has_course, has_heading, has_vertical_speed;
  bool has_battery, has_attitude, has_hdop;
  double latitude, longitude;  // degrees
  double altitude;             // m above mean sea level
  double relative_altitude;    // m above home (33)
  double speed;                // m/s over ground
  double course;               // degrees
  double heading;              // degrees
  double vertical_speed;       // m/s, up positive
  double battery;              // share 0..1
  double voltage;              // V, 0 = not sent
  double roll, pitch, yaw;     // degrees
  double hdop;
  std::uint8_t fix_type, satellites;
  std::uint8_t vehicle_type, autopilot, base_mode, system_status;
  std::uint32_t custom_mode;
};

// Length of the frame that starts at bytes[0]; 0 when none does, or when more bytes are needed to
// tell (`need_more`).
std::size_t mavlink_frame_length(Bytes bytes, bool& need_more);

// Decodes exactly one frame. Unsupported: nothing can check it, because its CRC_EXTRA or its flags
// are unknown.
Result<MavlinkMessage, RefusalCause> decode_mavlink(Bytes frame);

bool to_observation(const MavlinkMessage& message, Observation& out);
inline bool is_known(const MavlinkMessage& message) {
  return message.known;
}
void describe(const MavlinkMessage& message, JsonWriter<std::string>& json);

// CRC-16/MCRF4XX over a frame without its start byte and checksum, then the message's CRC_EXTRA.
std::uint16_t mavlink_crc(Bytes bytes, std::uint8_t crc_extra);
std::string_view mavlink_name(std::uint32_t id);

class MavlinkCodec : public PlainCodec {
 public:
  using Message = MavlinkMessage;
  static constexpr CodecKind kKind = CodecKind::mavlink;

  static Cut cut(Bytes bytes, Place place);
  template <typename To>
  void take(Bytes frame, std::int64_t, const To& to) {
    const auto result = decode_mavlink(frame);
    if (result) {
      to.message(*result, frame);
    } else {
      to.refused(result.error(), frame);
    }
  }
};

}  // namespace vedette::codec
