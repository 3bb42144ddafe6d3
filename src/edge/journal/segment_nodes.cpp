#include "edge/journal/segment_nodes.hpp"

#include "edge/journal/format.hpp"
#include "edge/journal/reader.hpp"

namespace vedette::journal {
namespace {

struct Beginning {
  BlockHeader block;
  SegmentHeader segment;
};
static_assert(sizeof(Beginning) == sizeof(BlockHeader) + sizeof(SegmentHeader));

// Checks only the header's own fields: the checksum also covers the state, which is not read.
bool read_beginning(const platform::Folder& folder, std::uint64_t number, Beginning& out) {
  return folder.read_at(segment_name(number), 0,
                        {reinterpret_cast<std::uint8_t*>(&out), sizeof out}) &&
         out.block.magic == kBlockMagic && out.block.version == kFormatVersion &&
         out.block.kind == BlockKind::segment && out.block.segment == number &&
         out.block.length >= sizeof out.segment;
}

bool verifies(const platform::Folder& folder, const BlockHeader& header) {
  const std::string name = segment_name(header.segment);
  std::uint8_t last = 0;  // reads the last byte first, so that a false length allocates nothing
  if (!folder.read_at(name, sizeof header + header.length - 1, {&last, 1})) {
    return false;
  }
  std::vector<std::uint8_t> payload(header.length);
  return folder.read_at(name, sizeof header, payload) && block_crc(header, payload) == header.crc;
}

}  // namespace

std::uint64_t node_of_journal(const platform::Folder& folder, std::uint64_t expected) {
  const std::vector<std::uint64_t> numbers = list_segments(folder);
  Beginning beginning{};
  for (std::size_t i = numbers.size(); expected != 0 && i-- > 0;) {
    if (read_beginning(folder, numbers[i], beginning) && beginning.segment.node == expected) {
      return expected;
    }
  }
  for (std::size_t i = numbers.size(); i-- > 0;) {
    if (read_beginning(folder, numbers[i], beginning) && beginning.segment.node != 0 &&
        verifies(folder, beginning.block)) {
      return beginning.segment.node;
    }
  }
  return 0;
}

}  // namespace vedette::journal
