// Purpose: the interface of a codec, and its defaults.
//
// A codec is a class derived from PlainCodec with a row in codecs.hpp and
//   using Message = …;                    what one frame says, a struct of its own
//   static constexpr CodecKind kKind      its row of model/codec_kinds.hpp
//   void take(Bytes frame, std::int64_t now_ns, const To& to)   one frame (`to` is a codec::To),
// a template on To, which answers every frame by to.message(message, raw) or
// to.refused(cause, raw); total on any bytes, without allocation. A codec whose frames are no lines
// has its own cut(). Beside it, for its Message,
//   bool to_observation(const Message&, Observation&)      false: of no use to belief
//   void describe(const Message&, JsonWriter<std::string>&)     "kind" and the fields, SI units
// In: nothing. Out: defaults. Runs on: wherever the codec does.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/arena.hpp"
#include "base/bytes.hpp"
#include "base/json.hpp"
#include "edge/codec/framing.hpp"
#include "model/cause.hpp"
#include "model/codec_kinds.hpp"
#include "model/observation.hpp"
#include "model/refusal.hpp"

namespace vedette::codec {

// A source's decoder counters, for `status`. The first counts losses because a table was full,
// since the codec's start.
inline constexpr std::size_t kCounts = 4;
using Counts = std::array<std::uint64_t, kCounts>;

// The table counts as full, with this cause, after this many losses within limits::kCrowdedNs.
struct Crowding {
  Cause cause = Cause::count;
  std::uint64_t many = 0;  // 0: the codec has no table
};

struct PlainCodec {
  static constexpr Crowding kCrowding{};

  // Lines of text; beside noise none is sure, because nothing checks it.
  static Cut cut(Bytes bytes, Place place) {
    return cut_text(bytes, place, [](Bytes) { return false; });
  }
  static constexpr std::size_t bytes_needed() { return 0; }  // of the arena
  static void init(Arena&) {}
  static void reset() {}  // forgets partial frames, as after a reopened line
  static Counts counts() { return {}; }
  static void describe_counts(const Counts&, JsonWriter<std::string>&) {}
};

// Whether this is a part of an incomplete message.
template <typename Message>
bool is_part(const Message&) {
  return false;
}
// False for a valid frame of a message that the codec does not read.
template <typename Message>
bool is_known(const Message&) {
  return true;
}

}  // namespace vedette::codec
