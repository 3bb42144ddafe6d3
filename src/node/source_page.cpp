#include "node/source_page.hpp"

#include <algorithm>

#include "edge/codec/advice.hpp"
#include "edge/ingress/can_frame.hpp"

namespace vedette::node {
namespace {

using Json = JsonWriter<std::string>;

std::uint64_t read(const std::atomic<std::uint64_t>& at) {
  return at.load(std::memory_order_relaxed);
}

bool is_printable(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::uint8_t c) { return (c >= 0x20 && c < 0x7F) || c == '\t'; });
}

void frame_members(const ingress::LastRefused::Frame& frame, Json& json) {
  json.key("last").begin_object().member("record", frame.record).member_time("at", frame.at_ns);
  json.member("bytes", frame.length);
  if (is_printable(frame.kept())) {
    json.member("text", as_text(frame.kept()));
  } else {
    std::string hex;
    append_hex(hex, frame.kept());
    json.member("hex", std::string_view(hex));
  }
  json.end_object();
}

void cause_object(const ingress::SourceCounters& c, RefusalCause cause, CodecKind codec,
                  Json& json) {
  const auto at = static_cast<std::size_t>(cause);
  json.begin_object().member("cause", name_of(cause)).member("count", read(c.refused[at]));
  json.member("used", is_not_used(cause) ? "not-used" : "refused");
  json.member("means", meaning_of(cause));
  const auto frame = c.last_refused[at].read();
  if (frame) {
    frame_members(*frame, json);
  }
  const Bytes kept = frame ? frame->kept() : Bytes{};
  const std::string help = cause == RefusalCause::bus_error
                               ? std::string(ingress::advice_on_error(kept))
                               : codec::advice(codec, cause, kept);
  if (!help.empty()) {
    json.member("help", std::string_view(help));
  }
  json.end_object();
}

}  // namespace

void count_members(const ingress::SourceCounters& c, Json& json) {
  json.member("accepted", read(c.accepted)).member("parts", read(c.parts));
  std::uint64_t not_used = 0;
  for (std::size_t i = 1; i < kRefusalCauses; ++i) {
    not_used += is_not_used(static_cast<RefusalCause>(i)) ? read(c.refused[i]) : 0;
  }
  json.member("not_used", not_used);
  for (const bool unused : {true, false}) {
    json.key(unused ? "not_used_by" : "refused").begin_object();
    for (std::size_t i = 1; i < kRefusalCauses; ++i) {
      const auto cause = static_cast<RefusalCause>(i);
      if (is_not_used(cause) == unused && read(c.refused[i]) != 0) {
        json.member(name_of(cause), read(c.refused[i]));
      }
    }
    json.end_object();
  }
}

std::optional<std::string> source_json(const ingress::Ingress& ingress, const plan::Plan& plan,
                                       std::string_view name) {
  for (std::size_t s = 0; s < ingress.size(); ++s) {
    const plan::Source* source = plan.sources()->Get(static_cast<flatbuffers::uoffset_t>(s));
    if (source->name()->string_view() != name) {
      continue;
    }
    const auto codec = static_cast<CodecKind>(source->codec());
    const ingress::SourceCounters& c = ingress.counters(s);
    std::string text;
    Json json(text);
    json.begin_object().member("name", name).member("codec", vedette::name_of(codec));
    json.member("status",
                name_of(static_cast<SourceStatus>(c.status.load(std::memory_order_relaxed))));
    json.member("received", read(c.received));
    count_members(c, json);
    json.key("causes").begin_array();
    for (std::size_t i = 1; i < kRefusalCauses; ++i) {
      if (read(c.refused[i]) != 0) {
        cause_object(c, static_cast<RefusalCause>(i), codec, json);
      }
    }
    json.end_array().end_object();
    return text;
  }
  return std::nullopt;
}

}  // namespace vedette::node
