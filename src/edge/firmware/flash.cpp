#include "edge/firmware/flash.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace vedette::firmware {
namespace {

constexpr std::uint64_t kMostChunks = std::uint64_t{1} << 24;

class Job {
 public:
  Job(const BlockMap& map,
      const std::function<void(std::string_view, std::uint64_t, std::uint64_t)>& progress)
      : map_(map), progress_(progress) {}

  Flashed run(const std::string& image, const std::string& device) {
    if (const int error = image_.open(image, false); error != 0) {
      return {FlashEnd::unreadable, image + ": " + platform::error_text(error)};
    }
    if (const int error = device_.open(device, true); error != 0) {
      return {FlashEnd::cannot_open, device + ": " + platform::error_text(error)};
    }
    const auto room = device_.bytes();
    if (!room || room.value() < map_.bytes) {
      return {FlashEnd::too_small, device + " has " + std::to_string(room ? room.value() : 0) +
                                       " bytes, the image needs " + std::to_string(map_.bytes)};
    }
    const std::uint64_t chunks = map_.bytes / platform::kChunkBytes;
    // From here until the end, the disk does not boot.
    std::memset(buffer_.span().data(), 0, platform::kChunkBytes);
    int error = device_.write(0, buffer_.span());
    error = error != 0 ? error : device_.sync();
    if (error != 0) {
      return failed(error, 0);
    }
    platform::BlockStream stream;
    error = stream.start(device_, platform::kChunkBytes);
    for (std::uint64_t i = 1; i < chunks && error == 0; ++i) {
      if (Flashed loaded = load(image, i); loaded.end != FlashEnd::complete) {
        return loaded;
      }
      error = stream.put(buffer_.span());
      progress_("writing", (i + 1) * platform::kChunkBytes, map_.bytes);
      at_ = i;
    }
    error = error != 0 ? error : stream.finish();
    if (error != 0) {
      return failed(error, at_);
    }
    for (std::uint64_t i = 1; i < chunks; ++i) {
      if (Flashed same = compare(i); same.end != FlashEnd::complete) {
        return same;
      }
      progress_("reading back", (i + 1) * platform::kChunkBytes, map_.bytes);
    }
    if (Flashed loaded = load(image, 0); loaded.end != FlashEnd::complete) {
      return loaded;
    }
    error = device_.write(0, buffer_.span());
    error = error != 0 ? error : device_.sync();
    return error != 0 ? failed(error, 0) : compare(0);
  }

 private:
  static Flashed failed(int error, std::uint64_t chunk) {
    const bool gone = error == ENODEV || error == ENXIO;
    return {gone ? FlashEnd::unplugged : FlashEnd::write_failed,
            "chunk " + std::to_string(chunk) + ": " + platform::error_text(error)};
  }
  const BlockMap::Chunk* mapped(std::uint64_t index) const {
    const auto found =
        std::lower_bound(map_.chunks.begin(), map_.chunks.end(), index,
                         [](const BlockMap::Chunk& c, std::uint64_t i) { return c.index < i; });
    return found != map_.chunks.end() && found->index == index ? &*found : nullptr;
  }
  // The image's chunk with its hash checked, or zeros.
  Flashed load(const std::string& image, std::uint64_t index) {
    const BlockMap::Chunk* chunk = mapped(index);
    if (chunk == nullptr) {
      std::memset(buffer_.span().data(), 0, platform::kChunkBytes);
      return {};
    }
    if (const int error = image_.read(index * platform::kChunkBytes, buffer_.span()); error != 0) {
      return {FlashEnd::unreadable, image + ": " + platform::error_text(error)};
    }
    return platform::sha256(buffer_.span()) == chunk->hash
               ? Flashed{}
               : Flashed{FlashEnd::bad_image, "chunk " + std::to_string(index) +
                                                  " of the image does not match IMAGE.map"};
  }
  Flashed compare(std::uint64_t index) {
    if (const int error = device_.read(index * platform::kChunkBytes, buffer_.span()); error != 0) {
      Flashed end = failed(error, index);
      end.end = end.end == FlashEnd::unplugged ? end.end : FlashEnd::verify_failed;
      return end;
    }
    const BlockMap::Chunk* chunk = mapped(index);
    const std::span<const std::uint8_t> seen = buffer_.span();
    const bool same = chunk != nullptr
                          ? platform::sha256(seen) == chunk->hash
                          : std::all_of(seen.begin(), seen.end(), [](auto b) { return b == 0; });
    return same ? Flashed{}
                : Flashed{FlashEnd::verify_failed,
                          "chunk " + std::to_string(index) + " reads back differently"};
  }

  const BlockMap& map_;
  const std::function<void(std::string_view, std::uint64_t, std::uint64_t)>& progress_;
  platform::BlockDevice image_, device_;
  platform::BlockBuffer buffer_;
  std::uint64_t at_ = 0;
};

}  // namespace

std::string_view name_of(FlashEnd end) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(FlashEnd::count)> kNames = {
      "complete",  "bad-map",      "bad-image",     "unreadable", "cannot-open",
      "too-small", "write-failed", "verify-failed", "unplugged"};
  return kNames[static_cast<std::size_t>(end)];
}

bool parse_block_map(std::string_view text, BlockMap& out) {
  out = {};
  std::string_view line = next_field(text, '\n');
  if (next_field(line, ' ') != "bytes") {
    return false;
  }
  out.bytes = parse_unsigned(line).value_or(0);
  if (out.bytes == 0 || out.bytes % platform::kChunkBytes != 0 ||
      out.bytes / platform::kChunkBytes > kMostChunks) {
    return false;
  }
  while (!text.empty()) {
    line = next_field(text, '\n');
    const auto index = parse_unsigned(next_field(line, ' '));
    BlockMap::Chunk chunk{index.value_or(0), {}};
    const bool rising = out.chunks.empty() || chunk.index > out.chunks.back().index;
    if (!index || !rising || chunk.index >= out.bytes / platform::kChunkBytes ||
        !parse_hex(line, chunk.hash)) {
      return false;
    }
    out.chunks.push_back(chunk);
  }
  return !out.chunks.empty() && out.chunks.front().index == 0;
}

Flashed flash(const std::string& image, const BlockMap& map, const std::string& device,
              const std::function<void(std::string_view, std::uint64_t, std::uint64_t)>& progress) {
  return Job(map, progress).run(image, device);
}

}  // namespace vedette::firmware
