#include "sim/damage.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "edge/journal/reader.hpp"
#include "platform/file.hpp"

namespace vedette::sim {
namespace {

void put_back(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) {
    fail("%s cannot be written", path.c_str());
  }
  std::fclose(file);
}

std::vector<std::size_t> blocks_of(const std::vector<std::uint8_t>& bytes, std::size_t valid) {
  std::vector<std::size_t> blocks;
  for (std::size_t at = 0; at < valid;) {
    blocks.push_back(at);
    journal::BlockHeader header{};
    std::memcpy(&header, bytes.data() + at, sizeof header);
    at += journal::block_bytes(header.length);
  }
  return blocks;
}

}  // namespace

void spoil_the_end(Random& random, const std::string& journal) {
  const auto segments = journal::list_segments(journal);
  const journal::ReadResult before = journal::read_journal(journal, {});
  const bool known = before.problem.empty() || before.torn_tail;  // else whole blocks may follow
  if (!random.one_in(2) || before.last_segment != segments.back() || !known) {
    return;
  }
  const std::string path = journal + "/" + journal::segment_name(before.last_segment);
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  std::fseek(file, static_cast<long>(before.valid_bytes), SEEK_SET);
  const std::uint64_t bytes = 1 + random.below(6000);
  for (std::uint64_t i = 0; i < bytes; ++i) {
    std::fputc(static_cast<int>(random.below(256)), file);
  }
  std::fclose(file);
}

std::string misdirect(Random& random, const std::string& journal) {
  const journal::ReadResult before = journal::read_journal(journal, {});
  const std::string path = journal + "/" + journal::segment_name(before.last_segment);
  const auto whole = platform::read_file(path, std::size_t{1} << 30);
  if (!whole || before.valid_bytes == 0) {
    return {};
  }
  const std::vector<std::uint8_t>& bytes = whole.value();
  const std::vector<std::size_t> blocks = blocks_of(bytes, before.valid_bytes);
  const std::size_t from = blocks[random.below(blocks.size())];
  journal::BlockHeader header{};
  std::memcpy(&header, bytes.data() + from, sizeof header);
  const std::size_t length = journal::block_bytes(header.length);
  const std::size_t places = (bytes.size() - length) / limits::kBlockAlignment + 1;
  const std::size_t to = random.below(places) * limits::kBlockAlignment;
  if (to == from) {
    return {};
  }
  std::vector<std::uint8_t> wrong = bytes;
  std::fill_n(wrong.begin() + static_cast<std::ptrdiff_t>(from), length, std::uint8_t{0});
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), length,
              wrong.begin() + static_cast<std::ptrdiff_t>(to));
  put_back(path, wrong);
  if (journal::read_journal(journal, {}).problem.empty()) {
    fail("a block that stands at %zu instead of %zu is not noticed", to, from);
  }
  put_back(path, bytes);
  return "a misdirected write from " + std::to_string(from) + " to " + std::to_string(to);
}

std::string spoil_a_block(Random& random, const std::string& journal) {
  const journal::ReadResult before = journal::read_journal(journal, {});
  const std::string path = journal + "/" + journal::segment_name(before.last_segment);
  auto whole = platform::read_file(path, std::size_t{1} << 30);
  if (!before.problem.empty() || !whole) {
    return {};
  }
  std::vector<std::uint8_t>& bytes = whole.value();
  const std::vector<std::size_t> blocks = blocks_of(bytes, before.valid_bytes);
  if (blocks.size() < 3) {
    return {};
  }
  const std::size_t which = 1 + random.below(blocks.size() - 2);
  const std::size_t bytes_of_it = blocks[which + 1] - blocks[which];
  bytes[blocks[which] + random.below(std::min<std::size_t>(bytes_of_it, 256))] ^= 0x10;
  put_back(path, bytes);
  return "block " + std::to_string(which) + " of " + std::to_string(blocks.size()) + " is spoilt";
}

}  // namespace vedette::sim
