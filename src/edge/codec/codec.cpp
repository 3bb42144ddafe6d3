#include "edge/codec/codec.hpp"

namespace vedette::codec {

bool to_observation(const Message& message, Observation& out) {
  return std::visit([&](const auto* m) { return to_observation(*m, out); }, message);
}

bool is_part(const Message& message) {
  return std::visit([](const auto* m) { return is_part(*m); }, message);
}

bool is_known(const Message& message) {
  return std::visit([](const auto* m) { return is_known(*m); }, message);
}

void describe(const Message& message, JsonWriter<std::string>& json) {
  std::visit([&](const auto* m) { describe(*m, json); }, message);
}

void describe_counts(CodecKind kind, const Counts& counts, JsonWriter<std::string>& json) {
  Codecs::with(kind, [&](auto codec) { decltype(codec)::type::describe_counts(counts, json); });
}

Crowding crowding_of(CodecKind kind) {
  Crowding crowding;
  Codecs::with(kind, [&](auto codec) { crowding = decltype(codec)::type::kCrowding; });
  return crowding;
}

CutFront cut_of(CodecKind kind) {
  CutFront cut = nullptr;
  Codecs::with(kind, [&](auto codec) { cut = decltype(codec)::type::cut; });
  return cut;
}

Decoder::Decoder(CodecKind kind) : kind_(kind), cut_(cut_of(kind)) {
  Codecs::with(kind, [&](auto codec) { state_.emplace<typename decltype(codec)::type>(); });
}

std::size_t Decoder::bytes_needed(CodecKind kind) {
  std::size_t bytes = 0;
  Codecs::with(kind, [&](auto codec) { bytes = decltype(codec)::type::bytes_needed(); });
  return bytes;
}

void Decoder::init(Arena& arena) {
  std::visit([&](auto& codec) { codec.init(arena); }, state_);
}

Counts Decoder::counts() const {
  return std::visit([](const auto& codec) { return codec.counts(); }, state_);
}

void Decoder::end_stream(std::int64_t now_ns, const Output& out) {
  framer_.put(cut_, {}, End::torn,
              [&](const Piece& piece, Bytes bytes) { take(piece, bytes, now_ns, out); });
  framer_.reset();
  std::visit([](auto& codec) { codec.reset(); }, state_);
}

void Decoder::take(const Piece& piece, Bytes bytes, std::int64_t now_ns, const Output& out) {
  if (piece.kind == Piece::Kind::frame) {
    std::visit([&](auto& codec) { codec.take(bytes, now_ns, To{out}); }, state_);
  } else if (piece.kind == Piece::Kind::gap) {
    thrown_bytes_ += bytes.size();
    if (piece.cause != RefusalCause::none) {
      out.refused(out.context, piece.cause, bytes);
    }
  }
}

void Decoder::stream(Bytes chunk, std::int64_t now_ns, const Output& out) {
  framer_.put(cut_, chunk, End::open,
              [&](const Piece& piece, Bytes bytes) { take(piece, bytes, now_ns, out); });
}

void Decoder::datagram(Bytes datagram, std::int64_t now_ns, const Output& out) {
  if (datagram.empty()) [[unlikely]] {
    out.refused(out.context, RefusalCause::too_short, datagram);
    return;
  }
  Framer::whole(cut_, datagram,
                [&](const Piece& piece, Bytes bytes) { take(piece, bytes, now_ns, out); });
}

}  // namespace vedette::codec
