// Purpose: the room's face: turns the bytes of one source into messages and observations.
// In: chunks of a stream, or whole datagrams and frames. Out: Output callbacks, one a frame.
// Bound: one partial line or frame (kLineBytes). When full: refused as too-long, then
// resynchronised. Fails as: RefusalCause, never an exception. Runs on: the ingress thread, or
// stepped by its caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/json.hpp"
#include "edge/codec/adsb.hpp"
#include "edge/codec/ais.hpp"
#include "edge/codec/asterix.hpp"
#include "edge/codec/mavlink.hpp"
#include "edge/codec/n2k.hpp"
#include "edge/codec/nmea0183.hpp"
#include "model/limits.hpp"

namespace vedette::codec {

enum class CodecKind : std::uint8_t { nmea0183 = 0, n2k = 1, mavlink = 2, adsb = 3, asterix = 4 };

std::string_view name_of(CodecKind kind);
// "ais" names the transport it comes in, nmea0183.
std::optional<CodecKind> codec_named(std::string_view name);

// What one frame said. The pointer is to the decoder's own memory, valid during the callback.
using Message = std::variant<const NmeaResult*, const N2kMessage*, const MavlinkMessage*,
                             const AdsbMessage*, const AsterixRecord*>;

struct Output {
  void* context;
  void (*message)(void* context, const Message& message, Bytes raw);
  void (*refused)(void* context, RefusalCause cause, Bytes raw);
};

// False when the message is of no use to belief; `out` must be value-initialised.
bool to_observation(const Message& message, Observation& out);
// True for a part of a message that is still being put together.
bool is_part(const Message& message);

// False for a frame that is whole but of a message the codec does not read.
bool is_known(const Message& message);

// Members "kind" and the fields under plain names (SI units, degrees), into an open object.
void describe(const Message& message, JsonWriter<std::string>& json);

class Decoder {
 public:
  // ADS-B works positions out only with a table of aircraft, which outlives the decoder.
  explicit Decoder(CodecKind kind = CodecKind::nmea0183, AircraftTable* aircraft = nullptr);

  // Bytes in order with no boundaries of their own (a serial line, a file).
  void stream(Bytes chunk, std::int64_t now_ns, const Output& out);
  // Bytes with a boundary at their end (a datagram, one record of a capture).
  void datagram(Bytes datagram, std::int64_t now_ns, const Output& out);
  // Forgets partial frames, as after a reopened line; the aircraft it knows fly on.
  void reset();

  CodecKind kind() const { return kind_; }
  // Messages in parts that another took the place of.
  std::uint64_t unfinished() const {
    const auto* nmea = std::get_if<NmeaDecoder>(&state_);
    return nmea != nullptr ? nmea->unfinished() : 0;
  }

 private:
  // `ends`: nothing follows that the last line could go on in.
  void stream(Bytes chunk, std::int64_t now_ns, const Output& out, bool ends);
  void lines(Bytes chunk, std::int64_t now_ns, const Output& out, bool ends);
  void one_line(Bytes line, std::int64_t now_ns, const Output& out);
  void end_line(std::int64_t now_ns, const Output& out);
  void binary(Bytes chunk, std::int64_t now_ns, const Output& out);
  std::size_t one_binary(Bytes bytes, std::int64_t now_ns, const Output& out);
  void adsb_frame(Bytes frame, Bytes raw, std::int64_t now_ns, const Output& out);

  struct N2kState {
    N2kMessage message;
  };
  struct MavlinkState {};
  struct AsterixState {};
  CodecKind kind_;
  AircraftTable* aircraft_;
  bool skipping_ = false;  // inside a line that was too long
  bool noise_ = false;     // inside bytes that start no frame, refused once as a run
  bool beast_ = false;     // ADS-B: the stream is Beast binary, not text
  std::size_t held_ = 0;
  std::uint8_t hold_[limits::kLineBytes] = {};
  std::variant<NmeaDecoder, N2kState, MavlinkState, AdsbDecoder, AsterixState> state_;
};
static_assert(std::is_trivially_destructible_v<Decoder>, "decoders live in the arena");

}  // namespace vedette::codec
