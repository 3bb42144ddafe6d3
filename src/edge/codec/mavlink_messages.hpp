// Purpose: the messages of the public MAVLink dialects: what their checksum covers beside their
// bytes. In: an id. Out: its row, or null. Runs on: any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette::codec {

struct MavlinkFacts {
  std::uint32_t id;
  std::uint8_t crc_extra;  // mavlink.io, "Packet Serialization"
  std::uint8_t length;     // of a version 1 payload: without extensions
  std::string_view name;
};

const MavlinkFacts* mavlink_facts(std::uint32_t id);

}  // namespace vedette::codec
