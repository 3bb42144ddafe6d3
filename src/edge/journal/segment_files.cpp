// Lists segments by name and first bytes.
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "edge/journal/reader.hpp"
#include "platform/file.hpp"

namespace vedette::journal {

std::string segment_name(std::uint64_t number) {
  std::string name = "0000000000000000.seg";
  for (std::size_t i = 16; i-- > 0; number >>= 4) {
    name[i] = "0123456789abcdef"[number & 15];
  }
  return name;
}

namespace {

// Bound against overflow: a segment a second takes nine million years to reach it.
constexpr std::uint64_t kMostSegment = std::uint64_t{1} << 48;
constexpr std::uint64_t kSegmentFileBytes = std::uint64_t{2} << 30;

// Empty if its name and first bytes are a segment's.
std::string why_strange(const platform::Folder& folder, const std::string& name,
                        std::uint64_t& number) {
  const auto parsed = parse_unsigned(std::string_view(name).substr(0, name.find('.')), 16);
  number = parsed.value_or(0);
  if (!parsed || segment_name(number) != name) {
    return "its name is not that of a segment";
  }
  if (number == 0 || number >= kMostSegment) {
    return "its number is out of range";
  }
  const auto file = folder.open(name, platform::OpenFor::reading);
  if (!file) {  // unreadable now, but still a segment
    const bool missing = file.error() == ENOENT || file.error() == EISDIR;
    return missing || file.error() == platform::kNotPlain ? "it is not a regular file" : "";
  }
  std::uint8_t beyond = 0;
  if (file.value().read_whole(kSegmentFileBytes, {&beyond, 1})) {
    return "it is larger than any segment";
  }
  BlockHeader head{};
  if (file.value().read_whole(0, {reinterpret_cast<std::uint8_t*>(&head), sizeof head}) &&
      head.magic == kBlockMagic && head.segment != number) {
    return "its content is that of segment " + std::to_string(head.segment);
  }
  return {};
}

}  // namespace

std::vector<std::uint64_t> list_segments(const platform::Folder& folder) {
  std::vector<std::uint64_t> numbers;
  std::uint64_t number = 0;
  for (const std::string& name : folder.list()) {
    if (name.ends_with(".seg") && why_strange(folder, name, number).empty()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

std::string why_other_layout(const std::string& data) {
  if (!platform::exists(data + "/journal")) {
    return {};
  }
  return "its journal is from before format " + std::to_string(kFormatVersion) +
         ": use the version of vedette that wrote it";
}

std::vector<ReadResult::Strange> list_strange(const platform::Folder& folder) {
  std::vector<ReadResult::Strange> strange;
  std::uint64_t number = 0;
  for (const std::string& name : folder.list()) {
    if (name.ends_with(".seg")) {
      if (std::string why = why_strange(folder, name, number); !why.empty()) {
        strange.push_back({name, std::move(why)});
      }
    }
  }
  return strange;
}

}  // namespace vedette::journal
