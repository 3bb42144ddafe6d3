// Purpose: NMEA 2000 in the binary frames of Actisense's gateways (NGT-1 and its like), and of logs
// of their serial lines. In: bytes. Out: frames, and a frame's message, or a cause. Bound: 255
// bytes of content. Runs on: the ingress thread; no allocation; total on any bytes.
//
// Format (Actisense SDK, BDTP and BST 93):
//   DLE STX, content, checksum, DLE ETX; in content and checksum each DLE is doubled
//   content   0x93, length of what follows, priority, PGN (3 bytes, low byte first; that byte says
//             who is meant where the second is below 240), destination, source, the gateway's time
//             in ms (4), length of the data, data
//   checksum  makes the sum of content and checksum 0 modulo 256
#pragma once

#include "base/bytes.hpp"
#include "edge/codec/framing.hpp"
#include "edge/codec/n2k_lines.hpp"

namespace vedette::codec {

inline constexpr std::uint8_t kGatewayEscape = 0x10;  // DLE

// What starts at a DLE.
Cut cut_gateway(Bytes bytes);
// A frame that cut_gateway() found; unsupported for what is the gateway's own.
RefusalCause read_gateway_frame(Bytes frame, N2kLine& out);

}  // namespace vedette::codec
