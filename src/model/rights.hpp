// Purpose: what somebody may ask of a running node, as the site file names it. In: a word of a
// role's `may`. Out: bits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vedette {

enum class Right : std::uint8_t {
  hold,
  resume,
  time,
  acknowledge,
  shelve,
  note,
  cancel,
  requeue,
  count
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Right::count)> kRightNames{
    "hold", "resume", "time", "acknowledge", "shelve", "note", "cancel", "requeue"};
inline constexpr std::uint32_t kAllRights = (1U << kRightNames.size()) - 1;

constexpr std::uint32_t bit_of(Right right) {
  return 1U << static_cast<unsigned>(right);
}
constexpr std::string_view name_of(Right right) {
  return kRightNames[static_cast<std::size_t>(right)];
}
// 0: it names none.
constexpr std::uint32_t rights_of(std::string_view word) {
  for (std::size_t i = 0; i < kRightNames.size(); ++i) {
    if (kRightNames[i] == word) {
      return 1U << i;
    }
  }
  return word == "all" ? kAllRights : 0;
}
inline std::string right_names() {
  std::string all;
  for (const std::string_view name : kRightNames) {
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  return all;
}

}  // namespace vedette
