#include "edge/codec/framing.hpp"

namespace vedette::codec {
namespace {

using Kind = Cut::Kind;

bool ends_line(std::uint8_t byte) {
  return byte == '\n' || byte == '\r';
}
bool is_text(std::uint8_t byte) {
  return (byte >= 0x20 && byte < 0x7F) || byte == '\t';
}

// Separators at the front of a text.
std::size_t blank_bytes(Bytes bytes) {
  constexpr std::uint8_t kMark[] = {0xEF, 0xBB, 0xBF};  // byte order mark (RFC 3629, 6)
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::uint8_t byte = bytes[at];
    if (ends_line(byte) || byte == ' ' || byte == '\t' || byte == 0) {
      ++at;
    } else if (bytes.size() - at >= sizeof kMark &&
               std::memcmp(bytes.data() + at, kMark, sizeof kMark) == 0) {
      at += sizeof kMark;
    } else {
      break;
    }
  }
  return at;
}

}  // namespace

std::size_t text_bytes(Bytes bytes) {
  constexpr std::uint64_t kEach = 0x0101010101010101ULL;
  constexpr std::uint64_t kHigh = 0x80 * kEach;
  std::size_t at = 0;
  for (;;) {
    // Eight bytes at once: below 0x20, or from 0x7F.
    for (; bytes.size() - at >= 8; at += 8) {
      const auto word = load_le<std::uint64_t>(bytes.data() + at);
      const std::uint64_t low = (word - 0x20 * kEach) & ~word;
      const std::uint64_t high = word | ((word & ~kHigh) + kEach);
      if (((low | high) & kHigh) != 0) {
        break;
      }
    }
    while (at < bytes.size() && is_text(bytes[at]) && bytes[at] != '\t') {
      ++at;
    }
    if (at == bytes.size() || bytes[at] != '\t') {
      return at;
    }
    ++at;
  }
}

Cut cut_text(Bytes bytes, Place place, bool (*sure)(Bytes line)) {
  const bool blank_first = bytes[0] <= ' ' || bytes[0] == 0xEF;
  if (blank_first &&
      (place.in_step || ends_line(bytes[0]))) {  // in noise only a line end separates
    if (const std::size_t blank = blank_bytes(bytes); blank != 0) {
      return {Kind::blank, blank};
    }
  }
  const std::size_t text = text_bytes(bytes);
  if (text > limits::kLineBytes) {
    return {Kind::nothing, text, RefusalCause::too_long};
  }
  if (text == bytes.size() && !place.ends()) {
    return {Kind::more};
  }
  if (text == 0) {
    return {Kind::nothing};
  }
  const bool torn = text == bytes.size() && place.end == End::torn;
  const bool whole = place.in_step && !torn && (text == bytes.size() || ends_line(bytes[text]));
  if (!whole && !sure(bytes.first(text))) {
    return {Kind::nothing, text, torn ? RefusalCause::too_short : RefusalCause::framing};
  }
  std::size_t end = text;
  while (end < bytes.size() && ends_line(bytes[end])) {
    ++end;
  }
  return {.kind = Kind::frame, .bytes = text, .behind = end - text};
}

Piece Cutting::end_gap(bool in_step) {
  const bool told = told_ && cause_ == RefusalCause::framing;
  const Piece piece{Piece::Kind::gap, gap_, told ? RefusalCause::none : cause_};
  told_ = !in_step;
  in_step_ = in_step;
  gap_ = gap_end_ = 0;
  return piece;
}

// Nothing in an unchecked frame confirms it, so what follows it and what lies in it decide: a frame
// that was cut must not swallow whole ones behind it.
Cut Cutting::confirm(CutFront cut, Bytes bytes, std::size_t length, Place place) const {
  const Bytes after = bytes.subspan(length);
  if (place.in_step) {
    if (after.empty()) {
      return {place.ends() ? Kind::frame : Kind::more, length};
    }
    const Kind next = cut(after, {place.end, false}).kind;
    if (next == Kind::frame || next == Kind::blank) {
      return {Kind::frame, length};
    }
    if (next == Kind::more && !place.ends()) {
      return {Kind::more};
    }
  }
  for (std::size_t i = 1; place.in_step && i < length; ++i) {
    const Kind inner = cut(bytes.subspan(i), {place.end, false}).kind;
    if (inner == Kind::frame) {
      return {Kind::nothing, i};
    }
    if (inner == Kind::more && !place.ends()) {
      return {Kind::more};
    }
  }
  return {place.in_step ? Kind::frame : Kind::nothing, place.in_step ? length : 1};
}

Piece Cutting::next(CutFront cut, Bytes bytes, End end, bool full) {
  const bool ends = end != End::open;
  while (gap_ < bytes.size()) {
    const Bytes rest = bytes.subspan(gap_);
    const Place place{end, in_step_ && gap_ == 0};
    Cut found = cut(rest, place);
    if (found.kind == Kind::unchecked) {
      found = confirm(cut, rest, found.bytes, place);
    }
    if (found.kind == Kind::more) {
      if (!ends && !full) {
        return {};
      }
      if (!ends && gap_ != 0) {
        return end_gap(false);  // makes room
      }
      found = ends ? Cut{Kind::broken, rest.size(), RefusalCause::too_short}
                   : Cut{Kind::nothing, rest.size(), RefusalCause::too_long};
    }
    // A broken frame ends where the next starts, if that is where it claims to end.
    const bool chained = gap_ == gap_end_ && gap_ != 0 && found.kind != Kind::nothing;
    const bool good = found.kind == Kind::frame || found.kind == Kind::blank;
    if (gap_ != 0 && (good || chained)) {
      return end_gap(chained);
    }
    if (good) {
      in_step_ = true;
      told_ = told_ && found.kind == Kind::blank;
      return {.kind = found.kind == Kind::frame ? Piece::Kind::frame : Piece::Kind::blank,
              .bytes = found.bytes,
              .behind = found.behind};
    }
    if (gap_ == 0) {
      cause_ = in_step_ ? found.cause : RefusalCause::framing;
      gap_end_ = in_step_ && found.kind == Kind::broken ? found.bytes : 0;
    }
    gap_ += found.kind == Kind::broken ? 1 : found.bytes;
  }
  return ends || full ? end_gap(false) : Piece{};
}

}  // namespace vedette::codec
