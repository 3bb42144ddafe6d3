// Purpose: the room's interface: turns the bytes of one source into messages and observations. In:
// chunks of a stream, or whole datagrams and frames. Out: Output callbacks, one a frame, and one a
// gap between frames. Bound and when full: as codec/framing.hpp says. Fails as: RefusalCause, never
// an exception. Runs on: the ingress thread, or stepped by its caller.
#pragma once

#include <cstdint>
#include <vector>

#include "edge/codec/codecs.hpp"
#include "edge/codec/framing.hpp"
#include "model/limits.hpp"

namespace vedette::codec {

// The content of one frame. Points to the decoder's memory, valid during the callback.
using Message = Codecs::Message;

struct Output {
  void* context;
  void (*message)(void* context, const Message& message, Bytes raw);
  void (*refused)(void* context, RefusalCause cause, Bytes raw);
};

// A codec's callback for each frame.
struct To {
  const Output& out;

  template <typename T>
  void message(const T& message, Bytes raw) const {
    out.message(out.context, &message, raw);
  }
  void refused(RefusalCause cause, Bytes raw) const { out.refused(out.context, cause, raw); }
};

// False when belief has no use for the message; `out` must be value-initialised.
bool to_observation(const Message& message, Observation& out);
// True for a part of an incomplete message.
bool is_part(const Message& message);
// False for a valid frame of a message that the codec does not read.
bool is_known(const Message& message);

// Adds member "kind" and the fields under plain names (SI units, degrees) to an open object.
void describe(const Message& message, JsonWriter<std::string>& json);
// Adds the decoder's table counters to an open object; none without a table.
void describe_counts(CodecKind kind, const Counts& counts, JsonWriter<std::string>& json);
Crowding crowding_of(CodecKind kind);
CutFront cut_of(CodecKind kind);

class Decoder {
 public:
  explicit Decoder(CodecKind kind = CodecKind::nmea0183);

  static std::size_t bytes_needed(CodecKind kind);
  // Memory for state across frames. Without it ADS-B computes no positions.
  void init(Arena& arena);

  // Bytes of one connection without boundaries of their own (a serial line, TCP).
  void stream(Bytes chunk, std::int64_t now_ns, const Output& out);
  // Bytes with a boundary at their end (a datagram, one record of a capture).
  void datagram(Bytes datagram, std::int64_t now_ns, const Output& out);
  // The connection has ended: what is left of it is a frame or refused, and parts of messages are
  // forgotten. Keeps known aircraft.
  void end_stream(std::int64_t now_ns, const Output& out);

  CodecKind kind() const { return kind_; }
  Counts counts() const;

  // Bytes of streams and datagrams that belong to no frame. A gap of them is refused once.
  std::uint64_t thrown_bytes() const { return thrown_bytes_; }

 private:
  void take(const Piece& piece, Bytes bytes, std::int64_t now_ns, const Output& out);

  CodecKind kind_;
  CutFront cut_;
  std::uint64_t thrown_bytes_ = 0;
  Framer framer_;
  Codecs::State state_;
};
static_assert(std::is_trivially_destructible_v<Decoder>, "decoders live in the arena");

// A decoder with its own memory, for a caller without a plan.
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
