// Inputs of updates and flashing: manifests, block maps and slot facts. Accepted ones must keep
// their bounds.
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "edge/firmware/bundle.hpp"
#include "edge/firmware/flash.hpp"
#include "edge/firmware/slot_facts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view text = as_text(Bytes(data, size));
  firmware::Manifest manifest;
  if (firmware::parse_manifest(text, manifest)) {
    CHECK(manifest.bytes != 0 && manifest.version != 0 && manifest.board.size() < 32,
          "a manifest that is taken is whole");
    CHECK((manifest.bytes - 1) / platform::kChunkBytes + 1 == manifest.chunks.size(),
          "a hash for each chunk");
  }
  const firmware::SlotFacts facts = firmware::read_facts(Bytes(data, size));
  CHECK(facts.told || facts.update_key.empty(), "a key is told of");
  firmware::BlockMap map;
  if (firmware::parse_block_map(text, map)) {
    for (const firmware::BlockMap::Chunk& chunk : map.chunks) {
      CHECK((chunk.index + 1) * platform::kChunkBytes <= map.bytes, "chunks lie in the image");
    }
  }
  return 0;
}
