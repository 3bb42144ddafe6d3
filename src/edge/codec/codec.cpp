#include "edge/codec/codec.hpp"

#include <cstring>

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

Decoder::Decoder(CodecKind kind) : kind_(kind), framing_(facts_of(kind).framing) {
  Codecs::with(kind, [&](auto codec) {
    using Codec = typename decltype(codec)::type;
    state_.emplace<Codec>();
    binary_start_ = Codec::kBinaryStart;
  });
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

void Decoder::reset() {
  skipping_ = noise_ = false;
  held_ = 0;
  framing_ = facts_of(kind_).framing;
  std::visit([](auto& codec) { codec.reset(); }, state_);
}

void Decoder::stream(Bytes chunk, std::int64_t now_ns, const Output& out) {
  stream(chunk, now_ns, out, false);
}

void Decoder::stream(Bytes chunk, std::int64_t now_ns, const Output& out, bool ends) {
  if (framing_ == Framing::lines && binary_start_ >= 0 && held_ == 0 && !skipping_ &&
      !chunk.empty() && chunk[0] == binary_start_) {
    framing_ = Framing::bytes;  // until the line is reopened
  }
  if (framing_ == Framing::lines) {
    lines(chunk, now_ns, out, ends);
  } else if (framing_ == Framing::bytes) {
    binary(chunk, now_ns, out);
  } else {  // the plan allows it in datagrams only
    std::visit(
        [&](auto& codec) {
          if constexpr (requires { codec.datagram(chunk, now_ns, To{out}); }) {
            codec.datagram(chunk, now_ns, To{out});
          }
        },
        state_);
  }
}

void Decoder::datagram(Bytes datagram, std::int64_t now_ns, const Output& out) {
  if (datagram.empty()) [[unlikely]] {
    out.refused(out.context, RefusalCause::too_short, datagram);
    return;
  }
  stream(datagram, now_ns, out, true);
  if (held_ == 0 && !skipping_) {
    return;
  }
  if (framing_ == Framing::bytes) {
    out.refused(out.context, RefusalCause::too_short, Bytes(hold_, held_));
  } else {
    end_line(now_ns, out);
  }
  held_ = 0;
  skipping_ = noise_ = false;
}

void Decoder::lines(Bytes chunk, std::int64_t now_ns, const Output& out, bool ends) {
  while (!chunk.empty()) {
    const auto* newline =
        static_cast<const std::uint8_t*>(std::memchr(chunk.data(), '\n', chunk.size()));
    const std::size_t length =
        newline == nullptr ? chunk.size() : static_cast<std::size_t>(newline - chunk.data());
    if ((newline != nullptr || ends) && held_ == 0 && !skipping_ && length <= sizeof hold_) {
      one_line(chunk.first(length), now_ns, out);  // the whole line is in the chunk: no copy
    } else {
      const std::size_t room = sizeof hold_ - held_;
      const std::size_t taken = length < room ? length : room;
      if (taken != 0) {
        std::memcpy(hold_ + held_, chunk.data(), taken);
      }
      held_ += taken;
      skipping_ = skipping_ || taken < length;
      if (newline != nullptr) {
        end_line(now_ns, out);
      }
    }
    chunk = chunk.subspan(newline == nullptr ? length : length + 1);
  }
}

void Decoder::end_line(std::int64_t now_ns, const Output& out) {
  const Bytes line(hold_, held_);
  if (skipping_) {
    out.refused(out.context, RefusalCause::too_long, line);
  } else {
    one_line(line, now_ns, out);
  }
  skipping_ = false;
  held_ = 0;
}

void Decoder::one_line(Bytes line, std::int64_t now_ns, const Output& out) {
  if (!line.empty() && line.back() == '\r') {
    line = line.first(line.size() - 1);
  }
  if (line.empty()) {
    return;  // a blank line is a separator, not a frame
  }
  std::visit(
      [&](auto& codec) {
        if constexpr (requires { codec.line(line, now_ns, To{out}); }) {
          codec.line(line, now_ns, To{out});
        }
      },
      state_);
}

// Consumes one frame, or one byte that starts none; 0 when more bytes are needed.
std::size_t Decoder::one_binary(Bytes bytes, std::int64_t now_ns, const Output& out) {
  bool need_more = false;
  const std::size_t used = std::visit(
      [&](auto& codec) -> std::size_t {
        if constexpr (requires { codec.frame(bytes, now_ns, To{out}, noise_, need_more); }) {
          return codec.frame(bytes, now_ns, To{out}, noise_, need_more);
        }
        return 0;
      },
      state_);
  if (used != 0) {
    return used;
  }
  if (need_more) {
    return 0;
  }
  if (!noise_) {
    out.refused(out.context, RefusalCause::framing, bytes.first(1));
    noise_ = true;
  }
  return 1;
}

void Decoder::binary(Bytes chunk, std::int64_t now_ns, const Output& out) {
  // The hold buffer has space for one frame, so take the chunk in pieces.
  while (!chunk.empty()) {
    const std::size_t room = sizeof hold_ - held_;
    const std::size_t taken = chunk.size() < room ? chunk.size() : room;
    std::memcpy(hold_ + held_, chunk.data(), taken);
    held_ += taken;
    chunk = chunk.subspan(taken);
    std::size_t at = 0;
    while (at < held_) {
      const std::size_t used = one_binary(Bytes(hold_ + at, held_ - at), now_ns, out);
      if (used == 0) {
        break;
      }
      at += used;
    }
    std::memmove(hold_, hold_ + at, held_ - at);
    held_ -= at;
  }
}

}  // namespace vedette::codec
