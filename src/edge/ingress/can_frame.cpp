#include "edge/ingress/can_frame.hpp"

#include <cstring>

namespace vedette::ingress {
namespace {

constexpr std::uint32_t kExtended = 0x80000000, kRemote = 0x40000000, kError = 0x20000000;
// Classes of error frames: bits of their identifier.
constexpr std::uint32_t kController = 0x04, kProtocol = 0x08, kTransceiver = 0x10;
constexpr std::uint32_t kNoAnswer = 0x20, kBusOff = 0x40, kBusError = 0x80, kRestarted = 0x100;
constexpr std::uint8_t kOverrun = 0x03;  // of a controller's buffers, in data[1]
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
    line.kind = (id & kBusOff) != 0 ? CanKind::bus_off : CanKind::error;
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

std::string_view advice_on_error(Bytes frame) {
  std::uint32_t id = 0;
  if (frame.size() == kCanFrameBytes) {
    std::memcpy(&id, frame.data(), sizeof id);
  }
  if ((id & kError) == 0) {
    return {};
  }
  if ((id & kBusOff) != 0) {
    return "bus-off: the controller left the bus after too many errors; look at bit rate, wiring "
           "and terminators (120 ohms at both ends), and set restart-ms, or it stays away";
  }
  if ((id & kTransceiver) != 0) {
    return "the transceiver finds a wire broken or shorted";
  }
  if ((id & kNoAnswer) != 0) {
    return "nobody acknowledged what this machine sent: is the cable in, is another device on?";
  }
  if ((id & kController) != 0 && (frame[kDataAt + 1] & kOverrun) != 0) {
    return "the controller's buffer ran over: frames were lost before the system took them";
  }
  if ((id & (kController | kProtocol | kBusError)) != 0) {
    return "many transmission errors: look at bit rate, wiring and terminators (120 ohms at both "
           "ends)";
  }
  return (id & kRestarted) != 0 ? "the controller is on the bus again" : std::string_view();
}

}  // namespace vedette::ingress
