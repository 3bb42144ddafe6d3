#include "node/mismatches.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "model/shard_id.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

constexpr std::string_view kBegin = "vedette-mismatches 1\n";
constexpr std::size_t kTextBytes = 16384;

std::string path_of(const std::string& data) {
  return shard_folder(data) + "/mismatches";
}

bool parse_line(std::string_view line, Mismatch& out) {
  std::array<std::uint64_t, 7> numbers{};
  for (std::uint64_t& number : numbers) {
    const auto field = parse_unsigned(next_field(line, ' '));
    if (!field) {
      return false;
    }
    number = *field;
  }
  out = {static_cast<Mismatch::Wrong>(numbers[0]),
         numbers[1],
         numbers[2],
         numbers[3],
         numbers[4],
         static_cast<std::uint32_t>(numbers[5]),
         static_cast<std::int64_t>(numbers[6])};
  return numbers[0] <= static_cast<std::uint64_t>(Mismatch::Wrong::undecided) &&
         numbers[5] <= std::numeric_limits<std::uint32_t>::max() &&
         numbers[6] <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

std::string Mismatches::text() const {
  std::string text(kBegin);
  for (const Mismatch& m : all_) {
    for (const std::uint64_t number : {static_cast<std::uint64_t>(m.wrong), m.batch, m.first_batch,
                                       m.last_batch, m.good_batch, std::uint64_t{m.epoch}}) {
      append_unsigned(text, number);
      text += ' ';
    }
    append_unsigned(text, static_cast<std::uint64_t>(std::max<std::int64_t>(m.at_ns, 0)));
    text += '\n';
  }
  const std::uint32_t sum = crc32c(as_bytes(text));
  append_hex(text, std::uint64_t{sum});
  text += '\n';
  return text;
}

bool Mismatches::parse(std::string_view text, Mismatches& out) {
  Mismatches read;
  if (text.substr(0, kBegin.size()) != kBegin) {
    return false;
  }
  std::string_view rest = text.substr(kBegin.size());
  while (rest.find('\n') != std::string_view::npos && rest.find('\n') + 1 != rest.size()) {
    Mismatch mismatch;
    if (!parse_line(next_field(rest, '\n'), mismatch) || read.all_.size() == kMost) {
      return false;
    }
    read.all_.push_back(mismatch);
  }
  // Accepts only the exact text that would be written.
  if (read.text() != text) {
    return false;
  }
  out = std::move(read);
  return true;
}

Mismatches Mismatches::read(const std::string& data) {
  Mismatches kept;
  const std::string path = path_of(data);
  if (platform::is_plain_file(path)) {
    parse(platform::read_text_file(path, kTextBytes).value_or(std::string()), kept);
  }
  return kept;
}

int Mismatches::keep(const std::string& data) const {
  return platform::write_file_durably(path_of(data), as_bytes(text()));
}

void Mismatches::add(const Mismatch& mismatch) {
  if (all_.size() == kMost) {
    all_.erase(all_.begin());
  }
  all_.push_back(mismatch);
}

bool Mismatches::too_many(std::int64_t at_ns) const {
  const auto recent = std::count_if(all_.begin(), all_.end(), [&](const Mismatch& m) {
    return m.at_ns <= at_ns && at_ns - m.at_ns < kWithinNs;
  });
  return static_cast<std::size_t>(recent) + 1 >= kTellFrom;
}

Mismatch* Mismatches::open() {
  Mismatch* newest = last();
  const bool waits =
      newest != nullptr && newest->wrong == Mismatch::Wrong::engine && newest->last_batch == 0;
  return waits ? newest : nullptr;
}

bool Mismatches::suspect(std::uint64_t batch, std::uint32_t epoch) const {
  return std::any_of(all_.begin(), all_.end(), [&](const Mismatch& m) {
    return m.first_batch != 0 && batch >= m.first_batch &&
           (m.last_batch == 0 ? epoch <= m.epoch : batch <= m.last_batch);
  });
}

bool Mismatches::distrusts(std::uint64_t batch) const {
  return std::any_of(all_.begin(), all_.end(), [&](const Mismatch& m) {
    const bool of_mirror = m.wrong == Mismatch::Wrong::mirror;
    const std::uint64_t last = of_mirror ? m.batch : m.last_batch;
    return (of_mirror || m.wrong == Mismatch::Wrong::engine) && batch > m.good_batch &&
           (batch <= last || last == 0);
  });
}

}  // namespace vedette::node
