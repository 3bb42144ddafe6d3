#include "plan/time_zone.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "model/limits.hpp"
#include "plan/problem.hpp"
#include "platform/file.hpp"

namespace vedette::plan {
namespace {

constexpr std::string_view kFolder = "/usr/share/zoneinfo/";
constexpr std::size_t kFileBytes = 64 << 10;  // the largest have 4 KiB
constexpr std::int64_t kDayS = 86'400;

std::int64_t big_endian(Bytes bytes) {
  std::uint64_t value = (bytes[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (const std::uint8_t byte : bytes) {
    value = value << 8 | byte;
  }
  return static_cast<std::int64_t>(value);
}

// When a rule of the footer begins: the n-th weekday of a month, or a day of the year.
struct Begin {
  enum class Form { month, julian, day } form = Form::month;
  std::int64_t month = 1, week = 1, weekday = 0;  // 1..12, 1..5 with 5 the last, 0 Sunday
  std::int64_t day = 0;
  std::int64_t at_s = 7200;  // local time before the change
};

struct Rule {
  std::int64_t standard_s = 0, summer_s = 0;  // east of UTC
  bool has_summer = false;
  Begin start, end;
};

// Reads a footer, a TZ variable of POSIX (RFC 8536, 3.3).
class Footer {
 public:
  explicit Footer(std::string_view text) : rest_(text) {}

  std::optional<Rule> rule() {
    Rule r;
    std::int64_t west = 0;
    if (!name() || !hours(west)) {
      return std::nullopt;
    }
    r.standard_s = -west;
    if (rest_.empty()) {
      return r;
    }
    r.has_summer = true;
    west = -(r.standard_s + 3600);
    if (!name() || (!starts(',') && !hours(west)) || !begin(r.start) || !begin(r.end) ||
        !rest_.empty()) {
      return std::nullopt;
    }
    r.summer_s = -west;
    return r;
  }

 private:
  bool starts(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool take(char c) {
    const bool there = starts(c);
    rest_.remove_prefix(there ? 1 : 0);
    return there;
  }
  bool name() {
    if (take('<')) {
      const std::size_t end = rest_.find('>');
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      return end != std::string_view::npos;
    }
    std::size_t letters = 0;
    while (letters < rest_.size() &&
           ((rest_[letters] | 0x20) >= 'a' && (rest_[letters] | 0x20) <= 'z')) {
      ++letters;
    }
    rest_.remove_prefix(letters);
    return letters >= 3;
  }
  bool number(std::int64_t& value) {
    std::size_t digits = 0;
    value = 0;
    while (digits < rest_.size() && digits < 4 && rest_[digits] >= '0' && rest_[digits] <= '9') {
      value = value * 10 + (rest_[digits++] - '0');
    }
    rest_.remove_prefix(digits);
    return digits != 0;
  }
  // [+-]hh[:mm[:ss]] in seconds.
  bool hours(std::int64_t& seconds) {
    const bool negative = starts('-');
    rest_.remove_prefix(negative || starts('+') ? 1 : 0);
    std::int64_t part = 0;
    bool good = number(part);
    seconds = part * 3600;
    for (const std::int64_t unit : {std::int64_t{60}, std::int64_t{1}}) {
      if (good && take(':')) {
        good = number(part);
        seconds += part * unit;
      }
    }
    seconds = negative ? -seconds : seconds;
    return good && seconds > -8 * kDayS && seconds < 8 * kDayS;
  }
  bool begin(Begin& b) {
    bool good = take(',');
    if (take('M')) {
      good = good && number(b.month) && take('.') && number(b.week) && take('.') &&
             number(b.weekday) && b.month >= 1 && b.month <= 12 && b.week >= 1 && b.week <= 5 &&
             b.weekday <= 6;
    } else {
      b.form = take('J') ? Begin::Form::julian : Begin::Form::day;
      good = good && number(b.day) && b.day <= 365;
    }
    return good && (!take('/') || hours(b.at_s));
  }

  std::string_view rest_;
};

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// Local seconds since 1970 of the beginning in a year.
std::int64_t begins_s(const Begin& b, std::int64_t year) {
  const std::int64_t new_year = days_from_civil(year, 1, 1);
  if (b.form != Begin::Form::month) {
    // A julian day, from 1, does not count 29 February.
    const bool later = b.form == Begin::Form::julian && is_leap(year) && b.day >= 60;
    const std::int64_t day = b.form == Begin::Form::julian ? b.day - (later ? 0 : 1) : b.day;
    return (new_year + day) * kDayS + b.at_s;
  }
  const std::int64_t first = days_from_civil(year, static_cast<int>(b.month), 1);
  const std::int64_t next = b.month == 12 ? days_from_civil(year + 1, 1, 1)
                                          : days_from_civil(year, static_cast<int>(b.month) + 1, 1);
  const std::int64_t weekday = ((first + 4) % 7 + 7) % 7;  // 1970-01-01: Thursday, 4
  std::int64_t day = first + (b.weekday - weekday + 7) % 7 + (b.week - 1) * 7;
  day -= day >= next ? 7 : 0;
  return day * kDayS + b.at_s;
}

struct Change {
  std::int64_t at_s;
  std::int64_t offset_s;
};

void add_by_rule(const Rule& rule, std::vector<Change>& changes) {
  const std::int64_t after = changes.back().at_s;
  if (!rule.has_summer) {
    changes.push_back({std::max(after + 1, limits::kTimeFromS), rule.standard_s});
    return;
  }
  for (std::int64_t year = 1999; year <= 2100; ++year) {
    const Change both[] = {{begins_s(rule.start, year) - rule.standard_s, rule.summer_s},
                           {begins_s(rule.end, year) - rule.summer_s, rule.standard_s}};
    const bool north = both[0].at_s < both[1].at_s;
    for (const Change& change : {both[north ? 0 : 1], both[north ? 1 : 0]}) {
      if (change.at_s > after) {
        changes.push_back(change);
      }
    }
  }
}

// What counts within our time, each change of the offset once.
void keep(const std::vector<Change>& changes, Transitions& out) {
  out.from = {limits::kTimeFromS};
  out.offset = {0};
  for (const Change& change : changes) {
    const auto offset = static_cast<std::int32_t>(change.offset_s);
    if (change.at_s <= limits::kTimeFromS) {
      out.offset[0] = offset;
    } else if (change.at_s < limits::kTimeToS && offset != out.offset.back()) {
      out.from.push_back(change.at_s);
      out.offset.push_back(offset);
    }
  }
}

struct Block {
  std::int64_t times, types, characters, leaps, standard, utc;

  explicit Block(Bytes header) {
    const auto count = [&](std::size_t at) { return big_endian(header.subspan(at, 4)); };
    utc = count(20), standard = count(24), leaps = count(28), times = count(32);
    types = count(36), characters = count(40);
  }
  bool sane() const {
    const auto good = [](std::int64_t n) { return n >= 0 && n <= std::int64_t{kFileBytes}; };
    return good(times) && good(types) && good(characters) && good(leaps) && good(standard) &&
           good(utc) && types > 0;
  }
  std::int64_t bytes(std::int64_t time_bytes) const {
    return times * (time_bytes + 1) + types * 6 + characters + leaps * (time_bytes + 4) + standard +
           utc;
  }
};

constexpr std::size_t kHeaderBytes = 44;

bool is_header(Bytes bytes) {
  return bytes.size() >= kHeaderBytes && as_text(bytes.first(4)) == "TZif" && bytes[4] >= '2';
}

}  // namespace

bool read_transitions(Bytes tzif, Transitions& out) {
  if (!is_header(tzif) || !Block(tzif).sane()) {
    return false;
  }
  const auto second = static_cast<std::size_t>(Block(tzif).bytes(4)) + kHeaderBytes;
  if (second > tzif.size() || !is_header(tzif.subspan(second))) {
    return false;
  }
  const Bytes bytes = tzif.subspan(second);
  const Block block(bytes);
  if (!block.sane() || kHeaderBytes + static_cast<std::size_t>(block.bytes(8)) > bytes.size()) {
    return false;
  }
  const auto times = static_cast<std::size_t>(block.times);
  const Bytes indices = bytes.subspan(kHeaderBytes + 8 * times, times);
  const Bytes types = bytes.subspan(kHeaderBytes + 9 * times);
  std::vector<Change> changes{{INT64_MIN, big_endian(types.first(4))}};
  for (std::size_t i = 0; i < times; ++i) {
    if (indices[i] >= block.types) {
      return false;
    }
    changes.push_back({big_endian(bytes.subspan(kHeaderBytes + 8 * i, 8)),
                       big_endian(types.subspan(std::size_t{6} * indices[i], 4))});
  }
  std::string_view footer =
      as_text(bytes.subspan(kHeaderBytes + static_cast<std::size_t>(block.bytes(8))));
  if (footer.size() >= 2 && footer.front() == '\n') {
    footer = footer.substr(1, footer.find('\n', 1) - 1);
    if (const auto rule = Footer(footer).rule()) {
      add_by_rule(*rule, changes);
    } else if (!footer.empty()) {
      return false;
    }
  }
  keep(changes, out);
  return std::all_of(out.offset.begin(), out.offset.end(),
                     [](std::int32_t s) { return s > -2 * kDayS && s < 2 * kDayS; });
}

std::string load_time_zone(std::string_view name, Transitions& out, std::string& help) {
  if (name == "UTC") {  // needs no data
    out = {{limits::kTimeFromS}, {0}};
    return {};
  }
  const bool plain = !name.empty() && name.front() != '/' && name.find('.') == std::string::npos;
  const std::string path = std::string(kFolder) + std::string(name);
  if (!platform::exists(std::string(kFolder))) {
    help = "install tzdata, or compile the plan on a machine that has it";
    return "this machine has no time zone data (" + std::string(kFolder) + ")";
  }
  const auto bytes = plain && platform::is_plain_file(path)
                         ? platform::read_file(path, kFileBytes)
                         : Result<std::vector<std::uint8_t>, int>(Failure{1});
  if (bytes && read_transitions(*bytes, out)) {
    const bool fits = out.from.size() <= limits::kTimeTransitions;
    return fits ? "" : "the time zone \"" + std::string(name) + "\" has too many transitions";
  }
  const std::size_t slash = name.find('/');
  const std::string region(slash == std::string_view::npos ? "" : name.substr(0, slash));
  const std::string best =
      plain ? nearest(slash == std::string_view::npos ? name : name.substr(slash + 1),
                      platform::list_folder(std::string(kFolder) + region))
            : "";
  help = best.empty() || best == name
             ? "write it as in \"Europe/Helsinki\", or \"UTC\""
             : "did you mean \"" + (region.empty() ? "" : region + "/") + best + "\"?";
  return "there is no time zone \"" + std::string(name) + "\"";
}

}  // namespace vedette::plan
