#include "edge/codec/n2k_lines.hpp"

#include <array>
#include <cstring>

#include "base/text.hpp"
#include "edge/codec/line_time.hpp"

namespace vedette::codec {
namespace {

constexpr unsigned kNotHex = 0x80;

constexpr std::array<std::uint8_t, 256> kHexValue = [] {
  std::array<std::uint8_t, 256> values{};
  for (unsigned c = 0; c < 256; ++c) {
    const int value = hex_value(static_cast<char>(c));
    values[c] = static_cast<std::uint8_t>(value < 0 ? static_cast<int>(kNotHex) : value);
  }
  return values;
}();

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// The next piece between blanks; empty at the end.
std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::size_t end = rest.find_first_of(" \t");
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(word.size());
  return word;
}

// Reads digits up to the next comma or the end; false for none, or anything else.
bool take_number(std::string_view& rest, std::uint64_t& value) {
  constexpr std::size_t kDigits = 18;  // cannot overflow
  std::size_t at = 0;
  value = 0;
  for (; at < rest.size() && rest[at] != ','; ++at) {
    const auto digit = static_cast<unsigned char>(rest[at] - '0');
    if (digit > 9 || at == kDigits) {
      return false;
    }
    value = value * 10 + digit;
  }
  rest.remove_prefix(at < rest.size() ? at + 1 : at);
  return at != 0;
}

RefusalCause set_numbers(std::uint64_t priority, std::uint64_t pgn, std::uint64_t source,
                         std::uint64_t destination, N2kLine& out) {
  // Gateways number their service messages beyond the 18 bits of a real PGN; they decode as
  // unsupported.
  if (priority > 7 || pgn > 0xFFFFFF || source > 255 || destination > 255) {
    return RefusalCause::out_of_range;
  }
  out.priority = static_cast<std::uint8_t>(priority);
  out.pgn = static_cast<std::uint32_t>(pgn);
  out.source = static_cast<std::uint8_t>(source);
  out.destination = static_cast<std::uint8_t>(destination);
  out.reader = n2k_reader(pgn);
  return out.reader != 0 ? RefusalCause::none : RefusalCause::unsupported;
}

// A CAN identifier of 29 bits (ISO 11783-3): in the PDU1 format the low byte of the PGN's place
// says who is meant.
RefusalCause set_identifier(std::string_view hex, N2kLine& out) {
  const auto id = hex.size() == 8 ? parse_unsigned(hex, 16) : std::nullopt;
  if (!id) {
    return RefusalCause::malformed;
  }
  if (*id > 0x1FFFFFFF) {
    return RefusalCause::unsupported;  // what the controller says of errors
  }
  const auto format = *id >> 16 & 0xFF;
  const auto low = *id >> 8 & 0xFF;
  const auto page = *id >> 24 & 3;
  return set_numbers(*id >> 26, page << 16 | format << 8 | (format < 240 ? 0 : low), *id & 0xFF,
                     format < 240 ? low : 255, out);
}

// "ff8b0a" up to the end, or to the first blank.
RefusalCause take_hex(std::string_view text, N2kLine& out) {
  const std::string_view hex = next_word(text);
  if (hex.size() > 2 * kN2kBytes) {
    return RefusalCause::too_long;
  }
  out.size = static_cast<std::uint8_t>(hex.size() / 2);
  return hex.size() % 2 == 0 && parse_hex(hex, {out.payload, out.size}) ? RefusalCause::none
                                                                        : RefusalCause::malformed;
}

// "FF 8B 0A", as many as there are, at most `most`.
RefusalCause take_pairs(std::string_view text, std::size_t most, N2kLine& out) {
  out.size = 0;
  for (std::string_view word = next_word(text); !word.empty() && out.size < most;
       word = next_word(text)) {
    if (!parse_hex(word, {out.payload + out.size, 1})) {
      return RefusalCause::malformed;
    }
    ++out.size;
  }
  return RefusalCause::none;
}

// "xx,xx,…,xx" of `bytes` bytes.
RefusalCause take_listed(std::string_view rest, std::size_t bytes, N2kLine& out) {
  while (!rest.empty() && (rest.back() == ',' || is_blank(rest.back()))) {
    rest.remove_suffix(1);
  }
  if (bytes > kN2kBytes) {
    return RefusalCause::out_of_range;
  }
  if (rest.size() + 1 != 3 * bytes && !(bytes == 0 && rest.empty())) {
    return RefusalCause::malformed;
  }
  unsigned seen = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const char* const pair = rest.data() + 3 * i;
    const std::uint8_t high = kHexValue[static_cast<unsigned char>(pair[0])];
    const std::uint8_t low = kHexValue[static_cast<unsigned char>(pair[1])];
    seen |= high | low;
    seen |= i + 1 < bytes && pair[2] != ',' ? kNotHex : 0U;
    out.payload[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  out.size = static_cast<std::uint8_t>(bytes);
  return (seen & kNotHex) != 0 ? RefusalCause::malformed : RefusalCause::none;
}

// "2,127250,3,255,8,ff,8b,…"
RefusalCause read_message(std::string_view rest, N2kLine& out) {
  std::uint64_t priority, pgn, source, destination, length;
  if (!take_number(rest, priority) || !take_number(rest, pgn) || !take_number(rest, source) ||
      !take_number(rest, destination) || !take_number(rest, length)) {
    return RefusalCause::malformed;
  }
  const RefusalCause cause = set_numbers(priority, pgn, source, destination, out);
  return cause != RefusalCause::none ? cause : take_listed(rest, length, out);
}

RefusalCause read_plain(std::string_view rest, N2kLine& out) {
  const std::size_t time_end = rest.find(',');
  const std::string_view time = rest.substr(0, time_end);
  auto written = written_time(time);
  if (!written) {
    written = unix_ns_of(time);
    const auto clock = written ? std::nullopt : time_of_day(time);
    if (!written && !clock) {
      return RefusalCause::malformed;
    }
    out.of_day_ns = clock.value_or(-1);
  }
  out.time_ns = written.value_or(out.time_ns);
  rest.remove_prefix(time_end < rest.size() ? time_end + 1 : rest.size());
  return read_message(rest, out);
}

// Behind the identifier: "[8]  FF 8B", what follows the bytes is their text.
RefusalCause read_counted(std::string_view rest, N2kLine& out) {
  const std::string_view count = next_word(rest);
  if (count.size() != 3 || count[0] != '[' || count[1] < '0' || count[1] > '8' || count[2] != ']') {
    return RefusalCause::malformed;
  }
  const auto bytes = static_cast<std::size_t>(count[1] - '0');
  const RefusalCause cause = take_pairs(rest, bytes, out);
  return cause == RefusalCause::none && out.size < bytes ? RefusalCause::too_short : cause;
}

// "can0 09F11203#FF8B" or "can0  09F11203   [8]  FF 8B"
RefusalCause read_candump(std::string_view rest, N2kLine& out) {
  next_word(rest);
  std::string_view frame = next_word(rest);
  while (frame == "RX" || frame == "TX" || frame == "-" || frame == "B" || frame == "E") {
    frame = next_word(rest);  // candump -x
  }
  const bool joined = frame.find('#') != std::string_view::npos;
  const std::string_view id = next_field(frame, '#');
  if (id.size() == 3 && parse_unsigned(id, 16)) {
    return RefusalCause::unsupported;  // 11 bits: no NMEA 2000
  }
  const RefusalCause cause = set_identifier(id, out);
  if (cause != RefusalCause::none) {
    return cause;
  }
  return !joined             ? read_counted(rest, out)
         : frame.size() > 16 ? RefusalCause::malformed
                             : take_hex(frame, out);
}

// "(1502984866.421964) can0 …"
RefusalCause read_timed_candump(std::string_view rest, N2kLine& out) {
  const std::size_t close = rest.find(')');
  if (close == std::string_view::npos) {
    return RefusalCause::malformed;
  }
  const std::string_view time = trimmed(rest.substr(1, close - 1));
  const auto unix_ns = unix_ns_of(time);
  const auto written = unix_ns ? unix_ns : written_time(time);
  out.time_ns = written.value_or(out.time_ns);
  return read_candump(rest.substr(close + 1), out);
}

// "<0x09f11203> [8] ff 8b"
RefusalCause read_old_candump(std::string_view rest, N2kLine& out) {
  const std::size_t close = rest.find('>');
  if (close == std::string_view::npos || !rest.starts_with("<0x")) {
    return RefusalCause::malformed;
  }
  const RefusalCause cause = set_identifier(rest.substr(3, close - 3), out);
  return cause != RefusalCause::none ? cause : read_counted(rest.substr(close + 1), out);
}

// "10:16:43.004 R 09F11203 FF 8B"; T is what the gateway sent itself.
RefusalCause read_raw(std::string_view rest, N2kLine& out) {
  const auto time = time_of_day(next_word(rest));
  const std::string_view direction = next_word(rest);
  if (!time || (direction != "R" && direction != "T")) {
    return RefusalCause::malformed;
  }
  out.of_day_ns = *time;
  const RefusalCause cause = set_identifier(next_word(rest), out);
  return cause != RefusalCause::none ? cause : take_pairs(rest, 8, out);
}

// "A101643.004 03FF2 1F112 FF8B": source, destination and priority in one word.
RefusalCause read_actisense(std::string_view rest, N2kLine& out) {
  const auto time = time_of_day(next_word(rest).substr(1));
  const std::string_view address = next_word(rest);
  const auto numbers = parse_unsigned(address, 16);
  const auto pgn = parse_unsigned(next_word(rest), 16);
  if (address.size() != 5 || !numbers || !pgn) {
    return RefusalCause::malformed;
  }
  out.of_day_ns = time.value_or(-1);  // a gateway without a clock counts from its start
  const RefusalCause cause =
      set_numbers(*numbers & 15, *pgn, *numbers >> 12, *numbers >> 4 & 0xFF, out);
  return cause != RefusalCause::none ? cause : take_hex(rest, out);
}

int base64_value(char c) {
  return c >= 'A' && c <= 'Z'   ? c - 'A'
         : c >= 'a' && c <= 'z' ? c - 'a' + 26
         : c >= '0' && c <= '9' ? c - '0' + 52
         : c == '+'             ? 62
         : c == '/'             ? 63
                                : -1;
}

RefusalCause take_base64(std::string_view text, N2kLine& out) {
  unsigned word = 0;
  unsigned bits = 0;
  std::size_t size = 0;
  for (; !text.empty() && text[0] != '='; text.remove_prefix(1)) {
    const int value = base64_value(text[0]);
    if (value < 0) {
      return RefusalCause::malformed;
    }
    word = word << 6 | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      if (size == kN2kBytes) {
        return RefusalCause::too_long;
      }
      bits -= 8;
      out.payload[size++] = static_cast<std::uint8_t>(word >> bits);
    }
  }
  out.size = static_cast<std::uint8_t>(size);
  return RefusalCause::none;
}

// The gateway's timer in ms, written as "481.734"; "482.37" is 37 ms after 482 s.
std::int64_t timer_of(std::string_view text) {
  const auto seconds = parse_unsigned(next_field(text, '.'));
  const auto milliseconds = parse_unsigned(text);
  return seconds && milliseconds && *seconds < 1000 && *milliseconds < 1000
             ? static_cast<std::int64_t>(*seconds * 1000 + *milliseconds) * 1'000'000
             : -1;
}

// "!PDGY,127250,2,3,255,481.734,2C20…": PGN, priority, source, destination, timer. Its other lines
// are the gateway's own.
RefusalCause read_ikonvert(std::string_view rest, N2kLine& out) {
  next_field(rest, ',');
  std::uint64_t pgn, priority, source, destination;
  if (!take_number(rest, pgn) || pgn == 0) {
    return RefusalCause::unsupported;
  }
  if (!take_number(rest, priority) || !take_number(rest, source) ||
      !take_number(rest, destination)) {
    return RefusalCause::malformed;
  }
  const RefusalCause cause = set_numbers(priority, pgn, source, destination, out);
  out.timer_ns = timer_of(next_field(rest, ','));
  return cause != RefusalCause::none ? cause : take_base64(trimmed(rest), out);
}

RefusalCause read_any(std::string_view text, N2kLine& out) {
  const char first = text[0];
  if (first == '(') {
    return read_timed_candump(text, out);
  }
  if (first == '<') {
    return read_old_candump(text, out);
  }
  if (first == 'A' && text.size() > 1 && text[1] >= '0' && text[1] <= '9') {
    return read_actisense(text, out);
  }
  if (first == '!' || first == '$') {
    return text.substr(1).starts_with("PDGY,") ? read_ikonvert(text, out) : RefusalCause::framing;
  }
  if (first >= '0' && first <= '9') {
    return text.size() > 2 && text[2] == ':' && text.find(',') == std::string_view::npos
               ? read_raw(text, out)
               : read_plain(text, out);
  }
  return read_candump(text, out);
}

}  // namespace

RefusalCause read_n2k_line(Bytes line, N2kLine& out) {
  // The usual line is PLAIN and begins with its time in full.
  std::string_view text = as_text(line);
  const std::size_t comma = text.substr(0, kTimeText).find(',');
  out.of_day_ns = out.timer_ns = -1;
  out.comment = false;
  if (const auto time = parse_time(text.substr(0, comma)); time && comma < text.size()) {
    out.time_ns = *time;
    return read_message(text.substr(comma + 1), out);
  }
  text = trimmed(text);
  if (text.starts_with("\xEF\xBB\xBF")) {  // a file's byte order mark
    text = trimmed(text.substr(3));
  }
  out.time_ns = 0;
  out.destination = 255;
  out.comment = text.empty() || text[0] == '#';
  if (out.comment) {
    return RefusalCause::none;
  }
  // Signal K: milliseconds, what the log's line came from, the line itself.
  std::size_t end = 0;
  while (end < text.size() && text[end] != ',' && text[end] != ';') {
    ++end;
  }
  if (end < text.size() && text[end] == ';') {
    out.time_ns = unix_ns_of(text.substr(0, end)).value_or(0);
    const std::size_t second = text.find(';', end + 1);
    text = second == std::string_view::npos ? std::string_view{} : trimmed(text.substr(second + 1));
    if (out.time_ns == 0 || text.empty()) {
      return RefusalCause::malformed;
    }
  }
  return read_any(text, out);
}

std::size_t write_n2k_line(const N2kLine& line, std::uint8_t* out) {
  FixedText text({reinterpret_cast<char*>(out), kN2kLineBytes});
  append_time(text, line.time_ns, true);
  for (const std::uint64_t number :
       {std::uint64_t{line.priority}, std::uint64_t{line.pgn}, std::uint64_t{line.source},
        std::uint64_t{line.destination}, std::uint64_t{line.size}}) {
    text.append(",");
    append_unsigned(text, number);
  }
  for (std::size_t i = 0; i < line.size; ++i) {
    text.append(",");
    append_hex(text, std::span<const std::uint8_t>(line.payload + i, 1));
  }
  return text.view().size();
}

}  // namespace vedette::codec
