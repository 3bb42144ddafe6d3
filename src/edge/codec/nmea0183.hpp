// Purpose: NMEA 0183 sentences (NMEA 0183 v4.10, IEC 61162-1) and the AIS transport in them
// (AIVDM/AIVDO), with assembly of multi-part messages. In: one line without its line end. Out:
// NmeaMessage, AisMessage, "a part was kept", or a cause. Bound: one message in assembly per
// channel (A, B, any other) and message id. When full: the next message with that channel and id
// replaces the incomplete one, which is counted; a flood on one channel and id affects no other.
// Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "edge/codec/ais.hpp"
#include "edge/codec/nmea_sentence.hpp"
#include "edge/codec/plain_codec.hpp"
#include "model/limits.hpp"

namespace vedette::codec {

enum class NmeaKind : std::uint8_t { sentence, ais, part, refused };

struct NmeaResult {
  NmeaKind kind;
  RefusalCause cause;    // when refused
  NmeaMessage sentence;  // when sentence
  AisMessage ais;        // when ais
  std::uint8_t part, parts;
  bool own;   // AIVDO: from our own transponder
  Bytes raw;  // all lines of the message; valid until the next call
};

class NmeaDecoder {
 public:
  static constexpr std::size_t kChannels = 3;
  static constexpr std::size_t kIds = 11;  // 0 to 9, and none
  static constexpr std::int64_t kPartTimeoutNs = 30'000'000'000;

  // Fills and returns the decoder's own result, which the next call overwrites.
  const NmeaResult& line(Bytes line, std::int64_t now_ns);
  // Incomplete messages that were replaced while their last part could still arrive.
  std::uint64_t unfinished() const { return unfinished_; }
  // Forgets incomplete messages.
  void reset();

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

  // A VDM or VDO after its address.
  struct Part {
    std::uint8_t part = 0, parts = 0, id = 0;
    char channel = '-';
    int fill = 0;
    std::string_view payload;
  };

  const NmeaResult& refuse(RefusalCause cause, Bytes raw);
  static RefusalCause read_part(std::string_view fields, Part& out);
  const NmeaResult& assemble(const Part& read, Bytes line, std::int64_t now_ns);
  const NmeaResult& transport(std::string_view fields, Bytes line, std::int64_t now_ns);
  const NmeaResult& sentence(std::string_view address, std::string_view fields, Bytes line);
  // A complete message of `bits`, of which the last `fill` are padding.
  const NmeaResult& whole(const Packed& packed, std::size_t bits, int fill, Bytes raw);
  Assembly* find_or_start(std::uint8_t part, std::uint8_t parts, std::uint8_t id, char channel,
                          std::int64_t now_ns);

  Assembly assemblies_[kChannels * kIds] = {};
  std::uint64_t unfinished_ = 0;
  Packed packed_ = {};  // of a single-part message
  NmeaResult result_ = {};
  std::uint8_t raw_[limits::kRawBytes] = {};
};

bool to_observation(const NmeaResult& result, Observation& out);
inline bool is_part(const NmeaResult& result) {
  return result.kind == NmeaKind::part;
}
void describe(const NmeaResult& result, JsonWriter<std::string>& json);

class NmeaCodec : public PlainCodec {
 public:
  using Message = NmeaResult;
  static constexpr CodecKind kKind = CodecKind::nmea0183;
  // Radio loses some parts, so some replacements are normal; this many within the time mean full.
  static constexpr Crowding kCrowding{Cause::parts_full, 64};

  template <typename To>
  void line(Bytes line, std::int64_t now_ns, const To& to) {
    const NmeaResult& result = decoder_.line(line, now_ns);
    if (result.kind == NmeaKind::refused) {
      to.refused(result.cause, result.raw);
    } else {
      to.message(result, result.raw);
    }
  }

  void reset() { decoder_.reset(); }
  Counts counts() const { return {decoder_.unfinished()}; }
  static void describe_counts(const Counts& counts, JsonWriter<std::string>& json) {
    json.member("unfinished", counts[0]);
  }

 private:
  NmeaDecoder decoder_;
};

}  // namespace vedette::codec
