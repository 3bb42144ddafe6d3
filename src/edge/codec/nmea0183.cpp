#include "edge/codec/nmea0183.hpp"

#include <array>
#include <cstring>
#include <optional>

#include "base/math.hpp"
#include "base/text.hpp"

namespace vedette::codec {
namespace {

constexpr double kKnot = 1852.0 / 3600.0;
constexpr std::size_t kSentenceBytes = 120;  // 82 by the standard; receivers append fields

// "ddmm.mmmm" and a hemisphere; false when unreadable or outside the globe.
bool parse_angle(std::string_view value, std::string_view hemisphere, char positive, char negative,
                 double limit, double& out) {
  if (hemisphere.size() != 1 || (hemisphere[0] != positive && hemisphere[0] != negative)) {
    return false;
  }
  const auto number = parse_decimal(value);
  if (!number || *number < 0.0) {
    return false;
  }
  const double degrees = static_cast<double>(to_int64(*number / 100.0));
  const double minutes = *number - degrees * 100.0;
  const double angle = degrees + minutes / 60.0;
  if (minutes >= 60.0 || angle > limit) {
    return false;
  }
  out = hemisphere[0] == negative ? -angle : angle;
  return true;
}

enum class Read { empty, ok, bad };

Read parse_number(std::string_view text, double& out) {
  if (text.empty()) {
    return Read::empty;
  }
  const auto number = parse_decimal(text);
  if (!number) {
    return Read::bad;
  }
  out = *number;
  return Read::ok;
}

// "hhmmss[.ss]"
bool parse_time_of_day(std::string_view text, std::int64_t& out) {
  if (text.size() < 6) {
    return false;
  }
  const auto hour = parse_unsigned(text.substr(0, 2));
  const auto minute = parse_unsigned(text.substr(2, 2));
  const auto second = parse_decimal(text.substr(4));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second < 0.0 ||
      *second >= 61.0) {
    return false;
  }
  out = (static_cast<std::int64_t>(*hour) * 3600 + static_cast<std::int64_t>(*minute) * 60) *
            1000000000 +
        to_int64(*second * 1e9 + 0.5);
  return true;
}

// One sentence's fields by position; what is absent reads as empty.
struct Fields {
  std::string_view at[24];
  std::size_t count = 0;

  explicit Fields(std::string_view text) {
    bool more = true;
    while (more && count < 24) {
      const std::size_t before = text.size();
      at[count] = next_field(text, ',');
      more = at[count++].size() < before;  // a comma was taken as well
    }
  }
};

// Each reader returns a cause, or none when the sentence was read.
RefusalCause read_position(const Fields& f, std::size_t first, NmeaMessage& m) {
  if (f.at[first].empty() && f.at[first + 2].empty()) {
    return RefusalCause::none;
  }
  m.has_position = parse_angle(f.at[first], f.at[first + 1], 'N', 'S', 90.0, m.latitude) &&
                   parse_angle(f.at[first + 2], f.at[first + 3], 'E', 'W', 180.0, m.longitude);
  return m.has_position ? RefusalCause::none : RefusalCause::malformed;
}

RefusalCause read_time(std::string_view text, NmeaMessage& m) {
  if (text.empty()) {
    return RefusalCause::none;
  }
  m.has_time = parse_time_of_day(text, m.time_of_day_ns);
  return m.has_time ? RefusalCause::none : RefusalCause::malformed;
}

RefusalCause read_date(std::string_view day, std::string_view month, std::string_view year,
                       NmeaMessage& m) {
  const auto d = parse_unsigned(day);
  const auto mo = parse_unsigned(month);
  const auto y = parse_unsigned(year);
  if (!d || !mo || !y || *d < 1 || *d > 31 || *mo < 1 || *mo > 12 || *y > 2261) {
    return RefusalCause::malformed;
  }
  const auto full = static_cast<std::int64_t>(*y < 100 ? (*y < 80 ? *y + 2000 : *y + 1900) : *y);
  m.days = days_from_civil(full, static_cast<int>(*mo), static_cast<int>(*d));
  m.has_date = true;
  return RefusalCause::none;
}

RefusalCause read_value(std::string_view text, double scale, double low, double high, bool& has,
                        double& out) {
  double number = 0.0;
  const Read read = parse_number(text, number);
  if (read == Read::bad) {
    return RefusalCause::malformed;
  }
  if (read == Read::ok) {
    if (number < low || number > high) {
      return RefusalCause::out_of_range;
    }
    has = true;
    out = number * scale;
  }
  return RefusalCause::none;
}

RefusalCause first_of(RefusalCause a, RefusalCause b) {
  return a != RefusalCause::none ? a : b;
}

RefusalCause read_rmc(const Fields& f, NmeaMessage& m) {
  m.valid = f.at[1] == "A";
  RefusalCause cause = first_of(read_time(f.at[0], m), read_position(f, 2, m));
  cause = first_of(cause, read_value(f.at[6], kKnot, 0.0, 2000.0, m.has_speed, m.speed));
  cause = first_of(cause, read_value(f.at[7], 1.0, 0.0, 360.0, m.has_course, m.course));
  if (f.at[8].size() == 6) {
    cause = first_of(
        cause, read_date(f.at[8].substr(0, 2), f.at[8].substr(2, 2), f.at[8].substr(4, 2), m));
  }
  return cause;
}

RefusalCause read_gga(const Fields& f, NmeaMessage& m) {
  RefusalCause cause = first_of(read_time(f.at[0], m), read_position(f, 1, m));
  const auto quality = parse_unsigned(f.at[5]);
  const auto satellites = parse_unsigned(f.at[6]);
  m.quality = static_cast<std::uint8_t>(quality && *quality <= 8 ? *quality : 0);
  m.satellites = static_cast<std::uint8_t>(satellites && *satellites <= 99 ? *satellites : 0);
  m.valid = m.quality != 0;
  cause = first_of(cause, read_value(f.at[7], 1.0, 0.0, 100.0, m.has_hdop, m.hdop));
  return first_of(cause, read_value(f.at[8], 1.0, -1000.0, 100000.0, m.has_altitude, m.altitude));
}

RefusalCause read_gll(const Fields& f, NmeaMessage& m) {
  m.valid = f.count < 6 || f.at[5] == "A";  // the status field came with version 2.0
  return first_of(read_position(f, 0, m), read_time(f.at[4], m));
}

RefusalCause read_vtg(const Fields& f, NmeaMessage& m) {
  m.valid = f.count < 9 || f.at[8] != "N";
  RefusalCause cause = read_value(f.at[0], 1.0, 0.0, 360.0, m.has_course, m.course);
  cause = first_of(cause, read_value(f.at[4], kKnot, 0.0, 2000.0, m.has_speed, m.speed));
  if (!m.has_speed) {
    cause = first_of(cause, read_value(f.at[6], 1.0 / 3.6, 0.0, 4000.0, m.has_speed, m.speed));
  }
  return cause;
}

RefusalCause read_hdt(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  return read_value(f.at[0], 1.0, 0.0, 360.0, m.has_heading, m.heading);
}

RefusalCause read_zda(const Fields& f, NmeaMessage& m) {
  m.valid = true;
  const RefusalCause cause = read_time(f.at[0], m);
  return f.at[1].empty() ? cause : first_of(cause, read_date(f.at[1], f.at[2], f.at[3], m));
}

struct SentenceReader {
  std::string_view formatter;
  NmeaType type;
  std::size_t least_fields;
  RefusalCause (*read)(const Fields&, NmeaMessage&);
};

constexpr SentenceReader kReaders[] = {
    {"RMC", NmeaType::rmc, 9, read_rmc}, {"GGA", NmeaType::gga, 9, read_gga},
    {"GLL", NmeaType::gll, 4, read_gll}, {"VTG", NmeaType::vtg, 6, read_vtg},
    {"HDT", NmeaType::hdt, 1, read_hdt}, {"ZDA", NmeaType::zda, 4, read_zda},
};

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

// Eight characters of armour, the first in the lowest byte, as 48 bits, the first's the highest.
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

// Appends six bits a character behind the first `bits` of `packed`; false when one is no armour.
bool unarmour(std::string_view payload, std::uint8_t* packed, std::size_t bits) {
  std::uint8_t* at = packed + bits / 8;
  std::size_t held = bits % 8;
  std::uint64_t word =
      held != 0 ? *at >> (8 - held) : 0;  // its last `held` bits are not stored yet
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

// -1 when it is anything else.
int one_digit(std::string_view text) {
  return text.size() == 1 && text[0] >= '0' && text[0] <= '9' ? text[0] - '0' : -1;
}

// All characters of a sentence between its start and its checksum (NMEA 0183, 5.3.4).
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

std::string_view name_of(NmeaType type) {
  for (const SentenceReader& reader : kReaders) {
    if (reader.type == type) {
      return reader.formatter;
    }
  }
  return "unknown";
}

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
  // Receivers may append comma-separated fields behind the checksum; anything else is damage.
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
  for (const SentenceReader& reader : kReaders) {
    if (reader.formatter != address.substr(2)) {
      continue;
    }
    const Fields fields(text);
    if (fields.count < reader.least_fields) {
      return refuse(RefusalCause::too_short, line);
    }
    result_.sentence = {};
    result_.sentence.type = reader.type;
    result_.sentence.talker[0] = address[0];
    result_.sentence.talker[1] = address[1];
    const RefusalCause cause = reader.read(fields, result_.sentence);
    if (cause != RefusalCause::none) {
      return refuse(cause, line);
    }
    result_.kind = NmeaKind::sentence;
    result_.raw = line;
    return result_;
  }
  return refuse(RefusalCause::unsupported, line);
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

// !--VDM,<parts>,<part>,<message id>,<channel>,<payload>,<fill bits>
const NmeaResult& NmeaDecoder::transport(std::string_view text, Bytes line, std::int64_t now_ns) {
  // What most are: one part, a channel, a digit of fill bits. What is not just so is looked at
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
  std::string_view fields[6];
  for (std::string_view& field : fields) {
    if (text.data() == nullptr) {
      return refuse(RefusalCause::too_short, line);
    }
    const std::size_t before = text.size();
    field = next_field(text, ',');
    text = field.size() < before ? text : std::string_view{};  // no comma: nothing follows
  }
  const auto parts = one_digit(fields[0]);
  const auto part = one_digit(fields[1]);
  const int id = fields[2].empty() ? 10 : one_digit(fields[2]);
  const int fill = fields[5].empty() ? 0 : one_digit(fields[5]);
  if (parts < 1 || part < 1 || part > parts || id < 0 || fill < 0 || fill > 5 ||
      fields[3].size() > 1) {
    return refuse(RefusalCause::malformed, line);
  }
  const std::string_view payload = fields[4];
  if (parts == 1) {  // nothing to wait for, so nothing to keep
    if (payload.size() * 6 > kAisBits || line.size() >= limits::kRawBytes) {
      return refuse(RefusalCause::too_long, line);
    }
    return unarmour(payload, packed_, 0) ? whole(packed_, payload.size() * 6, fill, line)
                                         : refuse(RefusalCause::malformed, line);
  }
  const char channel = fields[3].empty() ? '-' : fields[3][0];
  Assembly* a = find_or_start(static_cast<std::uint8_t>(part), static_cast<std::uint8_t>(parts),
                              static_cast<std::uint8_t>(id), channel, now_ns);
  if (a == nullptr) {
    return refuse(RefusalCause::multipart_missing, line);
  }
  if (now_ns - a->started_ns > kPartTimeoutNs) {
    a->used = false;
    return refuse(RefusalCause::multipart_timeout, line);
  }
  const bool last = part == parts;
  const std::size_t added_bits = payload.size() * 6;
  if (a->bits + added_bits > kAisBits || a->raw_bytes + line.size() + 1 > limits::kRawBytes) {
    a->used = false;
    return refuse(RefusalCause::too_long, line);
  }
  if (!unarmour(payload, a->packed, a->bits)) {
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
    result_.part = static_cast<std::uint8_t>(part);
    result_.parts = static_cast<std::uint8_t>(parts);
    result_.raw = line;
    return result_;
  }
  a->used = false;
  std::memcpy(raw_, a->raw, a->raw_bytes);
  return whole(a->packed, a->bits, fill, Bytes(raw_, a->raw_bytes));
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

bool to_observation(const NmeaMessage& m, Observation& out) {
  out.kind = IdentityKind::own;
  out.identity = 0;
  out.message = static_cast<std::uint32_t>(m.type);
  if (m.has_time && m.has_date) {
    out.unix_ns = m.days * 86400 * 1000000000 + m.time_of_day_ns;
    out.set(Field::time);
  }
  if (!m.valid) {
    return out.fields != 0;
  }
  if (m.has_position) {
    out.latitude_e7 = to_int32(m.latitude * 1e7 + (m.latitude < 0 ? -0.5 : 0.5));
    out.longitude_e7 = to_int32(m.longitude * 1e7 + (m.longitude < 0 ? -0.5 : 0.5));
    out.set(Field::position);
    if (m.has_hdop && m.hdop > 0.0) {
      // User equivalent range error of 3 m an axis, times the receiver's own dilution.
      out.position_sigma_mm = to_uint32(m.hdop * 3000.0);
      out.set(Field::position_sigma);
    }
  }
  if (m.has_altitude) {
    out.altitude_mm = to_int32(m.altitude * 1000.0);
    out.set(Field::altitude);
  }
  if (m.has_speed) {
    out.speed_mm_s = to_int32(m.speed * 1000.0 + 0.5);
    out.set(Field::speed);
  }
  if (m.has_course) {
    out.course_e6 = to_int32(wrap_360(m.course) * 1e6);
    out.set(Field::course);
  }
  if (m.has_heading) {
    out.heading_e6 = to_int32(wrap_360(m.heading) * 1e6);
    out.set(Field::heading);
  }
  return out.fields != 0;
}

}  // namespace vedette::codec
