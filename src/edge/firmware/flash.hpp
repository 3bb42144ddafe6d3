// Purpose: an image onto a whole disk: what the block map names is written, the rest is zeroed, all
// of it is read back past every cache, and only then the first sector makes it a disk that boots.
// In: an image with its block map (FILE.map beside it, by firmware/build-image). Out: how it ended.
// Runs on: cold threads.
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
// "bytes N" and lines "INDEX HASH" in rising order; false when it is not so.
bool parse_block_map(std::string_view text, BlockMap& out);

enum class FlashEnd : std::uint8_t {
  complete,
  bad_map,        // the map is missing or not whole
  bad_image,      // the image is not what its map says
  unreadable,     // the image cannot be read
  cannot_open,    // the device
  too_small,      // the device
  write_failed,   // the device refused a write
  verify_failed,  // the device said yes and holds something else
  unplugged,      // the device is gone
  count
};
std::string_view name_of(FlashEnd end);

struct Flashed {
  FlashEnd end = FlashEnd::complete;
  std::string detail;
};
// `progress`: what is done ("writing", "reading back"), how many bytes of all.
Flashed flash(const std::string& image, const BlockMap& map, const std::string& device,
              const std::function<void(std::string_view, std::uint64_t, std::uint64_t)>& progress);

}  // namespace vedette::firmware
