// Purpose: NMEA 0183 sentences (NMEA 0183 v4.10, IEC 61162-1) and the AIS transport in them
// (AIVDM/AIVDO), with assembly of messages in parts.
// In: one line without its line end. Out: NmeaMessage, AisMessage, "a part was kept", or a cause.
// Bound: one message in assembly for each channel (A, B, any other) and message id. When full: the
// next of the same channel and id begins anew, and the one it found unfinished is counted; a flood
// on one channel and id pushes out nobody on another.
// Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "edge/codec/ais.hpp"
#include "model/limits.hpp"

namespace vedette::codec {

enum class NmeaType : std::uint8_t { rmc, gga, gll, vtg, hdt, zda };

struct NmeaMessage {
  NmeaType type;
  char talker[3];
  bool has_position, has_speed, has_course, has_heading, has_altitude, has_time, has_date, has_hdop;
  bool valid;        // the sender's own status or mode says the fix is good
  double latitude;   // degrees
  double longitude;  // degrees
  double altitude;   // m above mean sea level (GGA)
  double speed;      // m/s over ground
  double course;     // degrees true
  double heading;    // degrees true
  double hdop;
  std::uint8_t quality;  // GGA field 6
  std::uint8_t satellites;
  std::int64_t time_of_day_ns;
  std::int64_t days;  // since 1970-01-01, if has_date
};

enum class NmeaKind : std::uint8_t { sentence, ais, part, refused };

struct NmeaResult {
  NmeaKind kind;
  RefusalCause cause;    // when refused
  NmeaMessage sentence;  // when sentence
  AisMessage ais;        // when ais
  std::uint8_t part, parts;
  bool own;   // AIVDO: of the own transponder
  Bytes raw;  // all lines the message came from; valid until the next call
};

class NmeaDecoder {
 public:
  static constexpr std::size_t kChannels = 3;
  static constexpr std::size_t kIds = 11;  // 0 to 9, and none
  static constexpr std::int64_t kPartTimeoutNs = 30'000'000'000;

  // Fills and returns the decoder's own result, which the next call overwrites.
  const NmeaResult& line(Bytes line, std::int64_t now_ns);
  // Messages whose last part could still have come when the next one took their place.
  std::uint64_t unfinished() const { return unfinished_; }

 private:
  using Packed = std::uint8_t[kAisBits / 8];
  struct Assembly {
    std::int64_t started_ns;
    std::uint16_t bits;
    std::uint16_t raw_bytes;
    std::uint8_t next_part, parts, id;
    char channel;
    bool used;
    Packed packed;
    std::uint8_t raw[limits::kRawBytes];
  };

  const NmeaResult& refuse(RefusalCause cause, Bytes raw);
  const NmeaResult& transport(std::string_view fields, Bytes line, std::int64_t now_ns);
  const NmeaResult& sentence(std::string_view address, std::string_view fields, Bytes line);
  // A message all of which is there: `bits` of it, of which the last `fill` say nothing.
  const NmeaResult& whole(const Packed& packed, std::size_t bits, int fill, Bytes raw);
  Assembly* find_or_start(std::uint8_t part, std::uint8_t parts, std::uint8_t id, char channel,
                          std::int64_t now_ns);

  Assembly assemblies_[kChannels * kIds] = {};
  std::uint64_t unfinished_ = 0;
  Packed packed_ = {};  // of a message in one part
  NmeaResult result_ = {};
  std::uint8_t raw_[limits::kRawBytes] = {};
};

bool to_observation(const NmeaMessage& message, Observation& out);
std::string_view name_of(NmeaType type);

}  // namespace vedette::codec
