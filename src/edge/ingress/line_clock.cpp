#include "edge/ingress/line_clock.hpp"

#include <cstring>
#include <optional>
#include <string_view>

#include "base/text.hpp"
#include "edge/codec/line_time.hpp"
#include "edge/codec/n2k_lines.hpp"
#include "edge/codec/nmea_sentence.hpp"
#include "edge/codec/nmea_tags.hpp"

namespace vedette::ingress {
namespace {

constexpr std::int64_t kDayNs = std::int64_t{86'400} * 1'000'000'000;
// A time that stands in fewer of the lines is no clock: one line in twenty.
constexpr std::size_t kLeastShare = 20;

constexpr std::string_view kSeparators = " \t\r,;:|[](){}\"'";

struct LineTime {
  std::optional<std::int64_t> unix_ns;
  std::optional<std::int64_t> of_day_ns;
  std::int64_t cycle_ns = kDayNs;  // after which of_day_ns begins anew

  bool any() const { return unix_ns || of_day_ns; }
};

std::string_view stripped(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSeparators);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSeparators) - first + 1);
}

// What a logger wrote: one time, or fields of which one is a time.
LineTime written_in(std::string_view text) {
  text = stripped(text);
  const auto one = [](std::string_view piece) {
    LineTime time;
    time.unix_ns = codec::written_time(piece);
    if (!time.unix_ns) {
      time.unix_ns = codec::unix_ns_of(piece);
    }
    if (!time.unix_ns && piece.size() >= 8 && piece[2] == ':') {
      time.of_day_ns = codec::time_of_day(piece);
    }
    return time;
  };
  LineTime time = one(text);
  while (!time.any() && !text.empty()) {
    const std::size_t end = text.find_first_of(",;|\t");
    time = one(stripped(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return time;
}

// "$PGHP,1,2008,5,9,0,0,0,10,…": Gatehouse's time of the sentence that follows.
std::optional<std::int64_t> gatehouse(std::string_view sentence) {
  if (!sentence.starts_with("$PGHP,1,")) {
    return std::nullopt;
  }
  std::string_view rest = sentence.substr(8);
  std::uint64_t part[7];
  for (std::uint64_t& value : part) {
    const auto number = parse_unsigned(next_field(rest, ','));
    if (!number) {
      return std::nullopt;
    }
    value = *number;
  }
  if (part[0] < 1970 || part[0] > 2261 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
      part[2] > 31 || part[3] > 23 || part[4] > 59 || part[5] > 60 || part[6] > 999) {
    return std::nullopt;
  }
  const std::int64_t days = days_from_civil(static_cast<std::int64_t>(part[0]),
                                            static_cast<int>(part[1]), static_cast<int>(part[2]));
  const auto ms =
      static_cast<std::int64_t>(((part[3] * 60 + part[4]) * 60 + part[5]) * 1000 + part[6]);
  return days * kDayNs + ms * 1'000'000;
}

// What the logger or receiver says beside the content.
LineTime beside(std::string_view line) {
  codec::NmeaTags tags;
  const std::string_view sentence = codec::sentence_in(line, tags);
  if (tags.unix_ns != 0) {
    return {tags.unix_ns, std::nullopt};
  }
  if (sentence.empty() || sentence.starts_with("!PDGY,")) {
    codec::N2kLine message;
    codec::read_n2k_line(as_bytes(line), message);
    LineTime time;
    if (message.time_ns != 0) {
      time.unix_ns = message.time_ns;
    } else if (message.of_day_ns >= 0) {
      time.of_day_ns = message.of_day_ns;
    } else if (message.timer_ns >= 0) {
      time.of_day_ns = message.timer_ns;
      time.cycle_ns = codec::kTimerNs;
    }
    return time;
  }
  if (const auto ns = gatehouse(sentence)) {
    return {ns, std::nullopt};
  }
  const std::string_view before = line.substr(0, line.find_first_of("$!\\"));
  if (const LineTime time = written_in(before); time.any()) {
    return time;
  }
  const std::size_t star = sentence.find('*');
  return star == std::string_view::npos || star + 3 >= sentence.size()
             ? LineTime{}
             : written_in(sentence.substr(star + 3));
}

// Of a receiver's own sentence.
LineTime inside(std::string_view line) {
  codec::NmeaTags tags;
  const std::string_view sentence = codec::sentence_in(line, tags);
  const std::size_t star = sentence.find('*');
  if (star == std::string_view::npos || sentence.size() < star + 3 || sentence[0] != '$') {
    return {};
  }
  std::uint8_t sum = 0;
  std::string_view body = sentence.substr(1, star - 1);
  if (!parse_hex(sentence.substr(star + 1, 2), {&sum, 1}) || codec::checksum_of(body) != sum) {
    return {};
  }
  const std::string_view address = next_field(body, ',');
  codec::NmeaMessage m;
  if (address.size() != 5 || codec::read_sentence(address, body, m) != RefusalCause::none ||
      !m.has_time) {
    return {};
  }
  const bool fixed = m.has_date && (m.valid || m.type != codec::NmeaType::rmc);
  return fixed ? LineTime{m.days * kDayNs + m.time_of_day_ns, m.time_of_day_ns}
               : LineTime{std::nullopt, m.time_of_day_ns};
}

// Which lines have a time.
struct Spread {
  std::size_t count = 0, first = 0, last = 0;

  void note(bool has, std::size_t line) {
    first = has && count == 0 ? line : first;
    last = has ? line : last;
    count += has ? 1 : 0;
  }
  bool covers(std::size_t lines) const {
    return count > 1 && 2 * first <= lines && 2 * (last + 1) >= lines;
  }
};

Bytes next_line(Bytes& text) {
  const auto* newline =
      static_cast<const std::uint8_t*>(std::memchr(text.data(), '\n', text.size()));
  const std::size_t length =
      newline == nullptr ? text.size() : static_cast<std::size_t>(newline - text.data());
  const Bytes line = text.first(length);
  text = text.subspan(newline == nullptr ? length : length + 1);
  return line;
}

}  // namespace

void LineClock::choose(Bytes text, bool only_dated) {
  Spread dated, fixes, of_day;
  std::size_t lines = 0;
  for (Bytes rest = text; !rest.empty() && lines < kLinesLooked; ++lines) {
    const std::string_view line = as_text(next_line(rest));
    const LineTime written = beside(line);
    const LineTime told = inside(line);
    dated.note(written.unix_ns.has_value(), lines);
    fixes.note(told.unix_ns.has_value(), lines);
    of_day.note(written.of_day_ns || told.of_day_ns, lines);
  }
  kind_ = dated.count != 0 && dated.count * kLeastShare >= lines ? Kind::dated
          : only_dated                                           ? Kind::none
          : fixes.covers(lines)                                  ? Kind::fix
          : of_day.covers(lines)                                 ? Kind::of_day
                                                                 : Kind::none;
  for (Bytes rest = text; kind_ != Kind::none && !rest.empty() && first_ns_ == 0;) {
    first_ns_ = take(next_line(rest));
  }
  last_ns_ = 0;
}

std::int64_t LineClock::take(Bytes line) {
  std::optional<std::int64_t> ns;
  if (kind_ == Kind::dated) {
    ns = beside(as_text(line)).unix_ns;
  } else if (kind_ == Kind::fix) {
    ns = inside(as_text(line)).unix_ns;
  } else if (kind_ == Kind::of_day) {
    ns = without_date(line);
  }
  last_ns_ = ns.value_or(last_ns_);
  return last_ns_;
}

std::int64_t LineClock::without_date(Bytes line) {
  const LineTime written = beside(as_text(line));
  const auto of_day = written.of_day_ns ? written.of_day_ns : inside(as_text(line)).of_day_ns;
  if (!of_day) {
    return last_ns_;
  }
  // The first day is the second since 1970, so that no time is 0; later ones are the nearest.
  const std::int64_t cycle_ns = written.cycle_ns;
  const std::int64_t since_ns = last_ns_ == 0 ? kDayNs + cycle_ns - 1 : last_ns_;
  const std::int64_t ns = since_ns - since_ns % cycle_ns + *of_day;
  const std::int64_t away_ns = last_ns_ == 0 ? 0 : ns - last_ns_;
  return away_ns < -cycle_ns / 2 ? ns + cycle_ns : away_ns > cycle_ns / 2 ? ns - cycle_ns : ns;
}

}  // namespace vedette::ingress
