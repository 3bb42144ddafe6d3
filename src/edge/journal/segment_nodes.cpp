#include "edge/journal/segment_nodes.hpp"

#include "edge/journal/format.hpp"
#include "edge/journal/reader.hpp"
#include "platform/file.hpp"

namespace vedette::journal {
namespace {

struct Beginning {
  BlockHeader block;
  SegmentHeader segment;
};
static_assert(sizeof(Beginning) == sizeof(BlockHeader) + sizeof(SegmentHeader));

// By its own words only: the state behind the header, which the checksum is of too, is not read.
bool read_beginning(const std::string& path, std::uint64_t number, Beginning& out) {
  return platform::read_at(path, 0, {reinterpret_cast<std::uint8_t*>(&out), sizeof out}) &&
         out.block.magic == kBlockMagic && out.block.version == kFormatVersion &&
         out.block.kind == BlockKind::segment && out.block.segment == number &&
         out.block.length >= sizeof out.segment;
}

bool verifies(const std::string& path, const BlockHeader& header) {
  std::uint8_t last = 0;  // no room is made for what a length says that the file does not hold
  if (!platform::read_at(path, sizeof header + header.length - 1, {&last, 1})) {
    return false;
  }
  std::vector<std::uint8_t> payload(header.length);
  return platform::read_at(path, sizeof header, payload) &&
         block_crc(header, payload) == header.crc;
}

}  // namespace

std::uint64_t node_of_journal(const std::string& folder, std::uint64_t expected) {
  const std::vector<std::uint64_t> numbers = list_segments(folder);
  Beginning beginning{};
  for (std::size_t i = numbers.size(); expected != 0 && i-- > 0;) {
    if (read_beginning(folder + "/" + segment_name(numbers[i]), numbers[i], beginning) &&
        beginning.segment.node == expected) {
      return expected;
    }
  }
  for (std::size_t i = numbers.size(); i-- > 0;) {
    const std::string path = folder + "/" + segment_name(numbers[i]);
    if (read_beginning(path, numbers[i], beginning) && beginning.segment.node != 0 &&
        verifies(path, beginning.block)) {
      return beginning.segment.node;
    }
  }
  return 0;
}

}  // namespace vedette::journal
