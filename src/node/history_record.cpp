#include "node/history_record.hpp"

#include <limits>

#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "model/shard_id.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

constexpr std::string_view kBegin = "vedette-history 1";
constexpr std::size_t kTextBytes = 256;

std::string path_of(const std::string& data) {
  return shard_folder(data) + "/history";
}

}  // namespace

std::string history_text(const HistoryRecord& record) {
  std::string text(kBegin);
  for (const std::uint64_t number :
       {std::uint64_t{record.epoch}, record.segment, record.batch, record.sequence}) {
    text += ' ';
    append_unsigned(text, number);
  }
  const std::uint32_t sum = crc32c(as_bytes(text));
  text += ' ';
  append_hex(text, std::uint64_t{sum});
  text += '\n';
  return text;
}

std::optional<HistoryRecord> parse_history(std::string_view text) {
  if (text.substr(0, kBegin.size()) != kBegin || text.size() <= kBegin.size()) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(kBegin.size() + 1);
  std::uint64_t numbers[4] = {};
  for (std::uint64_t& number : numbers) {
    const auto field = parse_unsigned(next_field(rest, ' '));
    if (!field) {
      return std::nullopt;
    }
    number = *field;
  }
  if (numbers[0] > std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  const HistoryRecord record{static_cast<std::uint32_t>(numbers[0]), numbers[1], numbers[2],
                             numbers[3]};
  // Accepts only the exact text that would be written.
  return history_text(record) == text ? std::optional(record) : std::nullopt;
}

KeptHistory read_history(const std::string& data) {
  KeptHistory kept;
  const std::string path = path_of(data);
  const std::string text = platform::is_plain_file(path)
                               ? platform::read_text_file(path, kTextBytes).value_or(std::string())
                               : std::string();
  kept.record = parse_history(text);
  kept.damaged = !kept.record && platform::exists(path);
  return kept;
}

int keep_history(const std::string& data, const HistoryRecord& record) {
  return platform::write_file_durably(path_of(data), as_bytes(history_text(record)));
}

}  // namespace vedette::node
