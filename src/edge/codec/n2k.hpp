// Purpose: NMEA 2000 messages (NMEA 2000 appendix B; ISO 11783-3 framing done by the gateway) in
// PLAIN text lines: time,priority,pgn,source,destination,length,hex bytes.
// In: one line. Out: N2kMessage or a cause. Bound: 223 bytes of payload (fast packet).
// Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "edge/codec/plain_codec.hpp"

namespace vedette::codec {

inline constexpr std::size_t kN2kBytes = 223;

struct N2kMessage {
  std::int64_t time_ns;  // of the line, Unix ns
  std::uint32_t pgn;
  std::uint8_t priority, source, destination;
  bool has_mmsi, has_position, has_speed, has_course, has_heading, has_altitude, has_time;
  bool has_water_speed, has_wind, has_name, has_callsign, has_ship_type, has_status, has_hdop;
  std::uint32_t mmsi;
  std::uint8_t ais_type;       // AIS message id carried by the AIS PGNs
  double latitude, longitude;  // degrees
  double altitude;             // m
  double speed;                // m/s over ground
  double course;               // degrees, reference in course_magnetic
  double heading;              // degrees, reference in heading_magnetic
  bool course_magnetic, heading_magnetic;
  double water_speed;           // m/s
  double wind_speed;            // m/s
  double wind_angle;            // degrees
  std::uint8_t wind_reference;  // 0 true north, 1 magnetic north, 2 apparent, 3 boat, 4 water
  double hdop;
  std::int64_t utc_ns;  // position time (129029)
  std::uint8_t quality, satellites;
  std::uint8_t ship_type, status;
  bool accuracy;  // AIS position accuracy flag
  bool own;       // from the transponder on this bus, not by radio
  std::uint32_t imo;
  char name[24];
  char callsign[8];
  char destination_port[24];
  double length, beam, draught;  // m, 0 = not available
};

// Fills `message`, which is valid only if the cause is none.
RefusalCause decode_n2k_line(Bytes line, N2kMessage& message);

bool to_observation(const N2kMessage& message, Observation& out);
void describe(const N2kMessage& message, JsonWriter<std::string>& json);

class N2kCodec : public PlainCodec {
 public:
  using Message = N2kMessage;
  static constexpr CodecKind kKind = CodecKind::n2k;

  template <typename To>
  void line(Bytes line, std::int64_t, const To& to) {
    const RefusalCause cause = decode_n2k_line(line, message_);
    if (cause == RefusalCause::none) {
      to.message(message_, line);
    } else {
      to.refused(cause, line);
    }
  }

 private:
  N2kMessage message_;
};

}  // namespace vedette::codec
