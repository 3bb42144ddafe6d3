// Purpose: one frame of a CAN bus, as SocketCAN gives it, written as the line that candump -L
// writes of it: a live bus and a recorded one are then read by one codec. Total on any bytes. Runs
// on: the ingress thread.
//
// Format (linux/can.h, struct can_frame, host order): identifier with three flags (4 bytes), length
// (1), unused (3), data (8). Error frames: linux/can/error.h.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace vedette::ingress {

inline constexpr std::size_t kCanFrameBytes = 16;

enum class CanKind : std::uint8_t {
  data,
  bus_off,  // the controller has left the bus
  error,    // any other error frame
  malformed,
};

struct CanLine {
  CanKind kind = CanKind::malformed;
  std::uint8_t size = 0;  // of text
  std::array<char, 32> text{};
  std::string_view view() const { return {text.data(), size}; }
};

CanLine read_can_frame(Bytes frame);
// What an error frame says, and what to do; empty for any other.
std::string_view advice_on_error(Bytes frame);

}  // namespace vedette::ingress
