#include "edge/codec/n2k_gateway.hpp"

#include <algorithm>
#include <array>

namespace vedette::codec {
namespace {

constexpr std::uint8_t kStart = 0x02, kEnd = 0x03;
constexpr std::size_t kMarkBytes = 2;
constexpr std::size_t kContentBytes = 2 + 255 + 1;  // identifier and length, what it counts, sum
constexpr std::size_t kDataAt = 13;
constexpr std::uint8_t kReceived = 0x93;

struct Content {
  std::array<std::uint8_t, kContentBytes> bytes;
  std::size_t size = 0;
  std::size_t read = 0;  // of the frame
  enum class End : std::uint8_t { whole, more, wrong, too_long } end = End::more;
};

// The content and its checksum, without the doubled DLEs.
Content content_of(Bytes frame) {
  Content out;
  out.read = kMarkBytes;
  while (out.read < frame.size()) {
    const std::uint8_t byte = frame[out.read];
    if (byte == kGatewayEscape) {
      if (out.read + 1 == frame.size()) {
        return out;
      }
      const std::uint8_t next = frame[out.read + 1];
      if (next == kEnd) {
        out.read += 2;
        out.end = Content::End::whole;
        return out;
      }
      if (next != kGatewayEscape) {
        out.end = Content::End::wrong;
        return out;
      }
      ++out.read;
    }
    if (out.size == out.bytes.size()) {
      out.end = Content::End::too_long;
      return out;
    }
    out.bytes[out.size++] = byte;
    ++out.read;
  }
  return out;
}

}  // namespace

Cut cut_gateway(Bytes bytes) {
  if (bytes.size() >= kMarkBytes && bytes[1] != kStart) {
    return {Cut::Kind::nothing};
  }
  const Content content = content_of(bytes);
  switch (content.end) {
    case Content::End::more:
      return {Cut::Kind::more};
    case Content::End::wrong:
      return {Cut::Kind::broken, content.read, RefusalCause::framing};
    case Content::End::too_long:
      return {Cut::Kind::nothing, kMarkBytes, RefusalCause::too_long};
    case Content::End::whole:
      break;
  }
  unsigned sum = 0;
  for (std::size_t i = 0; i < content.size; ++i) {
    sum += content.bytes[i];
  }
  const bool length = content.size >= 3 && content.bytes[1] + std::size_t{3} == content.size;
  if (!length || sum % 256 != 0) {
    return {Cut::Kind::broken, content.read,
            length ? RefusalCause::checksum : RefusalCause::malformed};
  }
  return {Cut::Kind::frame, content.read};
}

RefusalCause read_gateway_frame(Bytes frame, N2kLine& out) {
  const Content content = content_of(frame);
  out.time_ns = 0;
  out.of_day_ns = out.timer_ns = -1;
  out.comment = false;
  if (content.size < 3 || content.bytes[0] != kReceived) {
    return RefusalCause::unsupported;
  }
  const Bytes bytes = Bytes(content.bytes).first(content.size - 1);
  const std::size_t data = bytes.size() >= kDataAt ? bytes[kDataAt - 1] : 0;
  if (bytes.size() < kDataAt || kDataAt + data > bytes.size()) {
    return RefusalCause::too_short;
  }
  if (kDataAt + data < bytes.size() || data > kN2kBytes) {
    return RefusalCause::too_long;
  }
  const std::uint32_t format = bytes[4];
  out.priority = bytes[2] & 7;
  out.pgn = (bytes[5] & 3U) << 16 | format << 8 | (format < 240 ? 0U : bytes[3]);
  out.destination = bytes[6];
  out.source = bytes[7];
  out.reader = n2k_reader(out.pgn);
  out.size = static_cast<std::uint8_t>(data);
  std::copy_n(bytes.begin() + kDataAt, data, out.payload);
  return out.reader != 0 ? RefusalCause::none : RefusalCause::unsupported;
}

}  // namespace vedette::codec
