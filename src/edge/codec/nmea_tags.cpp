#include "edge/codec/nmea_tags.hpp"

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "edge/codec/line_time.hpp"

namespace vedette::codec {
namespace {

// "1-2-1001": part, parts, number.
std::uint64_t group_of(std::string_view text) {
  next_field(text, '-');
  next_field(text, '-');
  const auto number = parse_unsigned(text);
  return number && *number < UINT64_MAX ? *number + 1 : 0;
}

// "2G3:1001": the older form, whose number stands in the value.
bool names_group(std::string_view key) {
  return key.size() == 3 && key[1] == 'G' && key[0] >= '1' && key[0] <= '9' && key[2] >= '1' &&
         key[2] <= '9';
}

void read_block(std::string_view block, NmeaTags& tags) {
  const std::size_t star = block.find('*');
  if (star == std::string_view::npos || block.size() != star + 3) {
    return;
  }
  const int high = hex_value(block[star + 1]);
  const int low = hex_value(block[star + 2]);
  std::string_view fields = block.substr(0, star);
  if (high < 0 || low < 0 || checksum_of(fields) != high * 16 + low) {
    return;
  }
  while (!fields.empty()) {
    std::string_view value = next_field(fields, ',');
    const std::string_view key = next_field(value, ':');
    if (key == "s") {
      tags.source = value;
    } else if (key == "g") {
      tags.group = group_of(value);
    } else if (names_group(key)) {
      const auto number = parse_unsigned(value);
      tags.group = number && *number < UINT64_MAX ? *number + 1 : 0;
    } else if (key == "c") {
      tags.unix_ns = unix_ns_of(value).value_or(tags.unix_ns);
    }
  }
}

}  // namespace

std::uint8_t checksum_of(std::string_view text) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
  std::size_t left = text.size();
  std::uint64_t word = 0;
  for (; left >= 8; left -= 8, at += 8) {
    word ^= load_le<std::uint64_t>(at);
  }
  word ^= word >> 32;
  word ^= word >> 16;
  auto sum = static_cast<std::uint8_t>(word ^ word >> 8);
  for (; left > 0; --left, ++at) {
    sum ^= *at;
  }
  return sum;
}

std::string_view sentence_in(std::string_view line, NmeaTags& tags) {
  std::size_t begin = line.find_first_of("$!\\");
  while (begin != std::string_view::npos && line[begin] == '\\') {
    const std::size_t close = line.find('\\', begin + 1);
    if (close == std::string_view::npos) {
      return {};
    }
    read_block(line.substr(begin + 1, close - begin - 1), tags);
    begin = line.find_first_of("$!\\", close + 1);
  }
  return begin == std::string_view::npos ? std::string_view{} : line.substr(begin);
}

void read_suffix(std::string_view suffix, NmeaTags& tags) {
  while (!suffix.empty()) {
    const std::string_view field = next_field(suffix, ',');
    if (field.size() > 1 && (field[0] == 'r' || field[0] == 'b') && tags.source.empty() &&
        field.find_first_not_of("0123456789", 1) == std::string_view::npos) {
      tags.source = field;
    }
  }
}

}  // namespace vedette::codec
