#include "edge/codec/nmea0183.hpp"

#include <array>
#include <cstring>
#include <optional>

#include "base/math.hpp"
#include "base/text.hpp"

namespace vedette::codec {
namespace {

constexpr std::size_t kSentenceBytes = 120;  // 82 by the standard; receivers append fields

constexpr std::uint8_t kNotArmour = 0x80;

// Values of the armoured characters (IEC 61993-2, table "6-bit").
constexpr std::array<std::uint8_t, 256> kArmour = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotArmour);
  for (unsigned c = '0'; c <= 'W'; ++c) {
    values[c] = static_cast<std::uint8_t>(c - 48);
  }
  for (unsigned c = '`'; c <= 'w'; ++c) {
    values[c] = static_cast<std::uint8_t>(c - 56);
  }
  return values;
}();

// Decodes eight armoured characters, the first in the lowest byte, to 48 bits, its value highest.
std::optional<std::uint64_t> eight_values(std::uint64_t text) {
  constexpr std::uint64_t kEach = 0x0101010101010101ULL;
  constexpr std::uint64_t kHigh = 0x80 * kEach;
  // Below 0x80 no byte's sum reaches its neighbour.
  const std::uint64_t from_0 = text + (0x80 - '0') * kEach;
  const std::uint64_t past_w = text + (0x80 - 'X') * kEach;
  const std::uint64_t from_tick = text + (0x80 - '`') * kEach;
  const std::uint64_t past_w_small = text + (0x80 - 'x') * kEach;
  if (((text | ~from_0 | (past_w & ~from_tick) | past_w_small) & kHigh) != 0) {
    return std::nullopt;
  }
  std::uint64_t v = __builtin_bswap64(text - '0' * kEach - ((from_tick & kHigh) >> 4));
  v = (v & 0x00FF00FF00FF00FFULL) | (v & 0xFF00FF00FF00FF00ULL) >> 2;
  v = (v & 0x0000FFFF0000FFFFULL) | (v & 0xFFFF0000FFFF0000ULL) >> 4;
  return (v & 0xFFFFFFFF) | v >> 32 << 24;
}

// Appends six bits a character after the first `bits` of `packed`; false for an invalid character.
bool unarmour(std::string_view payload, std::uint8_t* packed, std::size_t bits) {
  std::uint8_t* at = packed + bits / 8;
  std::size_t held = bits % 8;
  std::uint64_t word =
      held != 0 ? *at >> (8 - held) : 0;  // the last `held` bits are not stored yet
  unsigned seen = 0;
  // Eight characters are six bytes.
  for (; payload.size() >= 8; payload.remove_prefix(8)) {
    std::uint64_t text = 0;
    std::memcpy(&text, payload.data(), 8);
    const std::optional<std::uint64_t> values = eight_values(text);
    if (!values) {
      return false;
    }
    word = word << 48 | *values;
    const std::uint64_t stored = __builtin_bswap64(word >> held << 16);
    std::memcpy(at, &stored, 6);
    at += 6;
  }
  // Four characters are three bytes.
  for (; payload.size() >= 4; payload.remove_prefix(4)) {
    const std::uint8_t a = kArmour[static_cast<unsigned char>(payload[0])];
    const std::uint8_t b = kArmour[static_cast<unsigned char>(payload[1])];
    const std::uint8_t c = kArmour[static_cast<unsigned char>(payload[2])];
    const std::uint8_t d = kArmour[static_cast<unsigned char>(payload[3])];
    seen |= static_cast<unsigned>(a | b | c | d);
    word = word << 24 | static_cast<std::uint64_t>(a << 18 | b << 12 | c << 6 | d);
    const auto stored = static_cast<std::uint32_t>(word >> held);
    *at++ = static_cast<std::uint8_t>(stored >> 16);
    *at++ = static_cast<std::uint8_t>(stored >> 8);
    *at++ = static_cast<std::uint8_t>(stored);
  }
  for (const char c : payload) {
    const std::uint8_t value = kArmour[static_cast<unsigned char>(c)];
    seen |= value;
    word = word << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      *at++ = static_cast<std::uint8_t>(word >> held);
    }
  }
  if (held != 0) {
    *at = static_cast<std::uint8_t>(word << (8 - held));
  }
  return (seen & kNotArmour) == 0;
}

// The digit, or -1 for any other text.
int one_digit(std::string_view text) {
  return text.size() == 1 && text[0] >= '0' && text[0] <= '9' ? text[0] - '0' : -1;
}

// XOR of the characters between a sentence's start and its checksum (NMEA 0183, 5.3.4).
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

}  // namespace

const NmeaResult& NmeaDecoder::refuse(RefusalCause cause, Bytes raw) {
  result_.kind = NmeaKind::refused;
  result_.cause = cause;
  result_.raw = raw;
  return result_;
}

const NmeaResult& NmeaDecoder::line(Bytes line, std::int64_t now_ns) {
  std::string_view text = as_text(line);
  if (!text.empty() && text[0] == '\\') {  // NMEA 4.10 tag block before the sentence
    const std::size_t close = text.find('\\', 1);
    text = close == std::string_view::npos ? std::string_view{} : text.substr(close + 1);
  }
  if (text.empty() || (text[0] != '$' && text[0] != '!')) {
    return refuse(RefusalCause::framing, line);
  }
  const std::size_t star = text.find('*');
  if (star == std::string_view::npos) {
    return refuse(
        text.size() > kSentenceBytes ? RefusalCause::too_long : RefusalCause::checksum_missing,
        line);
  }
  if (star > kSentenceBytes) {
    return refuse(RefusalCause::too_long, line);
  }
  if (text.size() < star + 3) {
    return refuse(RefusalCause::checksum_missing, line);
  }
  const int high = hex_value(text[star + 1]);
  const int low = hex_value(text[star + 2]);
  if (high < 0 || low < 0 || checksum_of(text.substr(1, star - 1)) != high * 16 + low) {
    return refuse(RefusalCause::checksum, line);
  }
  // Receivers may append comma-separated fields after the checksum; anything else is damage.
  if (text.size() > star + 3 && text[star + 3] != ',' && text[star + 3] != ' ') {
    return refuse(RefusalCause::malformed, line);
  }
  std::string_view body = text.substr(1, star - 1);
  const std::string_view address = next_field(body, ',');
  if (address.size() != 5 || address[0] == 'P') {
    return refuse(RefusalCause::unsupported, line);
  }
  const std::string_view formatter = address.substr(2);
  if (formatter == "VDM" || formatter == "VDO") {
    result_.own = formatter == "VDO";
    return transport(body, line, now_ns);
  }
  return sentence(address, body, line);
}

const NmeaResult& NmeaDecoder::sentence(std::string_view address, std::string_view text,
                                        Bytes line) {
  const RefusalCause cause = read_sentence(address, text, result_.sentence);
  if (cause != RefusalCause::none) {
    return refuse(cause, line);
  }
  result_.kind = NmeaKind::sentence;
  result_.raw = line;
  return result_;
}

NmeaDecoder::Assembly* NmeaDecoder::find_or_start(std::uint8_t part, std::uint8_t parts,
                                                  std::uint8_t id, char channel,
                                                  std::int64_t now_ns) {
  // Receivers name the channels by letter or by number.
  const std::size_t at = channel == 'A' || channel == '1'   ? 0
                         : channel == 'B' || channel == '2' ? 1
                                                            : 2;
  Assembly* a = &assemblies_[at * kIds + id];
  if (part != 1) {
    const bool next = a->used && a->channel == channel && a->parts == parts && a->next_part == part;
    return next ? a : nullptr;
  }
  unfinished_ += a->used && now_ns - a->started_ns <= kPartTimeoutNs ? 1 : 0;
  a->used = true;
  a->started_ns = now_ns;
  a->bits = 0;
  a->raw_bytes = 0;
  a->next_part = 1;
  a->parts = parts;
  a->id = id;
  a->channel = channel;
  return a;
}

RefusalCause NmeaDecoder::read_part(std::string_view text, Part& out) {
  std::string_view fields[6];
  for (std::string_view& field : fields) {
    if (text.data() == nullptr) {
      return RefusalCause::too_short;
    }
    const std::size_t before = text.size();
    field = next_field(text, ',');
    text = field.size() < before ? text : std::string_view{};  // no comma: nothing follows
  }
  const int parts = one_digit(fields[0]);
  const int part = one_digit(fields[1]);
  const int id = fields[2].empty() ? 10 : one_digit(fields[2]);
  const int fill = fields[5].empty() ? 0 : one_digit(fields[5]);
  if (parts < 1 || part < 1 || part > parts || id < 0 || fill < 0 || fill > 5 ||
      fields[3].size() > 1) {
    return RefusalCause::malformed;
  }
  out = {static_cast<std::uint8_t>(part),
         static_cast<std::uint8_t>(parts),
         static_cast<std::uint8_t>(id),
         fields[3].empty() ? '-' : fields[3][0],
         fill,
         fields[4]};
  return RefusalCause::none;
}

// !--VDM,<parts>,<part>,<message id>,<channel>,<payload>,<fill bits>
const NmeaResult& NmeaDecoder::transport(std::string_view text, Bytes line, std::int64_t now_ns) {
  // Fast path for the usual form: one part, a channel, one digit of fill bits. The general path is
  // below.
  if (const std::size_t n = text.size(); n > 9 && text.starts_with("1,1,,") && text[5] != ',' &&
                                         text[6] == ',' && text[n - 2] == ',' &&
                                         text[n - 1] >= '0' && text[n - 1] <= '5') {
    const std::string_view payload = text.substr(7, n - 9);
    if (payload.size() * 6 <= kAisBits && line.size() < limits::kRawBytes &&
        unarmour(payload, packed_, 0)) {
      return whole(packed_, payload.size() * 6, text[n - 1] - '0', line);
    }
  }
  Part read;
  if (const RefusalCause cause = read_part(text, read); cause != RefusalCause::none) {
    return refuse(cause, line);
  }
  if (read.parts > 1) {
    return assemble(read, line, now_ns);
  }
  // A message in one part needs no assembly.
  if (read.payload.size() * 6 > kAisBits || line.size() >= limits::kRawBytes) {
    return refuse(RefusalCause::too_long, line);
  }
  return unarmour(read.payload, packed_, 0)
             ? whole(packed_, read.payload.size() * 6, read.fill, line)
             : refuse(RefusalCause::malformed, line);
}

const NmeaResult& NmeaDecoder::assemble(const Part& read, Bytes line, std::int64_t now_ns) {
  Assembly* a = find_or_start(read.part, read.parts, read.id, read.channel, now_ns);
  if (a == nullptr) {
    return refuse(RefusalCause::multipart_missing, line);
  }
  if (now_ns - a->started_ns > kPartTimeoutNs) {
    a->used = false;
    return refuse(RefusalCause::multipart_timeout, line);
  }
  const bool last = read.part == read.parts;
  const std::size_t added_bits = read.payload.size() * 6;
  if (a->bits + added_bits > kAisBits || a->raw_bytes + line.size() + 1 > limits::kRawBytes) {
    a->used = false;
    return refuse(RefusalCause::too_long, line);
  }
  if (!unarmour(read.payload, a->packed, a->bits)) {
    a->used = false;
    return refuse(RefusalCause::malformed, line);
  }
  a->bits = static_cast<std::uint16_t>(a->bits + added_bits);
  if (!line.empty()) {
    std::memcpy(a->raw + a->raw_bytes, line.data(), line.size());
  }
  a->raw_bytes = static_cast<std::uint16_t>(a->raw_bytes + line.size());
  if (!last) {
    a->raw[a->raw_bytes++] = '\n';
    ++a->next_part;
    result_.kind = NmeaKind::part;
    result_.part = read.part;
    result_.parts = read.parts;
    result_.raw = line;
    return result_;
  }
  a->used = false;
  std::memcpy(raw_, a->raw, a->raw_bytes);
  return whole(a->packed, a->bits, read.fill, Bytes(raw_, a->raw_bytes));
}

const NmeaResult& NmeaDecoder::whole(const Packed& packed, std::size_t bits, int fill, Bytes raw) {
  const auto unused = static_cast<std::size_t>(fill);
  const RefusalCause cause =
      decode_ais(Bytes(packed, sizeof packed), bits >= unused ? bits - unused : 0, result_.ais);
  if (cause != RefusalCause::none) {
    return refuse(cause, raw);
  }
  result_.kind = NmeaKind::ais;
  result_.raw = raw;
  return result_;
}

void NmeaDecoder::reset() {
  for (Assembly& a : assemblies_) {
    a.used = false;
  }
}

bool to_observation(const NmeaResult& result, Observation& out) {
  out.own_report = result.kind == NmeaKind::ais && result.own ? 1 : 0;
  return result.kind == NmeaKind::ais        ? to_observation(result.ais, out)
         : result.kind == NmeaKind::sentence ? to_observation(result.sentence, out)
                                             : false;
}

}  // namespace vedette::codec
