#include "edge/codec/asterix.hpp"

#include "base/math.hpp"

namespace vedette::codec {
namespace {

// Length of a field specification: each byte but the last has its last bit set.
std::size_t specification_bytes(Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if ((bytes[i] & 1) == 0) {
      return i + 1;
    }
  }
  return 0;
}

// Visits the field reference numbers (from 0) in a specification, until the visitor stops it.
template <typename Visit>
bool for_each_named(Bytes specification, Visit&& visit) {
  for (std::size_t i = 0; i < specification.size(); ++i) {
    for (unsigned bit = 0; bit < 7; ++bit) {
      if ((specification[i] >> (7 - bit) & 1) != 0 && !visit(i * 7 + bit)) {
        return false;
      }
    }
  }
  return true;
}

// Length of the item at the front of `bytes`; 0 when it is incomplete or inconsistent.
std::size_t item_bytes(const AsterixItem& item, Bytes bytes, RefusalCause& cause) {
  std::size_t length = 0;
  cause = RefusalCause::too_short;
  switch (item.shape) {
    case AsterixShape::spare:
      cause = RefusalCause::malformed;
      return 0;
    case AsterixShape::fixed:
      length = item.bytes;
      break;
    case AsterixShape::extended:
      do {
        length += item.bytes;
      } while (length <= bytes.size() && (bytes[length - 1] & 1) != 0);
      break;
    case AsterixShape::repeated:
      length = bytes.empty() ? 1 : 1 + std::size_t{bytes[0]} * item.bytes;
      break;
    case AsterixShape::counted:
      length = bytes.empty() ? 1 : bytes[0];
      cause = length == 0 ? RefusalCause::malformed : cause;
      break;
    case AsterixShape::compound: {
      const std::size_t specification = specification_bytes(bytes);
      length = specification;
      const bool whole =
          specification != 0 && for_each_named(bytes.first(specification), [&](std::size_t part) {
            if (part >= item.parts.size()) {
              cause = RefusalCause::malformed;
              return false;
            }
            const std::size_t used = item_bytes(item.parts[part], bytes.subspan(length), cause);
            length += used;
            return used != 0;
          });
      return whole ? length : 0;
    }
  }
  return length <= bytes.size() ? length : 0;
}

// The integer of `count` bits (1 to 32) at bit `at`.
std::uint32_t bits_at(Bytes bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  const std::size_t first = at / 8;
  for (std::size_t i = 0; i < 5; ++i) {
    value = value << 8 | (first + i < bytes.size() ? bytes[first + i] : 0U);
  }
  return static_cast<std::uint32_t>(value >> (40 - at % 8 - count) & ((1ULL << count) - 1));
}

double number_at(Bytes bytes, std::size_t at, const AsterixField& field) {
  const std::uint32_t value = bits_at(bytes, at, field.bits);
  if (field.kind == AsterixKind::integer && (value >> (field.bits - 1)) != 0) {
    return (static_cast<double>(value) - static_cast<double>(1ULL << field.bits)) * field.unit;
  }
  return value * field.unit;
}

const AsterixItem* find_item(const AsterixRecord& record, std::string_view name, Bytes& bytes) {
  const auto& items = record.category->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!record.items[i].empty() && items[i].name == name) {
      bytes = record.items[i];
      return &items[i];
    }
  }
  return nullptr;
}

std::optional<double> field_of(const AsterixItem& item, Bytes bytes, std::string_view name) {
  std::size_t at = 0;
  for (const AsterixField& field : item.fields) {
    if (at + field.bits > bytes.size() * 8) {
      break;
    }
    if (field.name == name) {
      return number_at(bytes, at, field);
    }
    at += field.bits;
  }
  return std::nullopt;
}

std::optional<Bytes> part_of(const AsterixItem& item, Bytes bytes, std::string_view name,
                             const AsterixItem*& part) {
  std::size_t at = specification_bytes(bytes);
  std::optional<Bytes> found;
  for_each_named(bytes.first(at), [&](std::size_t i) {
    RefusalCause cause{};
    const std::size_t length = item_bytes(item.parts[i], bytes.subspan(at), cause);
    if (item.parts[i].name == name) {
      part = &item.parts[i];
      found = bytes.subspan(at, length);
      return false;
    }
    at += length;
    return true;
  });
  return found;
}

std::uint8_t message_type(const AsterixRecord& record) {
  return static_cast<std::uint8_t>(asterix_value(record, "000", "VALUE").value_or(0.0));
}

bool is_set(const AsterixRecord& record, std::string_view item, std::string_view field) {
  return asterix_value(record, item, field).value_or(0.0) != 0.0;
}

void take_clock(const AsterixRecord& record, std::string_view item, Observation& out) {
  if (const auto seconds = asterix_value(record, item, "VALUE"); seconds && *seconds < 86400.0) {
    out.time_of_day = to_uint32(*seconds * 128.0);
    out.set(Field::time_of_day);
  }
}

void take_polar(double range, double azimuth, Observation& out) {
  out.plot[0] = to_int32(range * 1e3 + 0.5);
  out.plot[1] = to_int32(azimuth * 1e6 + 0.5);
  out.set(Field::plot_polar);
}
std::int32_t rounded(double value) {
  return to_int32(value < 0.0 ? value - 0.5 : value + 0.5);
}
void take_plane(double east, double north, Observation& out) {
  out.plot[0] = rounded(east * 1e3);
  out.plot[1] = rounded(north * 1e3);
  out.set(Field::plot_plane);
}
void take_place(double latitude, double longitude, Observation& out) {
  if (latitude >= -90.0 && latitude <= 90.0) {
    out.latitude_e7 = rounded(latitude * 1e7);
    out.longitude_e7 = rounded(wrap_180(longitude) * 1e7);
    out.set(Field::position);
  }
}

// Both values, or neither.
template <typename Take>
void take_pair(const AsterixRecord& record, std::string_view item, std::string_view first,
               std::string_view second, Observation& out, Take&& take) {
  const auto a = asterix_value(record, item, first);
  const auto b = asterix_value(record, item, second);
  if (a && b) {
    take(*a, *b, out);
  }
}

void take_height(std::optional<double> metres, Observation& out) {
  if (metres) {
    out.altitude_mm = rounded(*metres * 1e3);
    out.set(Field::altitude);
  }
}

void take_identification(const AsterixRecord& record, std::string_view item, std::size_t skip,
                         Observation& out) {
  Bytes bytes;
  if (find_item(record, item, bytes) != nullptr) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const char c = asterix_character(bits_at(bytes, skip + i * 6, 6));
      out.callsign[i] = c;
      length = c != ' ' ? i + 1 : length;
    }
    for (std::size_t i = length; i < sizeof out.callsign; ++i) {
      out.callsign[i] = '\0';
    }
    if (length != 0) {
      out.set(Field::callsign);
    }
  }
}

// Mode 3/A, if the sensor confirms it: four octal digits.
void take_squawk(const AsterixRecord& record, std::string_view item, Observation& out) {
  const auto code = asterix_value(record, item, "MODE3A");
  if (code && !is_set(record, item, "V") && !is_set(record, item, "G")) {
    const std::uint32_t c = to_uint32(*code);
    out.particulars.squawk_next = static_cast<std::uint16_t>(1000 * (c >> 9) + 100 * (c >> 6 & 7) +
                                                             10 * (c >> 3 & 7) + (c & 7) + 1);
    out.set(Field::particulars);
  }
}

bool service(std::uint8_t type, std::uint8_t starts_scan, Observation& out) {
  out.set(type == starts_scan ? Field::scan_start : Field::presence);
  return true;
}

bool surface_report(const AsterixRecord& record, Observation& out) {
  take_clock(record, "140", out);
  if (message_type(record) != 1) {
    return service(message_type(record), 2, out);
  }
  if (is_set(record, "020", "SIM") || is_set(record, "020", "TST")) {
    return false;
  }
  take_pair(record, "041", "LAT", "LON", out, take_place);
  take_pair(record, "040", "RHO", "TH", out, take_polar);
  take_pair(record, "042", "X", "Y", out, take_plane);
  take_height(asterix_value(record, "091", "VALUE"), out);
  out.identity = static_cast<std::uint64_t>(asterix_value(record, "220", "VALUE").value_or(0.0));
  take_identification(record, "245", 8, out);
  take_squawk(record, "060", out);
  return out.is_plot();
}

bool radar_service(const AsterixRecord& record, Observation& out) {
  take_clock(record, "030", out);
  return service(message_type(record), 1, out);
}

bool radar_report(const AsterixRecord& record, Observation& out) {
  take_clock(record, "140", out);
  // A simulated or test target does not exist.
  if (is_set(record, "020", "SIM") || is_set(record, "020", "TST")) {
    return false;
  }
  take_pair(record, "040", "RHO", "THETA", out, take_polar);
  if (!out.has(Field::plot_polar)) {
    take_pair(record, "042", "X", "Y", out, take_plane);
  }
  const auto level = asterix_value(record, "090", "FL");
  take_height(level ? level : asterix_value(record, "110", "3DH"), out);
  out.identity = static_cast<std::uint64_t>(asterix_value(record, "220", "VALUE").value_or(0.0));
  take_identification(record, "240", 0, out);
  take_squawk(record, "070", out);
  return out.is_plot();
}

bool system_track(const AsterixRecord& record, Observation& out) {
  take_clock(record, "070", out);
  // A simulated or ended track.
  if (is_set(record, "080", "SIM") || is_set(record, "080", "TSE")) {
    return false;
  }
  take_pair(record, "105", "LAT", "LON", out, take_place);
  const auto geometric = asterix_value(record, "130", "VALUE");
  take_height(geometric ? geometric : asterix_value(record, "136", "VALUE"), out);
  Bytes bytes;
  if (const AsterixItem* item = find_item(record, "380", bytes)) {
    const AsterixItem* part = nullptr;
    if (const auto address = part_of(*item, bytes, "ADR", part)) {
      out.identity = bits_at(*address, 0, 24);
    }
  }
  take_identification(record, "245", 8, out);
  take_squawk(record, "060", out);
  return out.is_plot();
}

// Degrees or seconds outside what the standard defines (SPEC-149, the items' notes).
bool fields_in_range(const AsterixItem& item, Bytes bytes) {
  std::size_t at = 0;
  for (const AsterixField& field : item.fields) {
    if (at + field.bits > bytes.size() * 8) {
      break;
    }
    const double most = field.name == "LAT" ? 90.0 : field.name == "LON" ? 180.0 : 0.0;
    const double value = most != 0.0 ? number_at(bytes, at, field) : 0.0;
    if (value > most || value < -most) {
      return false;
    }
    at += field.bits;
  }
  return true;
}

}  // namespace

bool in_range(const AsterixRecord& record) {
  const auto& items = record.category->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].shape == AsterixShape::fixed && !record.items[i].empty() &&
        !fields_in_range(items[i], record.items[i])) {
      return false;
    }
  }
  const std::string_view clock = record.category->number == 62 ? "070"
                                 : record.category->number == 34 || record.category->number == 65
                                     ? "030"
                                     : "140";
  return asterix_value(record, clock, "VALUE").value_or(0.0) <= 86400.0;
}

char asterix_character(std::uint32_t code) {
  return code >= 1 && code <= 26    ? static_cast<char>('A' + code - 1)
         : code >= 48 && code <= 57 ? static_cast<char>('0' + code - 48)
                                    : ' ';
}

RefusalCause parse_asterix_record(const AsterixCategory& category, Bytes bytes,
                                  AsterixRecord& record) {
  record.category = &category;
  record.items.fill({});
  const std::size_t specification = specification_bytes(bytes);
  if (specification == 0) {
    return RefusalCause::too_short;
  }
  std::size_t at = specification;
  RefusalCause cause = RefusalCause::none;
  const bool whole = for_each_named(bytes.first(specification), [&](std::size_t number) {
    if (number >= category.items.size()) {
      cause = RefusalCause::malformed;
      return false;
    }
    const std::size_t length = item_bytes(category.items[number], bytes.subspan(at), cause);
    record.items[number] = bytes.subspan(at, length);
    at += length;
    return length != 0;
  });
  if (!whole) {
    return cause;
  }
  record.bytes = bytes.first(at);
  return at == specification ? RefusalCause::malformed : RefusalCause::none;
}

std::optional<double> asterix_value(const AsterixRecord& record, std::string_view item,
                                    std::string_view field) {
  Bytes bytes;
  const AsterixItem* found = find_item(record, item, bytes);
  return found == nullptr ? std::nullopt : field_of(*found, bytes, field);
}

bool to_observation(const AsterixRecord& record, Observation& out) {
  const auto area = asterix_value(record, "010", "SAC");
  const auto system = asterix_value(record, "010", "SIC");
  if (!area || !system) {
    return false;  // mandatory, because it identifies the sensor
  }
  out.kind = IdentityKind::contact;
  out.message = record.category->number;
  out.sensor = static_cast<std::uint16_t>(*area * 256.0 + *system);
  if (record.last) {
    out.set(Field::group_end);
  }
  switch (record.category->number) {
    case 10:
      return surface_report(record, out);
    case 34:
      return radar_service(record, out);
    case 48:
      return radar_report(record, out);
    case 62:
      return system_track(record, out);
    default:
      take_clock(record, "030", out);
      return service(0, 1, out);
  }
}

namespace {

using Json = JsonWriter<std::string>;

void describe_fields(const AsterixItem& item, Bytes bytes, Json& json) {
  json.begin_object();
  if (item.fields.empty()) {
    std::string hex;
    append_hex(hex, bytes);
    json.member("BYTES", std::string_view(hex));
  }
  std::size_t at = 0;
  for (const AsterixField& field : item.fields) {
    if (at + field.bits > bytes.size() * 8) {
      break;
    }
    switch (field.kind) {
      case AsterixKind::whole:
      case AsterixKind::integer:
        if (field.unit == 1.0) {
          json.member(field.name, static_cast<std::int64_t>(number_at(bytes, at, field)));
        } else {
          json.member(field.name, number_at(bytes, at, field), 9);
        }
        break;
      case AsterixKind::text: {
        char text[16] = {};
        for (std::size_t i = 0; i < field.bits / 6U; ++i) {
          text[i] = asterix_character(bits_at(bytes, at + i * 6, 6));
        }
        json.member(field.name, std::string_view(text, field.bits / 6U));
        break;
      }
      case AsterixKind::raw: {
        std::string hex;
        append_hex(hex, bytes.subspan(at / 8, field.bits / 8U));
        json.member(field.name, std::string_view(hex));
        break;
      }
      case AsterixKind::spare:
      case AsterixKind::extension:
        break;
    }
    at += field.bits;
  }
  json.end_object();
}

void describe_item(const AsterixItem& item, Bytes bytes, Json& json) {
  switch (item.shape) {
    case AsterixShape::repeated:
      json.begin_array();
      for (std::size_t at = 1; at < bytes.size(); at += item.bytes) {
        describe_fields(item, bytes.subspan(at, item.bytes), json);
      }
      json.end_array();
      return;
    case AsterixShape::compound: {
      json.begin_object();
      std::size_t at = specification_bytes(bytes);
      for_each_named(bytes.first(at), [&](std::size_t part) {
        RefusalCause cause{};
        const std::size_t length = item_bytes(item.parts[part], bytes.subspan(at), cause);
        json.key(item.parts[part].name);
        describe_item(item.parts[part], bytes.subspan(at, length), json);
        at += length;
        return true;
      });
      json.end_object();
      return;
    }
    default:
      describe_fields(item, bytes, json);
  }
}

}  // namespace

void describe(const AsterixRecord& record, JsonWriter<std::string>& json) {
  json.member("kind", "asterix").member("category", record.category->number);
  json.key("items").begin_object();
  for (std::size_t i = 0; i < record.category->items.size(); ++i) {
    if (!record.items[i].empty()) {
      json.key(record.category->items[i].name);
      describe_item(record.category->items[i], record.items[i], json);
    }
  }
  json.end_object();
}

}  // namespace vedette::codec
