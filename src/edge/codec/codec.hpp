// Purpose: the room's face: turns the bytes of one source into messages and observations.
// In: chunks of a stream, or whole datagrams and frames. Out: Output callbacks, one a frame.
// Bound: one partial line or frame (kLineBytes). When full: refused as too-long, then
// resynchronised. Fails as: RefusalCause, never an exception. Runs on: the ingress thread, or
// stepped by its caller.
#pragma once

#include <cstdint>
#include <vector>

#include "edge/codec/codecs.hpp"
#include "model/limits.hpp"

namespace vedette::codec {

// What one frame said. The pointer is to the decoder's own memory, valid during the callback.
using Message = Codecs::Message;

struct Output {
  void* context;
  void (*message)(void* context, const Message& message, Bytes raw);
  void (*refused)(void* context, RefusalCause cause, Bytes raw);
};

// What a codec answers a frame to.
struct To {
  const Output& out;

  template <typename T>
  void message(const T& message, Bytes raw) const {
    out.message(out.context, &message, raw);
  }
  void refused(RefusalCause cause, Bytes raw) const { out.refused(out.context, cause, raw); }
};

// False when the message is of no use to belief; `out` must be value-initialised.
bool to_observation(const Message& message, Observation& out);
// True for a part of a message that is still being put together.
bool is_part(const Message& message);
// False for a frame that is whole but of a message the codec does not read.
bool is_known(const Message& message);

// Members "kind" and the fields under plain names (SI units, degrees), into an open object.
void describe(const Message& message, JsonWriter<std::string>& json);
// Members of what decoding remembers, into an open object; none where the codec has no table.
void describe_counts(CodecKind kind, const Counts& counts, JsonWriter<std::string>& json);
Crowding crowding_of(CodecKind kind);

class Decoder {
 public:
  explicit Decoder(CodecKind kind = CodecKind::nmea0183);

  static std::size_t bytes_needed(CodecKind kind);
  // Memory for what the codec remembers beside the frame at hand. Without it ADS-B works out no
  // positions.
  void init(Arena& arena);

  // Bytes in order with no boundaries of their own (a serial line, a file).
  void stream(Bytes chunk, std::int64_t now_ns, const Output& out);
  // Bytes with a boundary at their end (a datagram, one record of a capture).
  void datagram(Bytes datagram, std::int64_t now_ns, const Output& out);
  // Forgets partial frames, as after a reopened line; the aircraft it knows fly on.
  void reset();

  CodecKind kind() const { return kind_; }
  Counts counts() const;

 private:
  // `ends`: nothing follows that the last line could go on in.
  void stream(Bytes chunk, std::int64_t now_ns, const Output& out, bool ends);
  void lines(Bytes chunk, std::int64_t now_ns, const Output& out, bool ends);
  void one_line(Bytes line, std::int64_t now_ns, const Output& out);
  void end_line(std::int64_t now_ns, const Output& out);
  void binary(Bytes chunk, std::int64_t now_ns, const Output& out);
  std::size_t one_binary(Bytes bytes, std::int64_t now_ns, const Output& out);

  CodecKind kind_;
  Framing framing_;        // of the stream at hand
  int binary_start_ = -1;  // PlainCodec::kBinaryStart of the codec
  bool skipping_ = false;  // inside a line that was too long
  bool noise_ = false;     // inside bytes that start no frame, refused once as a run
  std::size_t held_ = 0;
  std::uint8_t hold_[limits::kLineBytes] = {};
  Codecs::State state_;
};
static_assert(std::is_trivially_destructible_v<Decoder>, "decoders live in the arena");

// With memory of its own, for a caller without a plan.
class OwnDecoder {
 public:
  explicit OwnDecoder(CodecKind kind)
      : memory_(Decoder::bytes_needed(kind) / 8 + 8), decoder_(kind) {
    Arena arena(memory_.data(), memory_.size() * 8);
    decoder_.init(arena);
  }
  OwnDecoder(const OwnDecoder&) = delete;
  OwnDecoder& operator=(const OwnDecoder&) = delete;

  Decoder& get() { return decoder_; }

 private:
  std::vector<std::uint64_t> memory_;
  Decoder decoder_;
};

}  // namespace vedette::codec
