#include "act/render.hpp"

#include <cmath>
#include <cstring>

#include "base/json.hpp"

namespace vedette::act {
namespace {

std::string_view text_of(const char* text, std::size_t limit) {
  return {text, ::strnlen(text, limit)};
}

void append_xml(FixedText& out, std::string_view text) {
  for (const char& c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '&') {
      out.append("&amp;");
    } else if (c == '<') {
      out.append("&lt;");
    } else if (c == '>') {
      out.append("&gt;");
    } else if (c == '"') {
      out.append("&quot;");
    } else if (u < 0x20 || u > 0x7E) {
      out.append("?");
    } else {
      out.append(std::string_view(&c, 1));
    }
  }
}

void append_identity(FixedText& out, const ActionIntent& intent) {
  out.append(name_of(intent.kind));
  out.append(".");
  const std::uint64_t identity = identity_of(intent.subject.key);
  intent.kind == IdentityKind::aircraft ? append_hex(out, identity)
                                        : append_unsigned(out, identity);
}

void render_json(const plan::Plan& plan, const EventHeader& event, const ActionIntent& i,
                 FixedText& out) {
  JsonWriter<FixedText> json(out);
  json.begin_object();
  json.key("key").text([&](FixedText& text) { append_key(text, i, event.sequence); });
  json.member_id("event", event.sequence);
  json.member_time("time", event.observed_ns);
  json.member("site", plan.site()->string_view());
  json.member("action", plan.actions()->Get(i.action)->name()->string_view());
  json.member("assessment", plan.assessments()->Get(i.assessment)->name()->string_view());
  json.member("transition", name_of(i.transition)).member("level", name_of(i.level));
  json.member("confidence", i.confidence, 3);
  const auto* message = plan.actions()->Get(i.action)->message();
  if (message != nullptr && message->size() != 0) {
    json.member("message", message->string_view());
  }
  if (i.subject.kind == SubjectKind::source) {
    json.member("source", plan.sources()
                              ->Get(static_cast<flatbuffers::uoffset_t>(i.subject.source))
                              ->name()
                              ->string_view());
  } else {
    json.member("kind", name_of(i.kind));
    json.member_id("identity", identity_of(i.subject.key));
  }
  if (i.name[0] != '\0') {
    json.member("name", text_of(i.name, sizeof i.name));
  }
  if (i.has_position != 0) {
    json.member("lat", i.latitude, 7).member("lon", i.longitude, 7);
    json.member("sigma", i.sigma, 1).member("speed", i.speed, 2).member("course", i.course, 1);
    if (std::isfinite(i.altitude)) {
      json.member("alt", i.altitude, 1);
    }
    if (std::isfinite(i.cpa)) {
      json.member("cpa", i.cpa, 1).member("tcpa", i.tcpa, 1);
    }
  }
  json.end_object();
  out.append("\n");
}

// Neutral battle-dimension types: what is seen is not judged friend or foe here.
std::string_view cot_type(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::aircraft:
      return "a-n-A-C";
    case IdentityKind::vehicle:
      return "a-n-A-M-F-Q";
    case IdentityKind::vessel:
      return "a-n-S";
    case IdentityKind::own:
      return "a-f-S";
    default:
      return "b-m-p-s-m";
  }
}

void render_cot(const plan::Plan& plan, const EventHeader& event, const ActionIntent& i,
                FixedText& out) {
  const auto* action = plan.actions()->Get(i.action);
  out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?><event version=\"2.0\" uid=\"");
  append_xml(out, plan.site()->string_view());
  out.append(".");
  append_identity(out, i);
  out.append("\" type=\"");
  out.append(cot_type(i.kind));
  out.append("\" how=\"m-f\" time=\"");
  append_time(out, event.observed_ns);
  out.append("\" start=\"");
  append_time(out, event.observed_ns);
  out.append("\" stale=\"");
  append_time(out, event.observed_ns + 120'000'000'000);
  out.append("\"><point lat=\"");
  append_decimal(out, i.has_position != 0 ? i.latitude : 0.0, 7);
  out.append("\" lon=\"");
  append_decimal(out, i.has_position != 0 ? i.longitude : 0.0, 7);
  out.append("\" hae=\"");
  append_decimal(out, std::isfinite(i.altitude) ? i.altitude : 9999999.0, 1);
  out.append("\" ce=\"");
  append_decimal(out, i.has_position != 0 ? i.sigma * 2.45 : 9999999.0, 1);  // 95 % of a circle
  out.append("\" le=\"9999999.0\"/><detail><contact callsign=\"");
  append_xml(out, i.name[0] != '\0' ? text_of(i.name, sizeof i.name) : name_of(i.kind));
  out.append("\"/>");
  if (i.has_position != 0 && std::isfinite(i.speed)) {
    out.append("<track speed=\"");
    append_decimal(out, i.speed, 2);
    out.append("\" course=\"");
    append_decimal(out, i.course, 1);
    out.append("\"/>");
  }
  out.append("<remarks>");
  append_xml(out, plan.assessments()->Get(i.assessment)->name()->string_view());
  out.append(" ");
  out.append(name_of(i.transition));
  out.append(" ");
  out.append(name_of(i.level));
  if (action->message() != nullptr && action->message()->size() != 0) {
    out.append(": ");
    append_xml(out, action->message()->string_view());
  }
  out.append("</remarks><vedette key=\"");
  append_key(out, i, event.sequence);
  out.append("\"/></detail></event>");
}

// At most 24 characters, without those that NMEA 0183 reserves (5.1.3, table 2).
void append_words(FixedText& out, std::string_view words) {
  for (const char& c : words.substr(0, 24)) {
    const bool plain =
        c >= ' ' && c <= '}' && std::string_view("$*,!\\^").find(c) == std::string_view::npos;
    out.append(plain ? std::string_view(&c, 1) : std::string_view(" "));
  }
}

// $--ALR,hhmmss.ss,xxx,A,A,text*hh: time, alarm number, condition (A raised, V cleared), not
// acknowledged, text. At most 82 characters in all.
void render_nmea(const plan::Plan& plan, const EventHeader& event, const ActionIntent& i,
                 FixedText& out) {
  const std::size_t start = out.view().size();
  const std::int64_t of_day = event.observed_ns / 10'000'000 % 8'640'000;
  out.append("$VDALR,");
  put_text<kNumberText>(out, [&](char* at) {
    const auto put = [&at](std::int64_t value, std::size_t digits) {
      at = put_digits(at, static_cast<std::uint64_t>(value), digits);
    };
    put(of_day / 360'000 * 10'000 + of_day / 6'000 % 60 * 100 + of_day / 100 % 60, 6);
    *at++ = '.';
    put(of_day % 100, 2);
    *at++ = ',';
    put(i.assessment + 1, 3);
    return at;
  });
  out.append(i.transition == Transition::cleared ? ",V,V," : ",A,V,");
  char words[48];
  FixedText text{std::span<char>(words)};
  const auto* message = plan.actions()->Get(i.action)->message();
  append_words(text, message != nullptr && message->size() != 0
                         ? message->string_view()
                         : plan.assessments()->Get(i.assessment)->name()->string_view());
  text.append(" ");
  append_identity(text, i);
  out.append(text.view());
  unsigned sum = 0;
  for (const char c : out.view().substr(start + 1)) {
    sum ^= static_cast<unsigned char>(c);
  }
  const char tail[5] = {'*', "0123456789ABCDEF"[sum >> 4 & 15], "0123456789ABCDEF"[sum & 15], '\r',
                        '\n'};
  out.append(std::string_view(tail, 5));
}

}  // namespace

void append_key(FixedText& out, const ActionIntent& intent, std::uint64_t sequence) {
  append_hex(out, intent.node);
  out.append("-");
  append_unsigned(out, intent.epoch);
  out.append("-");
  append_unsigned(out, intent.root != 0 ? intent.root : sequence);
}

void render_line(const plan::Plan& plan, const EventHeader& event, const ActionIntent& intent,
                 FixedText& out) {
  render_json(plan, event, intent, out);
}

void render(const plan::Plan& plan, const EventHeader& event, const ActionIntent& intent,
            FixedText& out) {
  switch (plan.actions()->Get(intent.action)->format()) {
    case plan::FormatKind::json:
      render_json(plan, event, intent, out);
      return;
    case plan::FormatKind::cot:
      render_cot(plan, event, intent, out);
      return;
    case plan::FormatKind::nmea:
      render_nmea(plan, event, intent, out);
      return;
  }
}

}  // namespace vedette::act
