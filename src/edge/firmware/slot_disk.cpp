#include "edge/firmware/slot_disk.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "platform/machine.hpp"

namespace vedette::firmware {
namespace {

static_assert(sizeof(VedetteBootState) == 128 && sizeof(VedetteSlot) == 128);
static_assert(VEDETTE_BLOCK == platform::kBlockBytes);

// Fixed offsets, because older versions read and write them.
static_assert(offsetof(VedetteBootState, trial_version) == 40 &&
              offsetof(VedetteBootState, note) == 56 && offsetof(VedetteSlot, board) == 72 &&
              sizeof(VedetteSlotRecord) == 2);

// UEFI 2.10, 5.3.2 and 5.3.3, on disks with sectors of 512 bytes.
constexpr std::size_t kSector = 512;
constexpr std::size_t kTableBytes = std::size_t{64} << 10;
constexpr std::size_t kEntriesAt = 72, kCountAt = 80, kEntrySizeAt = 84;
constexpr std::size_t kFirstAt = 32, kLastAt = 40, kNameAt = 56, kNameUnits = 36;

std::uint32_t crc32_of(const void* at, std::size_t bytes) {
  return static_cast<std::uint32_t>(
      ::crc32(0, static_cast<const Bytef*>(at), static_cast<uInt>(bytes)));
}

std::string name_in(const std::uint8_t* entry) {
  std::string name;
  for (std::size_t i = 0; i < kNameUnits; ++i) {
    const auto unit = load_le<std::uint16_t>(entry + kNameAt + 2 * i);
    if (unit == 0 || unit > 126) {
      break;
    }
    name += static_cast<char>(unit);
  }
  return name;
}

}  // namespace

std::string SlotDisk::open(const std::string& path, bool write) {
  if (const int error = device_.open(path, write); error != 0) {
    return path + ": " + platform::error_text(error);
  }
  platform::BlockBuffer buffer(kTableBytes);
  const std::span<std::uint8_t> front = buffer.span();
  if (const int error = device_.read(0, front); error != 0) {
    return path + ": " + platform::error_text(error);
  }
  const std::uint8_t* head = front.data() + kSector;
  const auto first = load_le<std::uint64_t>(head + kEntriesAt) * kSector;
  const auto count = load_le<std::uint32_t>(head + kCountAt);
  const auto size = load_le<std::uint32_t>(head + kEntrySizeAt);
  if (std::memcmp(head, "EFI PART", 8) != 0 || size < 128 || count > 1024 || first > front.size() ||
      first + std::uint64_t{count} * size > front.size()) {
    return path + " has no partition table";
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint8_t* entry = front.data() + first + std::size_t{i} * size;
    const auto from = load_le<std::uint64_t>(entry + kFirstAt);
    const auto to = load_le<std::uint64_t>(entry + kLastAt);
    const std::string name = name_in(entry);
    Area* const area = name == "vedette-state"    ? &state_
                       : name == "vedette-slot-0" ? &slots_[0]
                       : name == "vedette-slot-1" ? &slots_[1]
                                                  : nullptr;
    if (area != nullptr && to >= from && from % (platform::kBlockBytes / kSector) == 0) {
      *area = {from * kSector, (to - from + 1) * kSector};
    }
  }
  const bool whole = state_.bytes >= std::uint64_t{VEDETTE_STATE_COPIES} * VEDETTE_BLOCK &&
                     slots_[0].bytes > VEDETTE_BLOCK && slots_[1].bytes > VEDETTE_BLOCK;
  return whole ? std::string() : path + " has no slots; it was not made by firmware/build-image";
}

std::optional<VedetteBootState> SlotDisk::read_state() const {
  std::optional<VedetteBootState> newest;
  platform::BlockBuffer block(VEDETTE_BLOCK);
  for (std::uint64_t copy = 0; copy < VEDETTE_STATE_COPIES; ++copy) {
    VedetteBootState state;
    if (device_.read(state_.offset + copy * VEDETTE_BLOCK, block.span()) != 0) {
      continue;
    }
    std::memcpy(&state, block.span().data(), sizeof state);
    if (std::memcmp(state.magic, VEDETTE_STATE_MAGIC, sizeof state.magic) == 0 &&
        state.crc32 == crc32_of(&state, offsetof(VedetteBootState, crc32)) &&
        (!newest || state.sequence > newest->sequence)) {
      newest = state;
    }
  }
  return newest;
}

std::string SlotDisk::write_state(VedetteBootState& state) const {
  ++state.sequence;
  state.crc32 = crc32_of(&state, offsetof(VedetteBootState, crc32));
  platform::BlockBuffer block(VEDETTE_BLOCK);
  std::memset(block.span().data(), 0, VEDETTE_BLOCK);
  std::memcpy(block.span().data(), &state, sizeof state);
  const std::uint64_t copy = state.sequence % VEDETTE_STATE_COPIES;
  int error = device_.write(state_.offset + copy * VEDETTE_BLOCK, block.span());
  error = error != 0 ? error : device_.sync();
  return error == 0 ? std::string() : "cannot write the boot state: " + platform::error_text(error);
}

std::optional<VedetteSlot> SlotDisk::read_head(std::uint32_t index) const {
  platform::BlockBuffer block(VEDETTE_BLOCK);
  VedetteSlot head;
  if (device_.read(slots_[index].offset, block.span()) != 0) {
    return std::nullopt;
  }
  std::memcpy(&head, block.span().data(), sizeof head);
  const bool whole = std::memcmp(head.magic, VEDETTE_SLOT_MAGIC, sizeof head.magic) == 0 &&
                     head.crc32 == crc32_of(&head, offsetof(VedetteSlot, crc32));
  return whole ? std::optional(head) : std::nullopt;
}

SlotHeads SlotDisk::read_heads() const {
  return {read_head(0), read_head(1)};
}

bool SlotDisk::is_whole(std::uint32_t index, const VedetteSlot& head) const {
  platform::BlockBuffer buffer;
  uLong crc = ::crc32(0, nullptr, 0);
  for (std::uint64_t at = 0; at < head.bytes; at += platform::kChunkBytes) {
    const auto bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(platform::kChunkBytes, head.bytes - at));
    const std::span<std::uint8_t> into =
        buffer.span().first(align_up(bytes, platform::kBlockBytes));
    if (device_.read(slots_[index].offset + VEDETTE_BLOCK + at, into) != 0) {
      return false;
    }
    crc = ::crc32(crc, into.data(), static_cast<uInt>(bytes));
  }
  return crc == head.image_crc32;
}

SlotFacts SlotDisk::read_facts(std::uint32_t index) const {
  platform::BlockBuffer buffer;
  const std::size_t bytes =
      std::min<std::uint64_t>(platform::kChunkBytes, slots_[index].bytes - VEDETTE_BLOCK);
  const std::span<std::uint8_t> into = buffer.span().first(bytes);
  return device_.read(slots_[index].offset + VEDETTE_BLOCK, into) == 0 ? firmware::read_facts(into)
                                                                       : SlotFacts{};
}

std::string SlotDisk::write_head(std::uint32_t index, VedetteSlot head) const {
  platform::BlockBuffer block(VEDETTE_BLOCK);
  std::memset(block.span().data(), 0, VEDETTE_BLOCK);
  if (head.bytes != 0) {
    head.crc32 = crc32_of(&head, offsetof(VedetteSlot, crc32));
    std::memcpy(block.span().data(), &head, sizeof head);
  }
  int error = device_.write(slots_[index].offset, block.span());
  error = error != 0 ? error : device_.sync();
  return error == 0 ? std::string() : "cannot write the slot: " + platform::error_text(error);
}

std::optional<std::string> own_disk() {
  return platform::disk_of_partition("vedette-state");
}

}  // namespace vedette::firmware
