// Mode S frames in text and in Beast: where they start and end.
#include <string_view>

#include "base/text.hpp"
#include "edge/codec/adsb.hpp"

namespace vedette::codec {
namespace {

using Kind = Cut::Kind;

constexpr std::size_t kLong = 14;
constexpr std::size_t kShort = 7;
constexpr std::size_t kBeforeFrame = 7;  // time and signal in Beast

// Hex digits between a frame's mark and its content: the time of "@" and "%", time and signal of
// "<". -1: no mark.
int digits_before(char mark) {
  return mark == '*' || mark == ':' ? 0 : mark == '@' || mark == '%' ? 12 : mark == '<' ? 14 : -1;
}

// Bytes of a frame by its Beast type; 0 for none. '4' and '5' are a receiver's own state.
std::size_t beast_bytes(std::uint8_t type) {
  switch (type) {
    case '1':
      return 2;
    case '2':
      return kShort;
    case '3':
    case '4':
    case '5':
      return kLong;
    default:
      return 0;
  }
}

bool is_squitter(Bytes frame) {
  return frame.size() == kLong && (frame[0] >> 3 == 17 || frame[0] >> 3 == 18);
}

bool sure_avr(Bytes line) {
  std::uint8_t frame[kLong];
  return parse_avr(line, frame) == sizeof frame && is_squitter(frame) && modes_parity(frame) == 0;
}

Cut cut_avr(Bytes bytes, Place place) {
  const Cut found = cut_text(bytes, place, sure_avr);
  if (found.kind != Kind::frame && found.kind != Kind::nothing) {
    return found;
  }
  // A line may hold several frames, and pieces of some.
  const std::string_view text = as_text(bytes.first(found.bytes));
  const std::size_t end = text.find(';');
  const std::string_view one = end < text.size() ? text.substr(0, end + 1) : text;
  const std::size_t next = one.find_first_of("*:@%<", 1);
  if (next < one.size()) {
    return {place.in_step ? Kind::frame : Kind::nothing, next};
  }
  const bool torn_behind = place.end == End::torn && one.back() == ';';
  if (one.size() == text.size() && !torn_behind) {
    return found;
  }
  return {place.in_step || sure_avr(as_bytes(one)) ? Kind::frame : Kind::nothing, one.size()};
}

}  // namespace

std::size_t parse_avr(Bytes bytes, std::uint8_t (&out)[14]) {
  std::string_view text = as_text(bytes);
  while (!text.empty() && (text.back() == ';' || text.back() == '\t' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  if (const int digits = text.empty() ? -1 : digits_before(text[0]); digits >= 0) {
    const std::size_t skipped = static_cast<std::size_t>(digits) + 1;
    text = text.size() > skipped ? text.substr(skipped) : std::string_view{};
  }
  if (text.size() != 2 * kLong && text.size() != 2 * kShort) {
    return 0;
  }
  for (std::size_t i = 0; i < text.size() / 2; ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return 0;
    }
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return text.size() / 2;
}

std::size_t next_beast(Bytes bytes, std::uint8_t (&out)[14], std::size_t& frame_bytes,
                       bool& need_more) {
  constexpr std::uint8_t kEscape = kBeastStart;
  need_more = bytes.size() < 2;
  frame_bytes = 0;
  if (bytes.empty() || bytes[0] != kEscape || need_more) {
    need_more = need_more && (bytes.empty() || bytes[0] == kEscape);
    return 0;
  }
  const std::size_t wanted = beast_bytes(bytes[1]);
  if (wanted == 0) {
    return 0;
  }
  std::size_t at = 2;
  for (std::size_t i = 0; i < kBeforeFrame + wanted; ++i) {
    if (at >= bytes.size() || (bytes[at] == kEscape && at + 1 >= bytes.size())) {
      need_more = true;
      return 0;
    }
    if (bytes[at] == kEscape) {
      if (bytes[at + 1] != kEscape) {
        return 0;  // a new frame starts inside this one, which was truncated
      }
      ++at;
    }
    if (i >= kBeforeFrame) {
      out[i - kBeforeFrame] = bytes[at];
    }
    ++at;
  }
  frame_bytes = wanted;
  return at;
}

Cut AdsbCodec::cut(Bytes bytes, Place place) {
  if (bytes[0] != kBeastStart) {
    return cut_avr(bytes, place);
  }
  std::uint8_t frame[kLong];
  std::size_t frame_bytes = 0;
  bool need_more = false;
  const std::size_t used = next_beast(bytes, frame, frame_bytes, need_more);
  if (used == 0) {
    return {need_more ? Kind::more : Kind::nothing};
  }
  // Other downlink formats hide their parity in an address.
  if (bytes[1] != '3' || !is_squitter(frame)) {
    return {Kind::unchecked, used};
  }
  return modes_parity(frame) == 0 ? Cut{Kind::frame, used}
                                  : Cut{Kind::broken, used, RefusalCause::checksum};
}

}  // namespace vedette::codec
