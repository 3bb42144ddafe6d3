#include "edge/codec/codec.hpp"

#include <cstring>

namespace vedette::codec {

std::string_view name_of(CodecKind kind) {
  constexpr std::string_view kNames[] = {"nmea0183", "n2k", "mavlink", "adsb", "asterix"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<CodecKind> codec_named(std::string_view name) {
  if (name == "ais") {
    return CodecKind::nmea0183;
  }
  for (const CodecKind kind : {CodecKind::nmea0183, CodecKind::n2k, CodecKind::mavlink,
                               CodecKind::adsb, CodecKind::asterix}) {
    if (name == name_of(kind)) {
      return kind;
    }
  }
  return std::nullopt;
}

bool is_part(const Message& message) {
  const auto* nmea = std::get_if<const NmeaResult*>(&message);
  return nmea != nullptr && (*nmea)->kind == NmeaKind::part;
}

bool is_known(const Message& message) {
  if (const auto* mavlink = std::get_if<const MavlinkMessage*>(&message)) {
    return (*mavlink)->known;
  }
  const auto* adsb = std::get_if<const AdsbMessage*>(&message);
  return adsb == nullptr || (*adsb)->known;
}

bool to_observation(const Message& message, Observation& out) {
  if (const auto* nmea = std::get_if<const NmeaResult*>(&message)) {
    out.own_report = (*nmea)->kind == NmeaKind::ais && (*nmea)->own ? 1 : 0;
    return (*nmea)->kind == NmeaKind::ais        ? to_observation((*nmea)->ais, out)
           : (*nmea)->kind == NmeaKind::sentence ? to_observation((*nmea)->sentence, out)
                                                 : false;
  }
  if (const auto* n2k = std::get_if<const N2kMessage*>(&message)) {
    return to_observation(**n2k, out);
  }
  if (const auto* mavlink = std::get_if<const MavlinkMessage*>(&message)) {
    return to_observation(**mavlink, out);
  }
  if (const auto* adsb = std::get_if<const AdsbMessage*>(&message)) {
    return to_observation(**adsb, out);
  }
  return to_observation(*std::get<const AsterixRecord*>(message), out);
}

Decoder::Decoder(CodecKind kind, AircraftTable* aircraft) : kind_(kind), aircraft_(aircraft) {
  reset();
}

void Decoder::reset() {
  skipping_ = noise_ = beast_ = false;
  held_ = 0;
  switch (kind_) {
    case CodecKind::nmea0183:
      state_.emplace<NmeaDecoder>();
      break;
    case CodecKind::n2k:
      state_.emplace<N2kState>();
      break;
    case CodecKind::mavlink:
      state_.emplace<MavlinkState>();
      break;
    case CodecKind::adsb:
      state_.emplace<AdsbDecoder>(aircraft_);
      break;
    case CodecKind::asterix:
      state_.emplace<AsterixState>();
      break;
  }
}

void Decoder::stream(Bytes chunk, std::int64_t now_ns, const Output& out) {
  stream(chunk, now_ns, out, false);
}

void Decoder::stream(Bytes chunk, std::int64_t now_ns, const Output& out, bool ends) {
  if (kind_ == CodecKind::asterix) {  // the plan lets it come in datagrams only
    decode_asterix(
        chunk,
        [&](const AsterixRecord& record) { out.message(out.context, &record, record.bytes); },
        [&](RefusalCause cause, Bytes raw) { out.refused(out.context, cause, raw); });
    return;
  }
  if (kind_ == CodecKind::adsb && held_ == 0 && !skipping_ && !chunk.empty()) {
    beast_ = beast_ || chunk[0] == 0x1A;
  }
  if (kind_ == CodecKind::mavlink || beast_) {
    binary(chunk, now_ns, out);
  } else {
    lines(chunk, now_ns, out, ends);
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
  if (kind_ == CodecKind::mavlink || beast_) {
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
      one_line(chunk.first(length), now_ns, out);  // the whole line is here: no copy
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
  if (auto* nmea = std::get_if<NmeaDecoder>(&state_)) {
    const NmeaResult& result = nmea->line(line, now_ns);
    if (result.kind == NmeaKind::refused) {
      out.refused(out.context, result.cause, result.raw);
    } else {
      out.message(out.context, &result, result.raw);
    }
  } else if (kind_ == CodecKind::n2k) {
    N2kMessage& message = std::get<N2kState>(state_).message;
    const RefusalCause cause = decode_n2k_line(line, message);
    if (cause == RefusalCause::none) {
      out.message(out.context, &message, line);
    } else {
      out.refused(out.context, cause, line);
    }
  } else {
    std::uint8_t frame[14];
    const std::size_t bytes = parse_avr(line, frame);
    if (bytes == 0) {
      out.refused(out.context, RefusalCause::framing, line);
    } else {
      adsb_frame(Bytes(frame, bytes), line, now_ns, out);
    }
  }
}

void Decoder::adsb_frame(Bytes frame, Bytes raw, std::int64_t now_ns, const Output& out) {
  const auto result = std::get<AdsbDecoder>(state_).frame(frame, now_ns);
  if (result) {
    out.message(out.context, &*result, raw);
  } else {
    out.refused(out.context, result.error(), raw);
  }
}

// Consumes one frame, or one byte that starts none; 0 when more bytes are needed.
std::size_t Decoder::one_binary(Bytes bytes, std::int64_t now_ns, const Output& out) {
  bool need_more = false;
  if (kind_ == CodecKind::adsb) {
    std::uint8_t frame[14];
    std::size_t frame_bytes = 0;
    const std::size_t used = next_beast(bytes, frame, frame_bytes, need_more);
    if (used != 0) {
      noise_ = false;
      adsb_frame(Bytes(frame, frame_bytes), bytes.first(used), now_ns, out);
      return used;
    }
  } else {
    const std::size_t length = mavlink_frame_length(bytes, need_more);
    need_more = need_more || length > bytes.size();
    if (length != 0 && !need_more) {
      const Bytes frame = bytes.first(length);
      const auto result = decode_mavlink(frame);
      if (result) {
        noise_ = false;
        out.message(out.context, &*result, frame);
        return length;
      }
      out.refused(out.context, result.error(), frame);
      noise_ = true;  // its remains are part of the frame just refused
      return result.error() == RefusalCause::checksum ? 1 : length;
    }
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
  // What is held never exceeds one frame, so a chunk is taken in pieces that fit behind it.
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
