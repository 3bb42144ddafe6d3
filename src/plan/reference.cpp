#include <cstdio>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "model/codes.hpp"
#include "model/expression.hpp"
#include "plan/plan.hpp"
#include "plan/schema.hpp"

namespace vedette::plan {
namespace {

std::string type_of(const Key& k) {
  switch (k.kind) {
    case ValueKind::text:
      return "text";
    case ValueKind::choice:
      return "choice";
    case ValueKind::flag:
      return "true/false";
    case ValueKind::whole:
      return "whole number";
    case ValueKind::quantity:
      return std::string(name_of(k.dimension));
    case ValueKind::expression:
      return "expression (" + std::string(name_of(k.dimension)) + ")";
    case ValueKind::name:
      return "name of [" + std::string(k.choices) + ".…]";
    case ValueKind::names:
      return "name of [" + std::string(k.choices) + ".…], or list of names";
    case ValueKind::numbers:
      return "list of numbers";
    case ValueKind::list:
      return "list";
    case ValueKind::texts:
      return "text, or list of texts";
  }
  return "";
}

void field_table(std::string& out, std::string_view title, std::span<const FieldName> fields) {
  out += "\n### " + std::string(title) + "\n\n| field | is a | meaning |\n|---|---|---|\n";
  for (const FieldName& f : fields) {
    out += "| `" + std::string(f.name) + "` | " + std::string(name_of(f.dimension)) + " | " +
           std::string(f.text) + " |\n";
  }
}

void code_tables(std::string& out) {
  out += "\n### Names of codes\n";
  for (const Dimension d :
       {Dimension::ship_type, Dimension::nav_status, Dimension::emergency, Dimension::category}) {
    out += "\nOf a " + std::string(name_of(d)) + ": ";
    bool first = true;
    for (const CodeName& code : names_of_codes(d)) {
      out += (first ? "`\"" : ", `\"") + std::string(code.name) + "\"`";
      first = false;
    }
    out += ".\n";
  }
}

void expressions_text(std::string& out) {
  out +=
      "\n## Expressions\n\nOperators, from loose to tight: `? :`, `or`, `and`, `not`, comparisons, "
      "`+ -`, "
      "`* /`, unary `-`.\nUnits are checked: a speed is never compared with a length. A "
      "condition that\nneeds an unknown value is neither true nor false: it neither raises nor "
      "clears.\n\nFunctions: "
      "`inside(track, ZONE)`, `inside(own, ZONE)`, `count(vessel, ZONE)`, `cpa(track, own)`, "
      "`tcpa(track, own)` (of a pair `cpa(a, b)` and so on),\n"
      "`distance(track, own)`, `bearing(track, own)`, `min(a, b)`, `max(a, b)`, `abs(a)`, and "
      "every field "
      "as a\nfunction of its subject: `age(track)`, `speed(own)`.\nIn a decision, `level` (`info`, "
      "`warn`, "
      "`alarm`) and `confidence` are of the assessment that changed.\n\n"
      "**Texts** stand in single or double quotes: `track.name == 'PANDORA'`, `track.name in "
      "['PANDORA', 'ULLA']`,\n`track.name matches 'PAN*'`, where `*` is any text and `?` one "
      "character. Small letters equal capitals. Codes have\nnames: `track.ship_type == 'tanker'`, "
      "`track.nav_status in ['at anchor', 'moored']`; a list takes numbers, too:\n"
      "`track.squawk in [7500, 7600, 7700]`. `== ''` is true while a value is unknown and false "
      "once it is known; every\nother comparison with an unknown value is unknown, `!=` and "
      "`matches` too. So `track.name != 'ULLA'` does not\nraise before a ship has said its name; "
      "add `or track.name == ''` if it shall.\n\n"
      "**Time** is that of the site's `timezone`: `time_of_day in '22:00'..'06:00'` holds from "
      "22:00 "
      "until before 06:00,\n`time_of_day < '06:00'` from midnight, `weekday in "
      "'saturday'..'sunday'` and `weekday in ['monday', 'friday']` on these\ndays. Each tick "
      "judges "
      "again.\n\n"
      "**Counting:** `count(vessel, ZONE)` is how many tracks of that kind are in the zone now: "
      "those "
      "with a position that are\nnot lost, own ship and tentative contacts left out. In an "
      "assessment "
      "`of = \"node\"` it is judged once a tick.\n";
}

void messages_text(std::string& out) {
  out +=
      "\n## Messages\n\nThe `message` of an action holds values in braces: `\"{track.name or "
      "track.identity} passes at {cpa(track, own) in nmi}\nin {tcpa(track, own) in min}, at {now + "
      "tcpa(track, own) in time}\"`. A value is a field, a function or a sum of expressions;\n`in` "
      "says in which unit, without it m, m/s, deg or s; `or` gives what is written where the value "
      "is unknown: another\nvalue or a text in quotes, else `unknown`. `{now in time}` is the "
      "clock in the site's `timezone`. `{{` and `}}` are\nbraces. The text is made when the action "
      "is "
      "ordered, and every attempt sends the same; beyond 200 bytes it is cut and\nends with "
      "`\u2026`. "
      "An action with values of its subject is run by decisions about one kind of subject.\n";
}

void tracker_table(std::string& out) {
  out +=
      "\nWhat differs by kind:\n\n| kind | acceleration | max_speed | position_sigma | half_life | "
      "halving_sigma | coast | lost | retire |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const TrackerDefault& d : tracker_defaults()) {
    out += "| `" + std::string(d.name) + "`";
    const std::pair<double, std::string_view> values[] = {
        {d.acceleration, "m/s2"}, {d.max_speed, "m/s"}, {d.position_sigma, "m"}, {d.half_life, "s"},
        {d.halving_sigma, "m"},   {d.coast, "s"},       {d.lost, "s"},           {d.retire, "s"}};
    for (const auto& [value, unit] : values) {
      char number[32];
      std::snprintf(number, sizeof number, "%g", value);
      out += " | `" + std::string(number) + " " + std::string(unit) + "`";
    }
    out += " |\n";
  }
}

}  // namespace

std::string site_reference_markdown() {
  std::string out =
      "# The site file\n\nGenerated by `vedette docs site-file` from the table that checks it. A "
      "site "
      "file is TOML; quantities\nare texts with a unit, as in `\"5 ms\"`. An unknown key is an "
      "error.\n";
  for (const SectionText& s : sections()) {
    const std::string title = s.section.empty() ? "Top of the file"
                              : s.named         ? "[" + std::string(s.section) + ".NAME]"
                                                : "[" + std::string(s.section) + "]";
    out += "\n## " + title + "\n\n" + std::string(s.text) + "\n";
    bool any = false;
    for (const Key& k : keys()) {
      if (k.section != s.section) {
        continue;
      }
      if (!any) {
        out += "\n| key | is a | default | meaning |\n|---|---|---|---|\n";
        any = true;
      }
      std::string fallback = k.fallback == "!"    ? "required"
                             : k.fallback.empty() ? ""
                                                  : "`" + std::string(k.fallback) + "`";
      std::string meaning(k.text);
      if (k.kind == ValueKind::choice) {
        meaning += " One of: " + std::string(k.choices) + ".";
      }
      out += "| `" + std::string(k.key) + "` | " + type_of(k) + " | " + fallback + " | " + meaning +
             " |\n";
    }
    if (s.section == "tracker") {
      tracker_table(out);
    }
  }
  expressions_text(out);
  for (std::size_t kind = 0; kind < kSubjectKinds; ++kind) {
    std::string title;
    bool first = true;  // first kind with these fields
    for (std::size_t other = 0; other < kSubjectKinds; ++other) {
      if (kFieldsOfKinds[other].fields.data() == kFieldsOfKinds[kind].fields.data()) {
        first = first && other >= kind;
        title += (title.empty() ? "" : " and ") + std::string(kFieldsOfKinds[other].name) + ".";
      }
    }
    if (first) {
      field_table(out, title, kFieldsOfKinds[kind].fields);
    }
  }
  code_tables(out);
  messages_text(out);
  out += "\n## Units\n\n| unit | of |\n|---|---|\n";
  for (const UnitName& u : kUnits) {
    out += "| `" + std::string(u.name) + "` | " + std::string(name_of(u.dimension)) + " |\n";
  }
  return out;
}

std::string site_json_schema() {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("$schema", "http://json-schema.org/draft-04/schema#");
  json.member("title", "Vedette site file").member("type", "object");
  const auto object_of = [&json](std::string_view section) {
    json.member("type", "object").member("additionalProperties", section == "env");
    json.key("properties").begin_object();
    for (const Key& k : keys()) {
      if (k.section != section) {
        continue;
      }
      json.key(k.key).begin_object().member("description", k.text);
      if (k.kind == ValueKind::choice) {
        json.key("enum").begin_array();
        for (std::string_view rest = k.choices; !rest.empty();) {
          json.value(next_field(rest, ' '));
        }
        json.end_array();
      } else if (k.kind == ValueKind::flag) {
        json.member("type", "boolean");
      } else if (k.kind == ValueKind::whole) {
        json.member("type", "integer");
      } else if (k.kind == ValueKind::numbers || k.kind == ValueKind::list) {
        json.member("type", "array");
      } else if (k.kind == ValueKind::text && k.key != "speed") {
        json.member("type", "string");
      }
      json.end_object();
    }
    json.end_object();
  };
  json.member("additionalProperties", false).key("properties").begin_object();
  json.key("site").begin_object().member("type", "string").end_object();
  for (const SectionText& s : sections()) {
    if (s.section.empty()) {
      continue;
    }
    json.key(s.section).begin_object();
    if (s.named) {
      json.member("type", "object").key("additionalProperties").begin_object();
      object_of(s.section);
      json.end_object();
    } else {
      object_of(s.section);
    }
    json.end_object();
  }
  json.end_object().end_object();
  return text + "\n";
}

}  // namespace vedette::plan
