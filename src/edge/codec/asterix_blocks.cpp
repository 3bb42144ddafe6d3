// Cuts data blocks out of a stream or file: one behind the other, or each in a record of the FINAL
// format (a recorder's: length in 2 bytes with itself, error, board, day, 3 bytes of time; blocks;
// 4 x A5). A block has no mark and no checksum, so behind damage one must be readable to its end,
// with another behind it.
#include <algorithm>

#include "edge/codec/asterix.hpp"

namespace vedette::codec {
namespace {

using Kind = Cut::Kind;

constexpr std::size_t kBlockHeader = 3;
constexpr std::size_t kFinalHeader = 8;
constexpr std::size_t kUnknownBytes = 1500;  // of a stream's block that nothing can confirm
constexpr std::uint8_t kFinalEnd[] = {0xA5, 0xA5, 0xA5, 0xA5};

std::size_t block_bytes(Bytes bytes) {
  return load_be<std::uint16_t>(bytes.data() + 1);
}

// The longest block that a stream is read for.
std::size_t most_bytes(const AsterixCategory* category) {
  return category != nullptr ? limits::kAsterixBlockBytes : kUnknownBytes;
}

// Whether all records of a whole block can be read. Each has its sensor, the same in a block: item
// 010, the first in all these categories. Without that, most bytes would read as some record.
bool readable(const AsterixCategory& category, Bytes block) {
  AsterixRecord record;
  Bytes sensor;
  for (std::size_t at = kBlockHeader; at < block.size(); at += record.bytes.size()) {
    if (parse_asterix_record(category, block.subspan(at), record) != RefusalCause::none ||
        record.items[0].empty() || !in_range(record) ||
        (!sensor.empty() && std::memcmp(sensor.data(), record.items[0].data(), 2) != 0)) {
      return false;
    }
    sensor = record.items[0];
  }
  return true;
}

// Whether another block may start behind one. Its first record has a sensor, too.
bool goes_on(Bytes after) {
  if (after.size() <= kBlockHeader) {
    return true;
  }
  const std::size_t length = block_bytes(after);
  if (after[0] == 0 || length <= kBlockHeader || (after[kBlockHeader] & 0x80) == 0) {
    return false;
  }
  const AsterixCategory* const category = asterix_category(after[0]);
  if (length > after.size()) {
    return category != nullptr && length <= most_bytes(category);
  }
  if (category != nullptr) {
    return readable(*category, after.first(length));
  }
  const Bytes behind = after.subspan(length);
  return behind.empty() || (behind.size() > kBlockHeader && block_bytes(behind) > kBlockHeader &&
                            (behind[kBlockHeader] & 0x80) != 0);
}

}  // namespace

std::size_t final_bytes(Bytes bytes) {
  if (bytes.size() < kFinalHeader + kBlockHeader) {
    return 0;
  }
  const std::size_t length = load_be<std::uint16_t>(bytes.data());
  if (length <= kFinalHeader + kBlockHeader + sizeof kFinalEnd || length > bytes.size() ||
      std::memcmp(bytes.data() + length - sizeof kFinalEnd, kFinalEnd, sizeof kFinalEnd) != 0) {
    return 0;
  }
  Bytes blocks = bytes.subspan(kFinalHeader, length - kFinalHeader - sizeof kFinalEnd);
  while (blocks.size() > kBlockHeader && block_bytes(blocks) > kBlockHeader &&
         block_bytes(blocks) <= blocks.size()) {
    blocks = blocks.subspan(block_bytes(blocks));
  }
  return blocks.empty() ? length : 0;
}

Bytes blocks_of(Bytes frame) {
  const bool final = final_bytes(frame) == frame.size();
  return final ? frame.subspan(kFinalHeader, frame.size() - kFinalHeader - sizeof kFinalEnd)
               : frame;
}

Cut AsterixCodec::cut(Bytes bytes, Place place) {
  if (const std::size_t length = final_bytes(bytes); length != 0) {
    return {Kind::frame, length};
  }
  if (bytes.size() < kBlockHeader) {
    const bool waits = place.in_step || asterix_category(bytes[0]) != nullptr;
    return {waits ? Kind::more : Kind::nothing};
  }
  const std::size_t length = block_bytes(bytes);
  const AsterixCategory* const category = asterix_category(bytes[0]);
  if (length <= kBlockHeader || (!place.in_step && category == nullptr)) {
    return {Kind::nothing};
  }
  if (place.end != End::whole && length > most_bytes(category)) {
    const bool known = category != nullptr;
    return {Kind::nothing, 1, known ? RefusalCause::too_long : RefusalCause::framing};
  }
  if (length > bytes.size()) {
    return {place.in_step || !place.ends() ? Kind::more : Kind::nothing};
  }
  if (category == nullptr) {
    return {Kind::unchecked, length};
  }
  const Bytes after = bytes.subspan(length);
  if (!after.empty() && after.size() <= kBlockHeader && !place.ends()) {
    return {Kind::more};
  }
  const bool whole = readable(*category, bytes.first(length));
  const bool goes = goes_on(after);
  if (!place.in_step) {
    return whole && goes ? Cut{Kind::frame, length} : Cut{};
  }
  if (!goes) {
    return whole ? Cut{Kind::unchecked, length}
                 : Cut{Kind::broken, length, RefusalCause::malformed};
  }
  // One that cannot be read, where the next starts: its own decoder names the cause.
  return {Kind::frame, length};
}

}  // namespace vedette::codec
