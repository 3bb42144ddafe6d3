// Purpose: one line of an NMEA 2000 log, in the forms that gateways and loggers write:
//   2011-04-25T10:16:43.004Z,2,127250,3,255,8,ff,8b,…    PLAIN and FAST (canboat), any written time
//   (1502984866.421964) can0 09F11203#FF8B…              candump -L
//    can0  09F11203   [8]  FF 8B …                       candump, with or without a time before
//   <0x09f11203> [8] ff 8b …                             candump of 2010
//   10:16:43.004 R 09F11203 FF 8B …                      RAW of Yacht Devices' gateways
//   A101643.004 03FF2 1F112 FF8B…                        N2K ASCII of Actisense's gateways
//   !PDGY,127250,2,3,255,481.734,2C20…                   iKonvert (base64)
//   1303726603004;A;…                                    Signal K's raw log, any of these inside
// In: one line. Out: its message's numbers and bytes, or a cause. Bound: kN2kBytes of payload.
// Runs on: the ingress thread; no allocation; total on any bytes.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "model/refusal.hpp"

namespace vedette::codec {

inline constexpr std::int64_t kTimerNs = 1'000'000'000'000;  // iKonvert's: 999999 ms
inline constexpr std::size_t kN2kBytes = 223;                // 32 frames of a fast packet

struct N2kLine {
  std::int64_t time_ns = 0;     // Unix ns; 0: the line has none
  std::int64_t of_day_ns = -1;  // since midnight, when the line says no date; -1: it has none
  std::int64_t timer_ns = -1;   // of a timer that begins anew after kTimerNs; -1: it has none
  std::uint32_t pgn = 0;
  std::uint8_t priority = 0, source = 0, destination = 255;
  bool comment = false;     // a line that says nothing
  std::uint8_t reader = 0;  // of n2k_reader()
  std::uint8_t size = 0;
  std::uint8_t payload[kN2kBytes];
};

// Unsupported without looking at the payload when the codec does not read the PGN.
RefusalCause read_n2k_line(Bytes line, N2kLine& out);
// Which reader takes the PGN, from 1; 0: none. In n2k.cpp.
std::uint8_t n2k_reader(std::uint64_t pgn);

// Writes the message as a PLAIN line; returns its length. `out` has kN2kLineBytes.
inline constexpr std::size_t kN2kLineBytes = 3 * kN2kBytes + 96;
std::size_t write_n2k_line(const N2kLine& line, std::uint8_t* out);

}  // namespace vedette::codec
