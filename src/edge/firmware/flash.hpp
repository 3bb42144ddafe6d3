// Purpose: writes an image to a whole disk: writes what the block map names, zeroes the rest, reads
// everything back past every cache, and writes the first sector, which makes it bootable, last. In:
// an image with its block map (FILE.map beside it, by firmware/build-image). Out: the result. Runs
// on: cold threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/block_device.hpp"
#include "platform/hash.hpp"

namespace vedette::firmware {

struct BlockMap {
  struct Chunk {
    std::uint64_t index;  // of platform::kChunkBytes
    platform::Sha256 hash;
  };
  std::uint64_t bytes = 0;  // of the image, whole chunks
  std::vector<Chunk> chunks;
};
// Parses "bytes N" and lines "INDEX HASH" in ascending order; false for anything else.
bool parse_block_map(std::string_view text, BlockMap& out);

enum class FlashEnd : std::uint8_t {
  complete,
  bad_map,        // the map is missing or incomplete
  bad_image,      // the image differs from its map
  unreadable,     // the image cannot be read
  cannot_open,    // the device
  too_small,      // the device
  write_failed,   // the device refused a write
  verify_failed,  // the device holds something else than it accepted
  unplugged,      // the device has gone
  count
};
std::string_view name_of(FlashEnd end);

struct Flashed {
  FlashEnd end = FlashEnd::complete;
  std::string detail;
};
// `progress`: the step ("writing", "reading back"), bytes done, bytes in all.
Flashed flash(const std::string& image, const BlockMap& map, const std::string& device,
              const std::function<void(std::string_view, std::uint64_t, std::uint64_t)>& progress);

}  // namespace vedette::firmware
