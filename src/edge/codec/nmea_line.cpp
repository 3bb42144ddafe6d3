#include "edge/codec/nmea_line.hpp"

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "edge/codec/nmea0183.hpp"
#include "edge/codec/nmea_tags.hpp"

namespace vedette::codec {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool starts_sentence(char c) {
  return c == '$' || c == '!';
}

constexpr int kTagBlocks = 4;  // of one sentence; more are none, so a line of them costs little

// Where a sentence starts behind the tag blocks at `at`; `at` itself if there are none.
std::size_t behind_tags(std::string_view line, std::size_t at) {
  std::size_t open = at;
  for (int i = 0; i < kTagBlocks && open < line.size() && line[open] == '\\'; ++i) {
    const std::size_t close = line.find('\\', open + 1);
    if (close == kNone || close + 1 >= line.size()) {
      return at;
    }
    open = close + 1;
  }
  return open < line.size() && starts_sentence(line[open]) ? open : at;
}

}  // namespace

std::size_t sentence_start(std::string_view line, std::size_t from) {
  for (std::size_t at = from; at < line.size(); ++at) {
    if (starts_sentence(line[at])) {
      return at;
    }
    if (const std::size_t behind = behind_tags(line, at); behind != at) {
      return at;
    }
  }
  return kNone;
}

std::size_t sentence_end(std::string_view line) {
  std::size_t start = sentence_start(line);
  if (start != kNone) {
    start = behind_tags(line, start);
  }
  const std::size_t star = start == kNone ? kNone : line.find('*', start);
  if (star == kNone || line.size() < star + 3) {
    return kNone;
  }
  const int high = hex_value(line[star + 1]);
  const int low = hex_value(line[star + 2]);
  const bool holds = high >= 0 && low >= 0 &&
                     checksum_of(line.substr(start + 1, star - start - 1)) == high * 16 + low;
  return holds ? star + 3 : kNone;
}

Cut NmeaCodec::cut(Bytes bytes, Place place) {
  const Cut found =
      cut_text(bytes, place, [](Bytes line) { return sentence_end(as_text(line)) != kNone; });
  if (found.kind != Cut::Kind::frame && found.kind != Cut::Kind::nothing) {
    return found;
  }
  const std::string_view text = as_text(bytes.first(found.bytes));
  if (starts_sentence(text[0]) && text.find('$', 1) == kNone && text.find('!', 1) == kNone) {
    return found;  // the usual line
  }
  const std::size_t first = sentence_start(text);
  if (first == kNone) {
    return found;
  }
  const std::size_t end = sentence_end(text);
  const std::size_t second =
      sentence_start(text, end != kNone ? end : behind_tags(text, first) + 1);
  if (second == kNone) {
    return found;
  }
  return {end != kNone || place.in_step ? Cut::Kind::frame : Cut::Kind::nothing, second};
}

}  // namespace vedette::codec
