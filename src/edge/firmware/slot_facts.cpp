#include "edge/firmware/slot_facts.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/text.hpp"

namespace vedette::firmware {
namespace {

// PE/COFF: offsets of the header, and of a section's name, size and position.
constexpr std::size_t kHeadAt = 0x3C, kHeadBytes = 24, kSectionsAt = 6, kOptionalAt = 20;
constexpr std::size_t kSectionBytes = 40, kSizeAt = 16, kPlaceAt = 20;

std::string_view section(Bytes front, std::string_view wanted) {
  const auto there = [&](std::size_t at, std::size_t bytes) {
    return bytes <= front.size() && at <= front.size() - bytes;
  };
  if (!there(kHeadAt, 4) || std::memcmp(front.data(), "MZ", 2) != 0) {
    return {};
  }
  const std::size_t head = load_le<std::uint32_t>(front.data() + kHeadAt);
  if (!there(head, kHeadBytes) || std::memcmp(front.data() + head, "PE\0\0", 4) != 0) {
    return {};
  }
  const std::size_t count = load_le<std::uint16_t>(front.data() + head + kSectionsAt);
  std::size_t at = head + kHeadBytes + load_le<std::uint16_t>(front.data() + head + kOptionalAt);
  for (std::size_t i = 0; i < count && there(at, kSectionBytes); ++i, at += kSectionBytes) {
    std::string_view name = as_text(front.subspan(at, 8));
    if (next_field(name, '\0') == wanted) {
      const std::size_t bytes = load_le<std::uint32_t>(front.data() + at + kSizeAt);
      const std::size_t place = load_le<std::uint32_t>(front.data() + at + kPlaceAt);
      return there(place, bytes) ? as_text(front.subspan(place, bytes)) : std::string_view();
    }
  }
  return {};
}

}  // namespace

SlotFacts read_facts(Bytes front) {
  SlotFacts facts;
  std::string_view text = section(front, ".osrel");
  text = next_field(text, '\0');  // padded with zeros
  while (!text.empty()) {
    std::string_view value = next_field(text, '\n');
    const std::string_view key = next_field(value, '=');
    if (key == "VEDETTE_UPDATE_KEY") {
      facts.told = true;
      facts.update_key = value;
    } else if (key == "VEDETTE_INTERFACES" && value.size() >= 2) {
      value = value.substr(1, value.size() - 2);  // removes its quotes
      while (!value.empty()) {
        facts.interfaces.emplace_back(next_field(value, ' '));
      }
    }
  }
  return facts;
}

std::string lost_key(const SlotFacts& own, const SlotFacts& next) {
  return own.told && !own.update_key.empty() && next.update_key.empty()
             ? next.told ? "that version would take no further updates"
                         : "that version does not say whether it takes further updates"
             : "";
}

std::string lost_interfaces(const SlotFacts& own, const SlotFacts& next) {
  std::string lost;
  for (const std::string& name : own.interfaces) {
    if (std::find(next.interfaces.begin(), next.interfaces.end(), name) == next.interfaces.end()) {
      lost += (lost.empty() ? "" : ", ") + name;
    }
  }
  return lost.empty() ? lost : lost + " would have no address with that version";
}

}  // namespace vedette::firmware
