// Purpose: NMEA 2000 messages (NMEA 2000 appendix B) in the text lines of gateways and loggers,
// with assembly of fast packets. In: one line. Out: N2kMessage, "a part was kept", or a cause.
// Bound: as n2k_fast.hpp says. Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "edge/codec/n2k_fast.hpp"
#include "edge/codec/n2k_gateway.hpp"
#include "edge/codec/n2k_lines.hpp"
#include "edge/codec/plain_codec.hpp"

namespace vedette::codec {

// The reference of a direction, as transmitted.
enum class N2kReference : std::uint8_t { north = 0, magnetic = 1, error = 2, none = 3 };

struct N2kMessage {
  std::int64_t time_ns;      // of the line, Unix ns; 0: not said
  std::int64_t of_day_ns;    // since midnight, where the line says no date; -1: not said
  std::uint8_t part, parts;  // a frame that was kept, from 1; 0: this is a whole message
  std::uint32_t pgn;
  std::uint8_t priority, source, destination;
  bool has_mmsi, has_position, has_speed, has_course, has_heading, has_altitude, has_time;
  bool has_water_speed, has_wind_speed, has_wind_angle, has_name, has_callsign, has_ship_type,
      has_status, has_hdop;
  bool has_quality, has_satellites, has_variation, has_true_heading, has_true_course;
  std::uint32_t mmsi;
  std::uint8_t ais_type;       // AIS message id carried by the AIS PGNs
  double latitude, longitude;  // degrees
  double altitude;             // m
  double speed;                // m/s over ground
  double course;               // degrees
  double heading;              // degrees, variation and deviation of its own message taken off
  N2kReference course_reference, heading_reference;
  double true_heading, true_course;  // degrees, by a variation that may come from 127258
  double variation;                  // degrees, east positive
  double water_speed;                // m/s
  double wind_speed;                 // m/s
  double wind_angle;                 // degrees
  std::uint8_t wind_reference;       // 0 true north, 1 magnetic north, 2 apparent, 3 boat, 4 water
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

// Reads the bytes of a whole message. Fills `message`, which is valid only if the cause is none.
RefusalCause decode_n2k(const N2kLine& line, N2kMessage& message);

bool to_observation(const N2kMessage& message, Observation& out);
void describe(const N2kMessage& message, JsonWriter<std::string>& json);
inline bool is_part(const N2kMessage& message) {
  return message.part != 0;
}

class N2kDecoder {
 public:
  static constexpr std::int64_t kVariationNs = 3'600'000'000'000;  // a ship sails 0.3 degrees

  // Fills message() and raw(), which the next call overwrites; false for a comment.
  bool line(Bytes line, std::int64_t now_ns, RefusalCause& cause);
  const N2kMessage& message() const { return message_; }
  Bytes raw() const { return raw_; }
  std::uint64_t unfinished() const { return packets_.unfinished(); }
  void reset() { packets_.reset(); }

 private:
  RefusalCause take(Bytes line, std::int64_t now_ns);
  void complete(std::int64_t now_ns);

  N2kLine line_ = {};
  N2kMessage message_ = {};
  FastPackets packets_;
  Bytes raw_;
  double variation_ = 0.0;
  std::int64_t variation_ns_ = 0;        // 0: none so far
  std::uint8_t written_[kN2kLineBytes];  // a fast packet as one PLAIN line
};

class N2kCodec : public PlainCodec {
 public:
  using Message = N2kMessage;
  static constexpr CodecKind kKind = CodecKind::n2k;
  // A bus loses no frames, so a few replacements mean full.
  static constexpr Crowding kCrowding{Cause::parts_full, 64};

  // Lines of text, or a gateway's binary frames.
  static Cut cut(Bytes bytes, Place place) {
    return bytes[0] == kGatewayEscape ? cut_gateway(bytes) : PlainCodec::cut(bytes, place);
  }

  template <typename To>
  void take(Bytes line, std::int64_t now_ns, const To& to) {
    RefusalCause cause = RefusalCause::none;
    if (!decoder_.line(line, now_ns, cause)) {
      return;
    }
    if (cause == RefusalCause::none) {
      to.message(decoder_.message(), decoder_.raw());
    } else {
      to.refused(cause, line);
    }
  }

  void reset() { decoder_.reset(); }
  Counts counts() const { return {decoder_.unfinished()}; }
  static void describe_counts(const Counts& counts, JsonWriter<std::string>& json) {
    json.member("unfinished", counts[0]);
  }

 private:
  N2kDecoder decoder_;
};

}  // namespace vedette::codec
