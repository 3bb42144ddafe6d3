#include "base/math.hpp"
#include "edge/codec/nmea0183.hpp"

namespace vedette::codec {
namespace {

using Json = JsonWriter<std::string>;

void place(Json& json, double latitude, double longitude) {
  json.member("lat", latitude, 7).member("lon", longitude, 7);
}

void describe_turn(Json& json, std::int8_t turn) {
  if (turn == 127 || turn == -127) {
    json.member("turn", turn > 0 ? "fastright" : "fastleft");
  } else if (turn != -128) {  // ROT_AIS = 4.733 sqrt(ROT) (M.1371-5, annex 8, table 48)
    const double root = turn / 4.733;
    json.member("turn", turn < 0 ? -root * root : root * root, 1);
  }
}

void describe_size(Json& json, const AisMessage& m) {
  json.member("to_bow", m.to_bow).member("to_stern", m.to_stern);
  json.member("to_port", m.to_port).member("to_starboard", m.to_starboard);
}

void describe_motion(Json& json, const AisMessage& m) {
  if (m.speed != kAisNoSpeed) {
    json.member("speed", m.speed * 0.1 * 1852.0 / 3600.0, 4);
  }
  if (m.course < 3600) {
    json.member("course", m.course * 0.1, 1);
  }
  if (m.heading < 360) {
    json.member("heading", m.heading);
  }
}

void describe_rarer_ais(Json& json, const AisMessage& m) {
  if (m.type == 14) {
    json.member("text", m.text);
    return;
  }
  json.member("accuracy", m.accuracy).member("raim", m.raim);
  if (m.type == 27) {
    json.member("status", m.status).member("old_position", m.old_position);
  } else {
    json.member("second", m.second).member("regional", m.regional);
    json.member("dte", m.dte).member("assigned", m.assigned);
    if (m.altitude != 4095) {
      json.member("alt", m.altitude);
    }
  }
  describe_motion(json, m);
}

void describe_ais(Json& json, const NmeaResult& result) {
  const AisMessage& m = result.ais;
  json.member("kind", "ais").member("type", m.type).member("repeat", m.repeat);
  json.member("mmsi", m.mmsi).member("own", result.own);
  if (ais_has_position(m)) {
    // From the transmitted integers, to keep the encoding's resolution.
    place(json, m.latitude / 600000.0, m.longitude / 600000.0);
  }
  if (m.type == 9 || m.type == 14 || m.type == 27) {
    describe_rarer_ais(json, m);
    return;
  }
  if (m.type != 5 && m.type != 24) {
    json.member("accuracy", m.accuracy).member("raim", m.raim).member("second", m.second);
  }
  if (m.type <= 3) {
    json.member("status", m.status).member("maneuver", m.maneuver);
    describe_turn(json, m.turn);
    describe_motion(json, m);
  } else if (m.type == 4) {
    json.member("year", m.year).member("month", m.month).member("day", m.day);
    json.member("hour", m.hour).member("minute", m.minute).member("epfd", m.epfd);
  } else if (m.type == 5) {
    json.member("imo", m.imo).member("callsign", m.callsign).member("name", m.name);
    json.member("shiptype", m.ship_type).member("epfd", m.epfd).member("dte", m.dte);
    describe_size(json, m);
    json.member("month", m.eta_month).member("day", m.eta_day);
    json.member("hour", m.eta_hour).member("minute", m.eta_minute);
    json.member("draught", m.draught * 0.1, 1).member("destination", m.destination);
  } else if (m.type == 18 || m.type == 19) {
    describe_motion(json, m);
    json.member("assigned", m.assigned);
    if (m.type == 18) {
      json.member("cs", m.cs).member("display", m.display).member("dsc", m.dsc);
      json.member("band", m.band).member("msg22", m.msg22);
    } else {
      json.member("name", m.name).member("shiptype", m.ship_type);
      json.member("epfd", m.epfd).member("dte", m.dte);
      describe_size(json, m);
    }
  } else if (m.type == 21) {
    json.member("aid_type", m.aid_type).member("name", m.name).member("epfd", m.epfd);
    json.member("off_position", m.off_position).member("virtual_aid", m.virtual_aid);
    json.member("regional", m.regional);
    describe_size(json, m);
  } else {
    json.member("part", m.part == 0 ? "A" : "B");
    if (m.part == 0) {
      json.member("name", m.name);
    } else {
      json.member("shiptype", m.ship_type).member("vendorid", m.vendor);
      json.member("model", m.model).member("serial", m.serial).member("callsign", m.callsign);
      if (m.mothership != 0) {
        json.member("mothership_mmsi", m.mothership);
      } else {
        describe_size(json, m);
      }
    }
  }
}

void describe_target(Json& json, const NmeaTarget& t) {
  if (t.has_number) {
    json.member("target", t.number);
  }
  if (t.has_range) {
    json.member("range", t.range, 1);
  }
  if (t.has_bearing) {
    json.member("bearing", t.bearing, 2).member("bearing_relative", t.relative);
  }
  if (t.has_true_bearing && t.relative) {
    json.member("bearing_true", t.true_bearing, 2);
  }
  if (t.course_relative) {
    json.member("course_relative", true);
  }
  if (t.has_cpa) {
    json.member("cpa", t.cpa, 1);
  }
  if (t.has_tcpa) {
    json.member("tcpa", t.tcpa, 1);
  }
  if (t.name[0] != '\0') {
    json.member("name", t.name);
  }
  if (t.status != '\0') {
    json.member("status", std::string_view(&t.status, 1));
  }
}

void describe_instruments(Json& json, const NmeaMessage& m) {
  if (m.has_heading) {
    json.member("heading", m.heading, 2).member("heading_magnetic", m.heading_magnetic);
  }
  if (m.has_true_heading && m.heading_magnetic) {
    json.member("heading_true", m.true_heading, 2);
  }
  if (m.has_variation) {
    json.member("variation", m.variation, 2);
  }
  if (m.has_turn) {
    json.member("turn", m.turn, 2);
  }
  if (m.has_water_speed) {
    json.member("water_speed", m.water_speed, 4);
  }
  if (m.has_wind_speed) {
    json.member("wind_speed", m.wind_speed, 4);
  }
  if (m.has_wind_angle) {
    json.member("wind_angle", m.wind_angle, 2);
  }
  if (m.has_wind_speed || m.has_wind_angle) {
    json.member("wind_reference", m.wind_reference);
  }
  if (m.has_depth) {
    json.member("depth", m.depth, 2);
  }
  if (m.has_offset) {
    json.member("offset", m.offset, 2);
  }
}

void describe_sentence(Json& json, const NmeaMessage& m) {
  json.member("kind", "nmea0183").member("type", name_of(m.type)).member("talker", m.talker);
  json.member("valid", m.valid);
  if (m.has_time && m.has_date) {
    json.member_time("time", m.days * 86400 * 1000000000 + m.time_of_day_ns);
  } else if (m.has_time) {
    json.member("time_of_day", static_cast<double>(m.time_of_day_ns) * 1e-9, 3);
  }
  if (m.has_position) {
    place(json, m.latitude, m.longitude);
  }
  if (m.has_altitude) {
    json.member("alt", m.altitude, 2);
  }
  if (m.has_speed) {
    json.member("speed", m.speed, 4);
  }
  if (m.has_course) {
    json.member("course", m.course, 2);
  }
  describe_instruments(json, m);
  if (m.type == NmeaType::gga) {
    json.member("quality", m.quality);
  }
  if (m.has_satellites) {
    json.member("satellites", m.satellites);
  }
  if (m.has_signal) {
    json.member("signal_db", m.signal_db);
  }
  if (m.has_hdop) {
    json.member("hdop", m.hdop, 2);
  }
  if (m.type >= NmeaType::ttm) {
    describe_target(json, m.target);
  }
}

}  // namespace

void describe(const NmeaResult& result, Json& json) {
  if (result.kind == NmeaKind::ais) {
    describe_ais(json, result);
    return;
  }
  if (result.kind == NmeaKind::part) {
    json.member("kind", "ais-part").member("part", result.part).member("parts", result.parts);
    return;
  }
  describe_sentence(json, result.sentence);
}

}  // namespace vedette::codec
