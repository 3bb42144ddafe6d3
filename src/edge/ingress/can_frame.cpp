#include "edge/ingress/can_frame.hpp"

#include <cstring>

namespace vedette::ingress {
namespace {

constexpr std::uint32_t kExtended = 0x80000000, kRemote = 0x40000000, kError = 0x20000000;
constexpr std::uint32_t kBusOff = 0x40, kRestarted = 0x100;
constexpr std::uint32_t kStandardMask = 0x7FF, kExtendedMask = 0x1FFFFFFF;
constexpr std::size_t kDataAt = 8, kDataBytes = 8;
constexpr std::string_view kPrefix = "can ";  // the interface's name says nothing to the codec

void put_hex(CanLine& line, std::uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    line.text[line.size++] = "0123456789ABCDEF"[value >> shift & 15];
  }
}

}  // namespace

CanLine read_can_frame(Bytes frame) {
  CanLine line;
  if (frame.size() != kCanFrameBytes || frame[4] > kDataBytes) {
    return line;
  }
  std::uint32_t id;
  std::memcpy(&id, frame.data(), sizeof id);
  if ((id & kError) != 0) {
    line.kind = (id & kBusOff) != 0      ? CanKind::bus_off
                : (id & kRestarted) != 0 ? CanKind::restarted
                                         : CanKind::error;
    return line;
  }
  line.kind = CanKind::data;
  for (const char c : kPrefix) {
    line.text[line.size++] = c;
  }
  const bool extended = (id & kExtended) != 0;
  put_hex(line, id & (extended ? kExtendedMask : kStandardMask), extended ? 8 : 3);
  line.text[line.size++] = '#';
  for (std::size_t i = 0; i < frame[4] && (id & kRemote) == 0; ++i) {
    put_hex(line, frame[kDataAt + i], 2);
  }
  return line;
}

}  // namespace vedette::ingress
