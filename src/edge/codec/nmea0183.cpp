#include "edge/codec/nmea0183.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

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

// FNV-1a; 0 only for no name.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = name.empty() ? 0 : 14695981039346656037ULL;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

}  // namespace

const NmeaResult& NmeaDecoder::refuse(RefusalCause cause, Bytes raw) {
  result_.kind = NmeaKind::refused;
  result_.cause = cause;
  result_.raw = raw;
  return result_;
}

namespace {

bool checksum_fits(std::string_view text, std::size_t star) {
  const int high = hex_value(text[star + 1]);
  const int low = hex_value(text[star + 2]);
  return high >= 0 && low >= 0 && checksum_of(text.substr(1, star - 1)) == high * 16 + low;
}

}  // namespace

const NmeaResult& NmeaDecoder::line(Bytes line, std::int64_t now_ns) {
  std::string_view text = as_text(line);
  tags_ = {};
  if (text.empty() || (text[0] != '$' && text[0] != '!')) {
    text = sentence_in(text, tags_);
    if (text.empty()) {
      return refuse(RefusalCause::framing, line);
    }
  }
  std::size_t star = text.find('*');
  if (star == std::string_view::npos) {
    return refuse(
        text.size() > kSentenceBytes ? RefusalCause::too_long : RefusalCause::checksum_missing,
        line);
  }
  if (text.size() < star + 3) {
    return refuse(RefusalCause::checksum_missing, line);
  }
  if (!checksum_fits(text, star)) {
    // The piece of a sentence whose end is missing does not cost the whole one behind it.
    const std::size_t last = text.find_last_of("$!", star);
    if (last == 0 || !checksum_fits(text.substr(last), star - last)) {
      return refuse(RefusalCause::checksum, line);
    }
    text = text.substr(last);
    star -= last;
  }
  if (star > kSentenceBytes) {
    return refuse(RefusalCause::too_long, line);
  }
  // Receivers and loggers append fields after the checksum; anything else is damage.
  const std::string_view suffix = text.substr(star + 3);
  if (!suffix.empty() && std::string_view(", \t;").find(suffix[0]) == std::string_view::npos) {
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
    if (tags_.source.empty() && !suffix.empty()) [[unlikely]] {
      read_suffix(suffix, tags_);
    }
    talker_[0] = address[0];
    talker_[1] = address[1];
    return transport(body, line, now_ns);
  }
  return sentence(address, body, line, now_ns);
}

const NmeaResult& NmeaDecoder::sentence(std::string_view address, std::string_view text, Bytes line,
                                        std::int64_t now_ns) {
  const RefusalCause cause = read_sentence(address, text, result_.sentence);
  if (cause != RefusalCause::none) {
    return refuse(cause, line);
  }
  bearings_.complete(result_.sentence, now_ns);
  result_.kind = NmeaKind::sentence;
  result_.raw = line;
  return result_;
}

void Bearings::complete(NmeaMessage& m, std::int64_t now_ns) {
  if (m.has_variation) {
    variation_ = m.variation;
    variation_ns_ = now_ns;
  }
  const bool turned =
      m.heading_magnetic && variation_ns_ != 0 && now_ns - variation_ns_ <= kVariationNs;
  m.has_true_heading = m.valid && m.has_heading && (turned || !m.heading_magnetic);
  if (m.has_true_heading) {
    m.true_heading = turned ? wrap_360(m.heading + variation_) : m.heading;
    heading_ = m.true_heading;
    heading_ns_ = now_ns;
  }
  NmeaTarget& target = m.target;
  const bool known = heading_ns_ != 0 && now_ns - heading_ns_ <= kHeadingNs;
  target.has_true_bearing = target.has_bearing && (known || !target.relative);
  target.true_bearing = target.relative ? wrap_360(target.bearing + heading_) : target.bearing;
}

std::size_t NmeaDecoder::own_place(const Part& part) {
  // Receivers name the channels by letter or by number.
  const std::size_t at = part.channel == 'A' || part.channel == '1'   ? 0
                         : part.channel == 'B' || part.channel == '2' ? 1
                                                                      : 2;
  return at * kIds + part.id;
}

bool NmeaDecoder::is_free(const Waiting& w, std::int64_t now_ns) {
  return w.next_part == 0 || now_ns - w.started_ns > kPartTimeoutNs;
}

// The place that waits for this part; kPlaces for none.
std::size_t NmeaDecoder::find(const Part& part, std::uint64_t source) const {
  std::size_t found = kPlaces;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    const Waiting& w = waiting_[i];
    const bool same_source = w.source == source || w.source == 0 || source == 0;
    if (w.next_part == part.part && w.parts == part.parts && w.id == part.id &&
        (w.channel == part.channel || part.channel == '-') && w.talker[0] == talker_[0] &&
        w.talker[1] == talker_[1] && w.group == tags_.group && same_source &&
        (found == kPlaces || w.started_ns >= waiting_[found].started_ns)) {
      found = i;
    }
  }
  return found;
}

std::size_t NmeaDecoder::start(const Part& part, std::uint64_t source, std::int64_t now_ns) {
  const std::size_t own = own_place(part);
  std::size_t place = is_free(waiting_[own], now_ns) ? own : kPlaces;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    const Waiting& w = waiting_[i];
    if (w.next_part != 0 && w.id == part.id && w.channel == part.channel && w.source == source &&
        w.group == tags_.group && w.talker[0] == talker_[0] && w.talker[1] == talker_[1]) {
      place = i;  // the same sender begins anew
      break;
    }
    if (place == kPlaces && i >= kOwnPlaces && is_free(w, now_ns)) {
      place = i;
    }
  }
  place = place == kPlaces ? own : place;
  unfinished_ += is_free(waiting_[place], now_ns) ? 0 : 1;
  waiting_[place] = {source,       tags_.group, now_ns,     {talker_[0], talker_[1]},
                     part.channel, part.id,     part.parts, 1};
  assemblies_[place].bits = 0;
  assemblies_[place].raw_bytes = 0;
  return place;
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
  const std::uint64_t source = hash_of(tags_.source);
  const std::size_t place = read.part == 1 ? start(read, source, now_ns) : find(read, source);
  if (place == kPlaces) {
    return refuse(RefusalCause::multipart_missing, line);
  }
  Waiting& waiting = waiting_[place];
  const std::uint8_t next = std::exchange(waiting.next_part, std::uint8_t{0});
  if (now_ns - waiting.started_ns > kPartTimeoutNs) {
    return refuse(RefusalCause::multipart_timeout, line);
  }
  Assembly& a = assemblies_[place];
  const std::size_t added_bits = read.payload.size() * 6;
  if (a.bits + added_bits > kAisBits || a.raw_bytes + line.size() + 1 > limits::kRawBytes) {
    return refuse(RefusalCause::too_long, line);
  }
  if (!unarmour(read.payload, a.packed, a.bits)) {
    return refuse(RefusalCause::malformed, line);
  }
  a.bits = static_cast<std::uint16_t>(a.bits + added_bits);
  std::memcpy(a.raw + a.raw_bytes, line.data(), line.size());
  a.raw_bytes = static_cast<std::uint16_t>(a.raw_bytes + line.size());
  if (read.part < read.parts) {
    a.raw[a.raw_bytes++] = '\n';
    waiting.next_part = static_cast<std::uint8_t>(next + 1);
    result_.kind = NmeaKind::part;
    result_.part = read.part;
    result_.parts = read.parts;
    result_.raw = line;
    return result_;
  }
  return whole(a.packed, a.bits, read.fill, Bytes(a.raw, a.raw_bytes));
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
  for (Waiting& w : waiting_) {
    w.next_part = 0;
  }
}

bool to_observation(const NmeaResult& result, Observation& out) {
  out.own_report = result.kind == NmeaKind::ais && result.own ? 1 : 0;
  return result.kind == NmeaKind::ais        ? to_observation(result.ais, out)
         : result.kind == NmeaKind::sentence ? to_observation(result.sentence, out)
                                             : false;
}

}  // namespace vedette::codec
