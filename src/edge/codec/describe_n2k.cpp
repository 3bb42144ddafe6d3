#include "base/text.hpp"
#include "edge/codec/n2k.hpp"

namespace vedette::codec {
namespace {

using Json = JsonWriter<std::string>;

template <std::size_t N>
void describe_reference(Json& json, const char (&name)[N], N2kReference reference) {
  if (reference <= N2kReference::magnetic) {
    json.member(name, reference == N2kReference::magnetic);
  }
}

void describe_wind(Json& json, const N2kMessage& m) {
  if (m.has_wind_speed) {
    json.member("wind_speed", m.wind_speed, 2);
  }
  if (m.has_wind_angle) {
    json.member("wind_angle", m.wind_angle, 4);
  }
  if ((m.has_wind_speed || m.has_wind_angle) && m.wind_reference < 7) {
    json.member("wind_reference", m.wind_reference);
  }
}

void describe_statics(Json& json, const N2kMessage& m) {
  if (m.has_name) {
    json.member("name", m.name);
  }
  if (m.has_callsign) {
    json.member("callsign", m.callsign);
  }
  if (m.has_ship_type) {
    json.member("shiptype", m.ship_type);
  }
  if (m.has_status) {
    json.member("status", m.status);
  }
  if (m.pgn == 129794) {
    json.member("imo", m.imo).member("destination", m.destination_port);
    json.member("draught", m.draught, 2);
  }
  if (m.length > 0.0) {
    json.member("length", m.length, 1).member("beam", m.beam, 1);
  }
}

}  // namespace

void describe(const N2kMessage& m, JsonWriter<std::string>& json) {
  json.member("kind", m.part != 0 ? "n2k-part" : "n2k")
      .member("pgn", m.pgn)
      .member("src", m.source);
  if (m.part != 0) {
    json.member("part", m.part).member("parts", m.parts);
    return;
  }
  json.member("prio", m.priority).member("dst", m.destination);
  if (m.time_ns != 0) {
    const bool finer = m.time_ns % 1'000'000 != 0;
    json.key("time").text([&](std::string& out) { append_time(out, m.time_ns, finer); });
  } else if (m.of_day_ns >= 0) {
    json.member("time_of_day", static_cast<double>(m.of_day_ns) * 1e-9, 3);
  }
  if (m.has_mmsi) {
    json.member("mmsi", m.mmsi).member("type", m.ais_type);
  }
  if (m.has_position) {
    json.member("lat", m.latitude, 7).member("lon", m.longitude, 7);
  }
  if (m.has_altitude) {
    json.member("alt", m.altitude, 3);
  }
  if (m.has_speed) {
    json.member("speed", m.speed, 2);
  }
  if (m.has_course) {
    json.member("course", m.course, 4);
    describe_reference(json, "course_magnetic", m.course_reference);
  }
  if (m.has_heading) {
    json.member("heading", m.heading, 4);
    describe_reference(json, "heading_magnetic", m.heading_reference);
  }
  if (m.has_true_heading && m.heading_reference == N2kReference::magnetic) {
    json.member("heading_true", m.true_heading, 4);
  }
  if (m.has_true_course && m.course_reference == N2kReference::magnetic) {
    json.member("course_true", m.true_course, 4);
  }
  if (m.has_variation) {
    json.member("variation", m.variation, 4);
  }
  if (m.has_water_speed) {
    json.member("water_speed", m.water_speed, 2);
  }
  describe_wind(json, m);
  if (m.has_time) {
    json.member_time("utc", m.utc_ns);
  }
  if (m.has_quality) {
    json.member("quality", m.quality);
  }
  if (m.has_satellites) {
    json.member("satellites", m.satellites);
  }
  if (m.has_hdop) {
    json.member("hdop", m.hdop, 2);
  }
  describe_statics(json, m);
}

}  // namespace vedette::codec
