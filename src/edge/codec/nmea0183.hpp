// Purpose: NMEA 0183 sentences (NMEA 0183 v4.10, IEC 61162-1) and the AIS transport in them
// (AIVDM/AIVDO), with assembly of multi-part messages. In: one line without its line end. Out:
// NmeaMessage, AisMessage, "a part was kept", or a cause. Parts belong together by tag block group,
// source, talker, channel, message id and age. Bound: one message in assembly for each channel (A,
// B, any other) and message id, and kMore more of any. When full: the next message with that
// channel and id replaces the incomplete one, which is counted; a flood on one channel and id
// affects no other. Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "edge/codec/ais.hpp"
#include "edge/codec/nmea_sentence.hpp"
#include "edge/codec/nmea_tags.hpp"
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

// What one sentence needs of earlier ones of its source: variation for a magnetic heading, heading
// for a bearing from the bow.
class Bearings {
 public:
  static constexpr std::int64_t kVariationNs = 3'600'000'000'000;  // a ship sails 0.3 degrees
  static constexpr std::int64_t kHeadingNs = 2'000'000'000;

  void complete(NmeaMessage& message, std::int64_t now_ns);

 private:
  double variation_ = 0.0;
  double heading_ = 0.0;
  std::int64_t variation_ns_ = 0;  // 0: none so far
  std::int64_t heading_ns_ = 0;
};

class NmeaDecoder {
 public:
  static constexpr std::size_t kChannels = 3;
  static constexpr std::size_t kIds = 11;  // 0 to 9, and none
  static constexpr std::size_t kOwnPlaces = kChannels * kIds;
  static constexpr std::size_t kMore = 31;
  static constexpr std::size_t kPlaces = kOwnPlaces + kMore;
  // Parts follow one another at once; a message id is used again after ten messages.
  static constexpr std::int64_t kPartTimeoutNs = 5'000'000'000;

  // Fills and returns the decoder's own result, which the next call overwrites.
  const NmeaResult& line(Bytes line, std::int64_t now_ns);
  // Incomplete messages that were replaced while their last part could still arrive.
  std::uint64_t unfinished() const { return unfinished_; }
  // Forgets incomplete messages.
  void reset();

 private:
  using Packed = std::uint8_t[kAisBits / 8];
  // Whom a place waits for: scanned for every part, so apart from what it holds.
  struct Waiting {
    std::uint64_t source;  // hash; 0: not said
    std::uint64_t group;
    std::int64_t started_ns;
    char talker[2];
    char channel;
    std::uint8_t id, parts;
    std::uint8_t next_part;  // 0: the place is free
  };
  struct Assembly {
    std::uint16_t bits;
    std::uint16_t raw_bytes;
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
  const NmeaResult& sentence(std::string_view address, std::string_view fields, Bytes line,
                             std::int64_t now_ns);
  // A complete message of `bits`, of which the last `fill` are padding.
  const NmeaResult& whole(const Packed& packed, std::size_t bits, int fill, Bytes raw);
  static std::size_t own_place(const Part& part);
  static bool is_free(const Waiting& waiting, std::int64_t now_ns);
  std::size_t find(const Part& part, std::uint64_t source) const;
  std::size_t start(const Part& part, std::uint64_t source, std::int64_t now_ns);

  Waiting waiting_[kPlaces] = {};
  Assembly assemblies_[kPlaces] = {};
  NmeaTags tags_;
  char talker_[2] = {};
  Bearings bearings_;
  std::uint64_t unfinished_ = 0;
  Packed packed_ = {};  // of a single-part message
  NmeaResult result_ = {};
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

  // A line is cut where a second sentence starts, if the first is not whole.
  static Cut cut(Bytes bytes, Place place);
  template <typename To>
  void take(Bytes line, std::int64_t now_ns, const To& to) {
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
