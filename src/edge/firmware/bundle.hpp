// Purpose: an update bundle: a signed manifest and the image it describes, in chunks with a hash
// each (docs/reference/bundles.md). In: a file, or a device that holds one. Out: the manifest, or
// the refusal by name; then chunk after chunk. Runs on: cold threads.
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
  not_a_bundle,   // it does not begin as one
  truncated,      // it ends before what its manifest says
  bad_signature,  // altered, or signed with another key
  no_key,         // this image was made without a key, so it takes no updates
  bad_manifest,   // signed, and yet not to be understood: of a later format
  damaged,        // a chunk is not what the manifest says
  wrong_board,
  too_old,           // older than the minimum version
  too_large,         // for a slot
  drops_update_key,  // the post would take no update after it
  drops_addresses,   // the post would lose its network
  trial_under_way,   // the version before is not confirmed yet
  restart_first,     // an operator went back, and the version before still runs
  no_slots,          // this machine was not started from an image
  write_failed,
  count
};
std::string_view name_of(Refusal refusal);

struct Manifest {
  std::string board;
  std::uint64_t version = 0, bytes = 0;
  std::uint64_t minimum_version = 0;  // nothing older is installed once this one is confirmed
  std::uint64_t never_before = 0;  // while it is confirmed, nobody goes back further; 0: no bound
  std::uint32_t image_crc32 = 0;
  platform::Sha256 image{};
  std::vector<platform::Sha256> chunks;  // of platform::kChunkBytes, the last of what is left
};

// Of manifest text whose signature is good; false when it is not whole.
bool parse_manifest(std::string_view text, Manifest& out);

class Bundle {
 public:
  Refusal open(const std::string& path, std::string_view public_key_pem);
  const Manifest& manifest() const { return manifest_; }
  // Chunk `index`, checked against its hash; `chunk` lies in `buffer`, which is a whole chunk.
  Refusal read_chunk(std::size_t index, std::span<std::uint8_t> buffer, Bytes& chunk) const;

 private:
  platform::BlockDevice device_;
  Manifest manifest_;
  std::uint64_t image_at_ = 0;
};

}  // namespace vedette::firmware
