// Purpose: ASTERIX data blocks (EUROCONTROL SPEC-149, part 1) of categories 010 (surface movement
// reports, part 7), 034 and 048 (radar service messages and target reports, parts 2b and 4), 062
// and 065 (system tracks and their service messages, parts 9 and 15). In: one or
// more blocks; cut() finds them in a stream or file. Out: one AsterixRecord a record, or a cause.
// After an unreadable record the rest of its block is refused, because nothing marks the next
// record. Bound: the datagram. Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "edge/codec/plain_codec.hpp"

namespace vedette::codec {

enum class AsterixKind : std::uint8_t { whole, integer, text, raw, spare, extension };

// Consecutive bits of an item, most significant first.
struct AsterixField {
  std::string_view name;
  std::uint8_t bits;  // multiple of 6 for text
  AsterixKind kind;   // whole: unsigned, integer: two's complement
  double unit;        // value of the last bit: m, m/s, m/s^2, s, degrees; 1 for a bare number
};

enum class AsterixShape : std::uint8_t {
  spare,     // no item in the standard
  fixed,     // `bytes` long
  extended,  // parts of `bytes`, each but the last with its last bit set
  repeated,  // a count, then that many times `bytes`
  compound,  // a field specification, then its parts
  counted    // the first byte is the total length
};

struct AsterixItem {
  std::string_view name;  // as in I048/"040"; for a part its standard abbreviation
  AsterixShape shape;
  std::uint8_t bytes;
  std::span<const AsterixField> fields;
  std::span<const AsterixItem> parts;  // for a compound
};

// The user application profile: items by field reference number, from 1.
struct AsterixCategory {
  std::uint8_t number;
  std::span<const AsterixItem> items;
};
// Null for a category that this codec does not read.
const AsterixCategory* asterix_category(std::uint8_t number);

inline constexpr std::size_t kAsterixItems = 35;

struct AsterixRecord {
  const AsterixCategory* category;
  Bytes bytes;                             // with its field specification
  std::array<Bytes, kAsterixItems> items;  // by field reference number - 1; empty: absent
  bool first, last;                        // of its block
};

// Parses one record at the front of `bytes`; record.bytes is its extent.
RefusalCause parse_asterix_record(const AsterixCategory& category, Bytes bytes,
                                  AsterixRecord& record);

// One field of an item in its unit; nothing if the record lacks it.
std::optional<double> asterix_value(const AsterixRecord& record, std::string_view item,
                                    std::string_view field);

// Whether its places are on Earth and its times of day in a day.
bool in_range(const AsterixRecord& record);

// Adds members "kind", "category" and "items" to an open object; numbers in the fields' units.
void describe(const AsterixRecord& record, JsonWriter<std::string>& json);

// A character of an aircraft identification (ICAO Annex 10, volume IV, table 3-9); blank if none.
char asterix_character(std::uint32_t code);

// A target report gives a plot or a system track; a service message gives the start of a scan.
bool to_observation(const AsterixRecord& record, Observation& out);

// Calls record(const AsterixRecord&) and refused(RefusalCause, Bytes) in the order of the bytes.
template <typename OnRecord, typename OnRefused>
void decode_asterix(Bytes datagram, OnRecord&& on_record, OnRefused&& on_refused) {
  while (!datagram.empty()) {
    if (datagram.size() < 3) {
      on_refused(RefusalCause::too_short, datagram);
      return;
    }
    const std::size_t length = load_be<std::uint16_t>(datagram.data() + 1);
    if (length < 4 || length > datagram.size()) {
      on_refused(length < 4 ? RefusalCause::framing : RefusalCause::too_short, datagram);
      return;
    }
    const Bytes block = datagram.first(length);
    datagram = datagram.subspan(length);
    const AsterixCategory* category = asterix_category(block[0]);
    if (category == nullptr) {
      on_refused(RefusalCause::unknown_category, block);
      continue;
    }
    for (std::size_t at = 3; at < block.size();) {
      AsterixRecord record;
      const RefusalCause cause = parse_asterix_record(*category, block.subspan(at), record);
      if (cause != RefusalCause::none) {
        on_refused(cause, block.subspan(at));
        break;
      }
      record.first = at == 3;
      at += record.bytes.size();
      record.last = at == block.size();
      if (in_range(record)) {
        on_record(record);
      } else {
        on_refused(RefusalCause::out_of_range, record.bytes);
      }
    }
  }
}

// Bytes of the FINAL record at the front; 0 when none is there.
std::size_t final_bytes(Bytes bytes);
// The data blocks of a frame, without the FINAL record around them.
Bytes blocks_of(Bytes frame);

class AsterixCodec : public PlainCodec {
 public:
  using Message = AsterixRecord;
  static constexpr CodecKind kKind = CodecKind::asterix;

  static Cut cut(Bytes bytes, Place place);
  template <typename To>
  void take(Bytes frame, std::int64_t, const To& to) {
    decode_asterix(
        blocks_of(frame), [&](const AsterixRecord& record) { to.message(record, record.bytes); },
        [&](RefusalCause cause, Bytes raw) { to.refused(cause, raw); });
  }
};

}  // namespace vedette::codec
