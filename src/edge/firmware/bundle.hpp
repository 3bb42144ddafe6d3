// Purpose: an update bundle: a signed manifest and its image, in chunks with a hash each
// (docs/reference/bundles.md). In: a file, or a device that holds one. Out: the manifest, or a
// refusal by name; then chunk after chunk. Runs on: cold threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/block_device.hpp"
#include "platform/hash.hpp"

namespace vedette::firmware {

enum class Refusal : std::uint8_t {
  none,
  unreadable,     // the device or file cannot be read
  not_a_bundle,   // no bundle's magic
  truncated,      // shorter than its manifest says
  bad_signature,  // altered, or signed with another key
  no_key,         // this image has no key, so it takes no updates
  bad_manifest,   // signed but not understood: a later format
  damaged,        // a chunk differs from its hash
  wrong_board,
  too_old,           // older than the minimum version
  too_large,         // for a slot
  drops_update_key,  // the post could take no update after it
  drops_addresses,   // the post would lose its network
  trial_under_way,   // the previous version is not confirmed yet
  restart_first,     // rolled back, but the previous version still runs
  no_slots,          // this machine was not started from an image
  write_failed,
  count
};
std::string_view name_of(Refusal refusal);

struct Manifest {
  std::string board;
  std::uint64_t version = 0, bytes = 0;
  std::uint64_t minimum_version = 0;  // becomes the minimum when this one is confirmed
  std::uint64_t never_before = 0;     // while confirmed, no rollback to an older one; 0: no bound
  std::uint32_t image_crc32 = 0;
  platform::Sha256 image{};
  std::vector<platform::Sha256> chunks;  // of platform::kChunkBytes each, the last shorter
};

// Parses manifest text with a valid signature; false if it is incomplete.
bool parse_manifest(std::string_view text, Manifest& out);

class Bundle {
 public:
  Refusal open(const std::string& path, std::string_view public_key_pem);
  const Manifest& manifest() const { return manifest_; }
  // Reads chunk `index` and checks its hash; `chunk` lies in `buffer`, which is a whole chunk.
  Refusal read_chunk(std::size_t index, std::span<std::uint8_t> buffer, Bytes& chunk) const;

 private:
  platform::BlockDevice device_;
  Manifest manifest_;
  std::uint64_t image_at_ = 0;
};

}  // namespace vedette::firmware
