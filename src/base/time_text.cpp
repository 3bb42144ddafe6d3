#include "base/time_text.hpp"

#include <optional>
#include <utility>

#include "base/text.hpp"
#include "base/units.hpp"

namespace vedette {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kLastS = 9'214'646'400;  // 2262-01-01, where 64 bits of ns end
constexpr std::size_t kBareDigits = 9;          // fewer are an hour or a typing error

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

// Takes exactly `digits` of them off the front; -1 if there are fewer, or one more follows.
int take_number(std::string_view& text, std::size_t digits) {
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (i >= text.size() || !is_digit(text[i])) {
      return -1;
    }
    value = value * 10 + (text[i] - '0');
  }
  if (text.size() > digits && is_digit(text[digits])) {
    return -1;
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) {
    return false;
  }
  text.remove_prefix(word.size());
  return true;
}

int days_of(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// A text in its parts. `wrong` is what cannot be: it is said as it stands.
struct Parts {
  enum class Day { none, today, yesterday, date };
  Day day = Day::none;
  std::int64_t date = 0;                // days since 1970
  std::optional<std::int64_t> time_ns;  // since midnight
  std::int64_t zone_s = 0;              // east of UTC
  std::string wrong;
};

bool take_day(std::string_view& text, Parts& out) {
  if (take(text, "yesterday")) {
    out.day = Parts::Day::yesterday;
  } else if (take(text, "today")) {
    out.day = Parts::Day::today;
  } else if (text.size() >= 5 && text[4] == '-') {
    const int year = take_number(text, 4);
    const bool first = take(text, "-");
    const int month = take_number(text, 2);
    const bool second = take(text, "-");
    const int day = take_number(text, 2);
    if (year < 0 || !first || month < 0 || !second || day < 0) {
      return false;
    }
    if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 ||
        day > days_of(year, month)) {
      out.wrong = "there is no such day between 1970 and 2261";
      return false;
    }
    out.day = Parts::Day::date;
    out.date = days_from_civil(year, month, day);
  }
  return true;
}

// .123 behind the seconds, to the nanosecond.
bool take_fraction(std::string_view& text, std::int64_t& ns) {
  if (!take(text, ".")) {
    return true;
  }
  if (text.empty() || !is_digit(text[0])) {
    return false;
  }
  std::int64_t scale = kSecondNs / 10;
  while (!text.empty() && is_digit(text[0])) {
    ns += (text[0] - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return true;
}

bool take_time(std::string_view& text, Parts& out) {
  const int hour = take_number(text, text.size() > 1 && text[1] == ':' ? 1 : 2);
  const bool colon = take(text, ":");
  const int minute = take_number(text, 2);
  int second = 0;
  std::int64_t ns = 0;
  if (take(text, ":")) {
    second = take_number(text, 2);
    if (!take_fraction(text, ns)) {
      return false;
    }
  }
  if (hour < 0 || !colon || minute < 0 || second < 0) {
    return false;
  }
  if (hour > 23 || minute > 59 || second > 59) {
    out.wrong = "a day has the times 00:00 to 23:59:59";
    return false;
  }
  out.time_ns = (hour * 3600 + minute * 60 + second) * kSecondNs + ns;
  return true;
}

bool take_zone(std::string_view& text, Parts& out) {
  text = trimmed(text);
  if (text.empty() || text == "Z" || text == "z" || text == "UTC" || text == "utc") {
    text = {};
    return true;
  }
  const bool west = text[0] == '-';
  if (!west && text[0] != '+') {
    return false;
  }
  text.remove_prefix(1);
  const bool packed = text.size() == 4 && text.find(':') == text.npos;
  std::string_view hours_text = packed ? text.substr(0, 2) : text;
  const int hours = take_number(hours_text, 2);
  std::string_view rest = packed ? text.substr(2) : hours_text;
  const int minutes = packed || take(rest, ":") ? take_number(rest, 2) : 0;
  if (hours < 0 || minutes < 0 || !rest.empty()) {
    return false;
  }
  if (hours > 14 || minutes > 59) {
    out.wrong = "zones lie between -14:00 and +14:00";
    return false;
  }
  out.zone_s = (std::int64_t{hours} * 3600 + std::int64_t{minutes} * 60) * (west ? -1 : 1);
  text = {};
  return true;
}

bool take_parts(std::string_view text, Parts& out) {
  if (!take_day(text, out)) {
    return false;
  }
  bool time_follows = out.day == Parts::Day::none;
  if (out.day != Parts::Day::none && !text.empty()) {
    if (out.day == Parts::Day::date && take(text, "T")) {
      time_follows = true;
    } else if (text[0] != ' ') {
      return false;
    }
    text = trimmed(text);
    time_follows = time_follows || (!text.empty() && is_digit(text[0]));
  }
  if (time_follows && !take_time(text, out)) {
    return false;
  }
  return take_zone(text, out);
}

std::int64_t floor_days(std::int64_t seconds) {
  return (seconds >= 0 ? seconds : seconds - (kDayS - 1)) / kDayS;
}

// 0 days to 1970 to where 64 bits end, or nothing.
std::optional<std::int64_t> ns_of(std::int64_t seconds, std::int64_t ns) {
  return seconds < 0 || seconds >= kLastS ? std::nullopt : std::optional(seconds * kSecondNs + ns);
}

std::optional<std::int64_t> place(const Parts& parts, std::int64_t now_ns) {
  const std::int64_t today = floor_days(now_ns / kSecondNs + parts.zone_s);
  const std::int64_t in_day_ns = parts.time_ns.value_or(0);
  const auto at = [&](std::int64_t day) {
    return ns_of(day * kDayS + in_day_ns / kSecondNs - parts.zone_s, in_day_ns % kSecondNs);
  };
  switch (parts.day) {
    case Parts::Day::date:
      return at(parts.date);
    case Parts::Day::yesterday:
      return at(today - 1);
    case Parts::Day::today:
      return at(today);
    case Parts::Day::none:
      break;
  }
  const auto moment = at(today);
  return moment && *moment <= now_ns ? moment : at(today - 1);
}

// 0: it is no unit of time. "m" is minutes here, where no length can be meant.
double seconds_of_unit(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kSpoken[] = {
      {"m", "min"},    {"mins", "min"},  {"minute", "min"}, {"minutes", "min"},
      {"hour", "h"},   {"hours", "h"},   {"day", "d"},      {"days", "d"},
      {"second", "s"}, {"seconds", "s"}, {"sec", "s"}};
  for (const auto& [spoken, written] : kSpoken) {
    text = text == spoken ? written : text;
  }
  const UnitName* unit = find_unit(text);
  return unit != nullptr && unit->dimension == Dimension::duration ? unit->factor : 0.0;
}

Failure<std::string> wrong(std::string_view text, std::string_view why) {
  return Failure{"\"" + std::string(text) + "\" is not a time: " + std::string(why)};
}

}  // namespace

double duration_seconds(std::string_view text) {
  if (const auto bare = parse_decimal(text); bare && !text.empty() && is_digit(text[0])) {
    return *bare;
  }
  double sum = 0.0;
  std::string_view rest = trimmed(text);
  do {
    std::size_t split = 0;
    while (split < rest.size() && (is_digit(rest[split]) || rest[split] == '.')) {
      ++split;
    }
    const auto value = parse_decimal(rest.substr(0, split));
    rest = trimmed(rest.substr(split));
    std::size_t end = 0;
    while (end < rest.size() && rest[end] >= 'a' && rest[end] <= 'z') {
      ++end;
    }
    const double factor = seconds_of_unit(rest.substr(0, end));
    if (!value || factor == 0.0) {
      return -1.0;
    }
    sum += *value * factor;
    rest = trimmed(rest.substr(end));
  } while (!rest.empty());
  return sum;
}

Result<std::int64_t, std::string> read_time_text(std::string_view given, std::int64_t now_ns) {
  const std::string_view text = trimmed(given);
  const std::string write = "write " + std::string(kTimeForms);
  if (text == "now") {
    return now_ns;
  }
  const bool minus = text.starts_with('-');
  if (minus || (!text.empty() && !is_digit(text.back()) && text.back() != '.' &&
                duration_seconds(text) >= 0.0)) {
    const double seconds = duration_seconds(trimmed(text.substr(minus ? 1 : 0)));
    if (!(seconds >= 0.0)) {
      return wrong(given, "behind the minus belongs a duration: -90s, -10min, \"-2 h\"");
    }
    if (seconds * 1e9 > static_cast<double>(now_ns)) {
      return wrong(given, "that is before 1970");
    }
    return now_ns - static_cast<std::int64_t>(seconds * 1e9);
  }
  const bool bare = parse_unsigned(text) && text.size() >= kBareDigits;
  if (text.starts_with('@') || bare) {
    const auto seconds = parse_decimal(bare ? text : text.substr(1));
    if (!seconds || *seconds < 0.0 || *seconds >= static_cast<double>(kLastS)) {
      return wrong(given, "behind the @ belong seconds since 1970: @1795937640");
    }
    const auto whole = static_cast<std::int64_t>(*seconds);
    return whole * kSecondNs +
           static_cast<std::int64_t>((*seconds - static_cast<double>(whole)) * 1e9);
  }
  Parts parts;
  if (!take_parts(text, parts)) {
    return wrong(given, parts.wrong.empty() ? write : parts.wrong);
  }
  const auto moment = place(parts, now_ns);
  return moment ? Result<std::int64_t, std::string>(*moment)
                : wrong(given, "it lies outside of 1970 to 2261");
}

}  // namespace vedette
