#include "model/describe_event.hpp"

#include <cstring>

#include "base/text.hpp"
#include "base/trouble.hpp"
#include "model/cause.hpp"
#include "model/observation.hpp"

namespace vedette {
namespace {

using Json = JsonWriter<std::string>;

// What a describer may need besides the typed payload.
struct Context {
  const EventHeader& event;
  Bytes payload;
  const plan::Plan& plan;
};

template <typename List>
std::string name_in(const List* list, std::size_t index) {
  return index < list->size() ? list->Get(static_cast<flatbuffers::uoffset_t>(index))->name()->str()
                              : "?";
}

void member_subject(const Subject& subject, const Context& at, Json& json) {
  json.member("subject", std::string_view(subject_text(subject, at.plan)));
}

// One describer for each payload type of model/event_kinds.hpp; without one the build fails.

void describe(const Observation& o, const Context& at, Json& json) {
  json.member("of", name_of(o.kind)).member_id("identity", o.identity).member("message", o.message);
  if (o.has(Field::position)) {
    json.member("lat", o.latitude_e7 * 1e-7, 7).member("lon", o.longitude_e7 * 1e-7, 7);
  }
  if (o.kind == IdentityKind::contact) {
    json.member("sensor", std::string_view(std::to_string(o.sensor >> 8) + "/" +
                                           std::to_string(o.sensor & 0xFF)));
  }
  if (o.has(Field::plot_polar)) {
    json.member("range", o.plot[0] * 1e-3, 1).member("azimuth", o.plot[1] * 1e-6, 3);
  } else if (o.has(Field::plot_plane)) {
    json.member("east", o.plot[0] * 1e-3, 1).member("north", o.plot[1] * 1e-3, 1);
  }
  std::string raw;
  if (printable(raw_of(at.payload))) {
    raw = as_text(raw_of(at.payload));
    json.member("raw", std::string_view(raw));
  } else {
    append_hex(raw, raw_of(at.payload));
    json.member("raw_hex", std::string_view(raw));
  }
}

void describe(const AssessmentChange& a, const Context& at, Json& json) {
  json.member("assessment", std::string_view(name_in(at.plan.assessments(), a.assessment)));
  json.member("transition", name_of(a.transition)).member("level", name_of(a.level));
  json.member("confidence", a.confidence, 3);
  if (a.own_in_doubt != 0) {
    json.member("own_in_doubt", true);
  }
  member_subject(a.subject, at, json);
  json.key("causes").begin_array();
  for (const std::uint64_t cause : a.causes) {
    if (cause != 0) {
      json.value(std::string_view(std::to_string(cause)));
    }
  }
  json.end_array();
}

void describe(const DecisionMade& d, const Context& at, Json& json) {
  json.member("decision", std::string_view(name_in(at.plan.decisions(), d.decision)));
  json.member("choice", name_of(d.choice)).member("confidence", d.confidence, 3);
  json.member_id("late_ns", static_cast<std::uint64_t>(d.late_ns));
  member_subject(d.subject, at, json);
}

void describe(const ActionIntent& i, const Context& at, Json& json) {
  json.member("action", std::string_view(name_in(at.plan.actions(), i.action)));
  json.member("sink", std::string_view(name_in(at.plan.sinks(), i.sink)));
  json.member("assessment", std::string_view(name_in(at.plan.assessments(), i.assessment)));
  json.member("level", name_of(i.level));
  std::string key;
  append_hex(key, i.node);
  key += "-" + std::to_string(i.epoch) + "-" +
         std::to_string(i.root != 0 ? i.root : at.event.sequence);
  if (i.attempt != 0) {
    json.member("attempt", std::uint64_t{i.attempt});
  }
  json.member("key", std::string_view(key));
  if (i.possible_duplicate != 0) {
    json.member("possible_duplicate", true);
  }
  if (i.message[0] != '\0') {
    json.member("message", std::string_view(i.message, ::strnlen(i.message, sizeof i.message)));
  }
  member_subject(i.subject, at, json);
}

void describe(const ActionOutcome& o, const Context&, Json& json) {
  json.member_id("action_event", o.action_sequence).member("outcome", name_of(o.exit));
  json.member("why", name_of(o.reason)).member("bytes", o.bytes_sent);
}

void describe(const TrackChange& t, const Context&, Json& json) {
  json.member("change", name_of(t.change))
      .member("of", name_of(static_cast<IdentityKind>(t.key >> 56)));
  json.member_id("identity", identity_of(t.key));
  if (t.why != EvictionReason::none) {
    json.member("why", name_of(t.why));
  }
}

// What a person wrote.
void words_members(const PersonName& by, const PersonNote& note, Json& json) {
  if (!by.view().empty()) {
    json.member("by", by.view());
  }
  if (!note.view().empty()) {
    json.member("note", note.view());
  }
}

void describe(const AlarmChange& change, const Context& at, Json& json) {
  json.member("change", name_of(change.change));
  alarm_members(change.alarm, at.plan, json);
}

void describe(const Command& command, const Context& at, Json& json) {
  json.member("command", name_of(command.kind));
  if (command.user != kNobody) {
    json.member("user", std::uint64_t{command.user});
  }
  if (command.kind >= CommandKind::acknowledge_alarm || command.kind == CommandKind::acknowledge) {
    const auto order = payload_as<AlarmOrder>(at.payload);
    if (command.kind == CommandKind::shelve) {
      json.member("for_s", static_cast<double>(order.for_ns) * 1e-9, 0);
    }
    words_members(order.by, order.note, json);
  }
  if (command.kind == CommandKind::acknowledge) {
    json.member("of", name_of(static_cast<IdentityKind>(command.target >> 56)));
    json.member_id("identity", identity_of(command.target));
  } else if (command.kind == CommandKind::time) {
    json.member_time("to", static_cast<std::int64_t>(command.target));
  } else if (command.target != 0) {
    json.member_id("target", command.target);
  }
}

void describe(const Resolution& r, const Context&, Json& json) {
  json.member_id("of_event", r.sequence).member("outcome", name_of(r.exit));
  json.member("why", name_of(r.reason));
}

void describe(const NodeSeen& seen, const Context&, Json& json) {
  json.key("causes").begin_array();
  for (std::size_t c = 0; c < kCauseKinds; ++c) {
    if (Causes{seen.causes}.has(static_cast<Cause>(c))) {
      json.value(name_of(static_cast<Cause>(c)));
    }
  }
  json.end_array();
}

void describe(const Unrecorded& u, const Context&, Json& json) {
  if (u.sequence != 0) {
    json.member_id("of_event", u.sequence);
  }
}

void describe(const Dispatch& d, const Context&, Json& json) {
  json.member_id("of_event", d.sequence);
}

void describe(const SinkState& state, const Context& at, Json& json) {
  json.member("sink", std::string_view(name_in(at.plan.sinks(), state.sink)));
  json.member("breaker", name_of(state.breaker)).member("failures", state.failures);
}

void describe(const Overrun& o, const Context&, Json& json) {
  json.member("stage", name_of(o.stage));
  if (o.stage == Stage::suspect) {
    json.member("first_batch", o.took_ns).member("last_batch", o.bound_ns);
    return;
  }
  if (o.stage == Stage::denied_call) {
    json.member("call", o.took_ns);
    return;
  }
  if (o.stage >= Stage::events_gone && o.stage != Stage::mirror_copy) {
    const bool batch = o.stage == Stage::mirror_differs || o.stage == Stage::mirror_restarted;
    json.member(batch ? "batch" : "count", o.took_ns);
    return;
  }
  json.member("took_us", o.took_ns / 1000);
  json.member("bound_us", o.bound_ns / 1000);
}

void describe(const WearStep& w, const Context&, Json& json) {
  json.member("step", std::uint64_t{w.step}).member_id("bytes_day", w.bytes_day);
  json.member_id("budget", w.budget);
  json.member("commit_s", static_cast<double>(w.commit_ns) * 1e-9, 3);
  json.member("checkpoint_s", static_cast<double>(w.image_ns) * 1e-9, 3);
  json.member("packs", w.packs != 0);
}

void describe(const ModeChange& m, const Context&, Json& json) {
  json.member("mode", name_of(m.mode)).member("before", name_of(m.previous));
  if (m.late_ns != 0) {
    json.member("late_ms", m.late_ns / 1'000'000).member("of_class", name_of(m.event_class));
  }
}

void describe(const CauseChange& change, const Context&, Json& json) {
  for (const auto& [member, bits] : {std::pair{"come", change.causes & ~change.before},
                                     std::pair{"gone", change.before & ~change.causes}}) {
    json.key(std::string_view(member)).begin_array();
    for (std::size_t c = 0; c < kCauseKinds; ++c) {
      if (Causes{bits}.has(static_cast<Cause>(c))) {
        json.value(name_of(static_cast<Cause>(c)));
      }
    }
    json.end_array();
  }
}

void describe(const PlanChange& change, const Context&, Json& json) {
  const auto one = [&](std::string_view name, const Carried& of) {
    json.key(name).begin_object();
    json.member("kept", std::uint64_t{of.kept}).member("removed", std::uint64_t{of.left});
    json.end_object();
  };
  std::string hash;
  append_hex(hash, change.from);
  json.member("from", std::string_view(hash));
  hash.clear();
  append_hex(hash, change.to);
  json.member("to", std::string_view(hash));
  one("tracks", change.carried.tracks);
  one("contacts", change.carried.contacts);
  one("judgements_raised", change.carried.raised);
  one("actions", change.carried.deliveries);
  one("waiting", change.carried.waiting);
  one("sources", change.carried.sources);
}

void describe(const SourceFull& full, const Context& at, Json& json) {
  json.member("source", std::string_view(name_in(at.plan.sources(), full.source)));
  json.member("cause", name_of(full.cause)).member("there", full.there != 0);
  json.member_id("lost", full.lost);
}

void describe(const SourceState& state, const Context&, Json& json) {
  json.member("status", name_of(state.status));
  if (const std::string_view trouble = text_of_trouble(state.error); !trouble.empty()) {
    json.member("trouble", trouble);
  } else if (state.error != 0) {
    json.member("errno", static_cast<std::int64_t>(state.error));
  }
}

}  // namespace

Bytes raw_of(Bytes payload) {
  return payload.size() > sizeof(Observation) ? payload.subspan(sizeof(Observation)) : Bytes{};
}

bool printable(Bytes bytes) {
  for (const std::uint8_t b : bytes) {
    if ((b < 0x20 && b != '\n' && b != '\r') || b > 0x7E) {
      return false;
    }
  }
  return true;
}

std::string subject_text(const Subject& subject, const plan::Plan& plan) {
  if (subject.kind == SubjectKind::source) {
    return "source " + name_in(plan.sources(), subject.source);
  }
  if (subject.kind == SubjectKind::sink) {
    return "sink " + name_in(plan.sinks(), subject.source);
  }
  if (subject.kind == SubjectKind::node) {
    return "node";
  }
  const auto track = [](std::uint64_t key) {
    return std::string(name_of(static_cast<IdentityKind>(key >> 56))) + " " +
           std::to_string(identity_of(key));
  };
  return track(subject.key) +
         (subject.kind == SubjectKind::pair ? " and " + track(subject.other) : "");
}

std::string track_text(std::uint64_t key) {
  if (kind_of(key) == IdentityKind::own) {
    return "own ship";
  }
  std::string text = std::string(name_of(kind_of(key))) + " " + std::to_string(identity_of(key));
  if (kind_of(key) == IdentityKind::aircraft) {
    text += " (";
    append_address(text, identity_of(key));
    text += ")";
  }
  return text;
}

void alarm_members(const Alarm& alarm, const plan::Plan& plan, Json& json) {
  json.member_id("alarm", alarm.id);
  json.member("assessment", std::string_view(name_in(plan.assessments(), alarm.assessment)));
  json.member("state", name_of(alarm.state())).member("level", name_of(alarm.level));
  if (alarm.assessment < plan.assessments()->size()) {
    const plan::Assessment* of = plan.assessments()->Get(alarm.assessment);
    json.member("priority", name_of(static_cast<AlarmPriority>(of->priority())));
  }
  json.member("subject", std::string_view(subject_text(alarm.subject, plan)));
  json.member("active", alarm.active != 0).member_time("raised", alarm.raised_ns);
  json.member("raises", alarm.raises);
  if (alarm.own_in_doubt != 0) {
    json.member("own_in_doubt", true);
  }
  if (alarm.acknowledged_ns != 0) {
    json.member_time("acknowledged", alarm.acknowledged_ns);
  }
  if (alarm.shelved_until_ns != 0) {
    json.member_time("shelved_until", alarm.shelved_until_ns);
  }
  if (alarm.root != 0) {
    json.member_id("follows", alarm.root);
  }
  if (alarm.escalated != 0) {
    json.member("escalated", true);
  }
  words_members(alarm.by, alarm.note, json);
}

void event_members(const EventHeader& e, Bytes payload, const plan::Plan& p, Json& json) {
  json.member_id("event", e.sequence).member("kind", name_of(e.kind));
  json.member_time("time", e.observed_ns);
  json.member("class", name_of(e.event_class)).member("phase", name_of(e.state.phase()));
  if (e.state.phase() == Phase::resolved) {
    json.member("exit", name_of(e.state.exit())).member("reason", name_of(e.state.reason()));
  }
  if (e.source != kNoSource) {
    json.member("source", std::string_view(name_in(p.sources(), e.source)))
        .member_id("record", e.record);
  }
  if (e.cause != 0) {
    json.member_id("cause", e.cause);
  }
  for_each_event_kind([&](const auto& row) {
    using Payload = typename std::remove_cvref_t<decltype(row)>::Payload;
    if (row.kKind == e.kind) {
      describe(payload_as<Payload>(payload), Context{e, payload, p}, json);
    }
  });
}

}  // namespace vedette
