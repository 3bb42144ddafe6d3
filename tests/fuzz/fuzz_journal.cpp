// Journal segments: any bytes are read to the last valid block, and the problem is named. The first
// block's CRC is corrected, so that the fuzzer gets past it. The same bytes are unpacked
// separately.
#include <cstring>
#include <vector>

#include "edge/journal/archiver.hpp"
#include "edge/journal/evidence.hpp"
#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  std::memcpy(aligned.data(), data, size);
  auto* bytes = reinterpret_cast<std::uint8_t*>(aligned.data());
  if (size >= sizeof(journal::BlockHeader)) {
    journal::BlockHeader header;
    std::memcpy(&header, bytes, sizeof header);
    if (header.length <= size - sizeof header) {
      header.magic = journal::kBlockMagic;
      header.version = journal::kFormatVersion;
      header.segment = 1;
      header.crc = journal::block_crc(header, Bytes(bytes + sizeof header, header.length));
      std::memcpy(bytes, &header, sizeof header);
    }
  }
  journal::read_segment(Bytes(bytes, size), 1, {}, {});
  // As evidence of a dropped segment, with the first part's checksum corrected too.
  if (size >= sizeof(journal::EvidenceHeader)) {
    journal::EvidenceHeader header;
    std::memcpy(&header, bytes, sizeof header);
    header.magic = journal::kEvidenceMagic;
    header.version = journal::kFormatVersion;
    header.length = static_cast<std::uint32_t>((size - sizeof header) / 8 * 8);
    header.crc = journal::evidence_crc(header, Bytes(bytes + sizeof header, header.length));
    std::memcpy(bytes, &header, sizeof header);
  }
  journal::read_evidence_file(Bytes(bytes, size),
                              [](const journal::EvidenceHeader&, Bytes) { return true; });
  std::vector<std::uint8_t> out(size * 4 / 8 * 8);
  journal::unpack(Bytes(bytes, size), out);
  journal::inflate_batches(Bytes(bytes, size), out);
  return 0;
}
