#include "edge/firmware/data_folders.hpp"

#include <algorithm>
#include <string_view>

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "platform/file.hpp"

namespace vedette::firmware {
namespace {

constexpr std::size_t kMostText = 4096;
constexpr std::size_t kNameDigits = 16;

bool is_name(std::string_view name) {
  return name.size() == kNameDigits &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

DataFolders take_data_folder(const std::string& partition, const std::string& name) {
  DataFolders result;
  const std::string file = partition + "/data-folders";
  const auto text = platform::read_text_file(file, kMostText);
  std::vector<std::string> others = platform::list_folder(partition);
  std::erase_if(others, [&](const std::string& other) { return !is_name(other) || other == name; });
  // Without a recorded order, none counts as older.
  std::vector<std::string> stay = others;
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  const std::string newest(next_field(rest, '\n'));
  if (newest == name) {
    stay.clear();
    while (!rest.empty()) {
      stay.emplace_back(next_field(rest, '\n'));
    }
  } else {
    if (is_name(newest)) {
      stay = {newest};
    }
    std::string order = name + "\n";
    for (const std::string& other : stay) {
      order += other + "\n";
    }
    if (const int error = platform::write_file_durably(file, as_bytes(order)); error != 0) {
      result.problem = file + ": " + platform::error_text(error);
      return result;
    }
  }
  for (const std::string& other : others) {
    if (std::find(stay.begin(), stay.end(), other) != stay.end()) {
      continue;
    }
    if (const int error = platform::remove_folder(partition + "/" + other); error != 0) {
      result.problem =
          "cannot remove " + other + ", of an older version: " + platform::error_text(error);
    } else {
      result.removed.push_back(other);
    }
  }
  return result;
}

}  // namespace vedette::firmware
