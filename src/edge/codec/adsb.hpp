// Purpose: ADS-B extended squitter (DF17, and DF18 of its content; ICAO annex 10 volume IV, 3.1.2;
// RTCA DO-260B, 2.2.3.2)
// from raw Mode S frames, as AVR text ("*hex;"), bare hex, or Beast binary. In: one 14-byte frame
// and its time. Out: AdsbMessage or a cause. Bound and when full: as codec/aircraft_table.hpp says.
// Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "edge/codec/aircraft_table.hpp"
#include "edge/codec/plain_codec.hpp"

namespace vedette::codec {

struct AdsbMessage {
  std::uint32_t icao;  // 24 bits
  // 1..4 identification, 5..8 surface, 9..18 and 20..22 position, 19 velocity, 28 status
  std::uint8_t type_code;
  std::uint8_t category;   // emitter category set (type code) and number, as sent
  bool known;              // one of the kinds above
  bool has_status;         // squawk and emergency
  std::uint8_t emergency;  // DO-260B 2.2.3.2.7.8.1.1
  std::uint16_t squawk;    // the four octal digits as a decimal number
  bool has_callsign, has_altitude, has_position, has_speed, has_course, has_heading;
  bool has_vertical_speed;
  bool other_address;  // not ICAO's
  bool surface;
  bool odd;     // CPR format bit
  bool global;  // position from an even/odd pair, not from a reference
  std::uint32_t cpr_latitude, cpr_longitude;  // 17 bits each
  double latitude, longitude;                 // degrees
  double altitude;        // m; barometric for 9..18, above the ellipsoid for 20..22
  double speed;           // m/s over ground
  double course;          // degrees true
  double heading;         // degrees
  double vertical_speed;  // m/s, up positive
  double airspeed;        // m/s, 0 = not sent
  char callsign[9];

  // Among aircraft, whose addresses have 24 bits.
  std::uint32_t key() const { return icao | (other_address ? 1U << 24 : 0U); }
};

class AdsbDecoder {
 public:
  // Without a table it computes no positions.
  explicit AdsbDecoder(AircraftTable* aircraft) : aircraft_(aircraft) {}

  static constexpr std::int64_t kLocalNs = 180'000'000'000;  // validity of a place as a reference

  Result<AdsbMessage, RefusalCause> frame(Bytes frame, std::int64_t now_ns);

 private:
  void resolve(AdsbMessage& message, std::int64_t now_ns);

  AircraftTable* aircraft_;
};

// CRC-24 of Mode S (annex 10 volume IV, 3.1.2.3.3) over a whole frame: 0 when its parity is right.
std::uint32_t modes_parity(Bytes frame);
// Number of longitude zones at a latitude (DO-260B A.1.7.2 d), 1..59.
int cpr_zones(double latitude);

inline constexpr std::uint8_t kBeastStart = 0x1A;

// Reads "*8D...;" (or ":"), "@time8D...;" (or "%"), "<time signal8D...;" or bare hex into `out`;
// returns the frame's length, 0 for anything else.
std::size_t parse_avr(Bytes text, std::uint8_t (&out)[14]);

// Next Beast frame (0x1A, type, 6 bytes of time, signal, frame; 0x1A doubled inside) at bytes[0].
// Sets `frame` to its content. Returns bytes consumed; 0 with need_more for an incomplete frame; 0
// without it when none starts here.
std::size_t next_beast(Bytes bytes, std::uint8_t (&out)[14], std::size_t& frame_bytes,
                       bool& need_more);

bool to_observation(const AdsbMessage& message, Observation& out);
inline bool is_known(const AdsbMessage& message) {
  return message.known;
}
void describe(const AdsbMessage& message, JsonWriter<std::string>& json);

class AdsbCodec : public PlainCodec {
 public:
  using Message = AdsbMessage;
  static constexpr CodecKind kKind = CodecKind::adsb;
  // Forgetting even one aircraft too soon counts as full.
  static constexpr Crowding kCrowding{Cause::aircraft_full, 1};

  static std::size_t bytes_needed() { return AircraftTable::bytes_needed(); }
  void init(Arena& arena) {
    aircraft_.init(arena);
    has_table_ = true;
  }

  // Text and Beast frames may alternate.
  static Cut cut(Bytes bytes, Place place);
  template <typename To>
  void take(Bytes raw, std::int64_t now_ns, const To& to) {
    std::uint8_t frame[14];
    std::size_t bytes = 0;
    bool need_more = false;
    if (raw[0] == kBeastStart) {
      next_beast(raw, frame, bytes, need_more);
      if (raw[1] != '2' && raw[1] != '3') {
        to.refused(RefusalCause::unsupported, raw);  // Mode A/C, or the receiver's own state
        return;
      }
    } else {
      bytes = parse_avr(raw, frame);
    }
    if (bytes == 0) {
      to.refused(RefusalCause::framing, raw);
    } else {
      one_frame(Bytes(frame, bytes), raw, now_ns, to);
    }
  }

  Counts counts() const {
    return {aircraft_.forgotten() + aircraft_.turned_away(), aircraft_.placed(), aircraft_.fresh(),
            aircraft_.turned_away()};
  }
  static void describe_counts(const Counts& counts, JsonWriter<std::string>& json);

 private:
  template <typename To>
  void one_frame(Bytes frame, Bytes raw, std::int64_t now_ns, const To& to) {
    const auto result = AdsbDecoder(has_table_ ? &aircraft_ : nullptr).frame(frame, now_ns);
    if (result) {
      to.message(*result, raw);
    } else {
      to.refused(result.error(), raw);
    }
  }

  AircraftTable aircraft_;
  bool has_table_ = false;
};

}  // namespace vedette::codec
