#include "cli/event_reading.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cli/print.hpp"
#include "core/engine/shard.hpp"
#include "edge/journal/evidence.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"
#include "model/expression.hpp"
#include "model/track_table.hpp"
#include "node/past.hpp"

namespace vedette::cli {
namespace {

std::string_view bounded(const char* text, std::size_t most) {
  return {text, ::strnlen(text, most)};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

template <typename List>
std::string_view name_in(const List* list, std::size_t index) {
  return index < list->size()
             ? list->Get(static_cast<flatbuffers::uoffset_t>(index))->name()->string_view()
             : std::string_view();
}

template <typename List>
bool has_name(const List* list, std::string_view name) {
  return std::any_of(list->begin(), list->end(),
                     [&](const auto* one) { return one->name()->string_view() == name; });
}

bool asks_for_zone(const plan::Plan& plan, std::uint16_t assessment, std::string_view zone) {
  const std::vector<std::uint16_t> zones = zones_of(plan, assessment);
  return std::any_of(zones.begin(), zones.end(),
                     [&](std::uint16_t z) { return name_in(plan.zones(), z) == zone; });
}

constexpr std::uint16_t kNone = 0xFFFF;
constexpr std::size_t kAddressDigits = 6;       // of an aircraft, hexadecimal
constexpr std::int64_t kPrintedNs = 1'000'000;  // times are printed to it, so --until includes it

// Indexes into the plan of what an event is about; kNone where it names nothing of that kind.
struct Parts {
  std::uint16_t source = kNone, sink = kNone, assessment = kNone, decision = kNone, action = kNone;
};

Parts parts_of(const EventHeader& event, Bytes payload) {
  Parts parts;
  parts.source = event.source;
  const auto take = [&](const Subject& subject) {
    parts.source = subject.kind == SubjectKind::source ? subject.source : parts.source;
    parts.sink = subject.kind == SubjectKind::sink ? subject.source : parts.sink;
  };
  switch (event.kind) {
    case EventKind::assessment: {
      const auto a = payload_as<AssessmentChange>(payload);
      take(a.subject);
      parts.assessment = a.assessment;
      break;
    }
    case EventKind::decision: {
      const auto d = payload_as<DecisionMade>(payload);
      take(d.subject);
      parts.decision = d.decision;
      parts.action = d.action;
      break;
    }
    case EventKind::action: {
      const auto i = payload_as<ActionIntent>(payload);
      take(i.subject);
      parts.sink = i.sink;
      parts.assessment = i.assessment;
      parts.decision = i.decision;
      parts.action = i.action;
      break;
    }
    case EventKind::alarm: {
      const auto a = payload_as<AlarmChange>(payload);
      take(a.alarm.subject);
      parts.assessment = a.alarm.assessment;
      break;
    }
    case EventKind::outcome:
      parts.sink = payload_as<ActionOutcome>(payload).sink;
      break;
    case EventKind::sink_state:
      parts.sink = payload_as<SinkState>(payload).sink;
      break;
    case EventKind::source_full:
      parts.source = payload_as<SourceFull>(payload).source;
      break;
    default:
      break;
  }
  return parts;
}

bool in_plan(const plan::Plan& plan, std::string_view name) {
  return has_name(plan.sources(), name) || has_name(plan.sinks(), name) ||
         has_name(plan.zones(), name) || has_name(plan.assessments(), name) ||
         has_name(plan.decisions(), name) || has_name(plan.actions(), name);
}

// The event whose fate this one tells; 0: none.
std::uint64_t followed_event(const EventHeader& event, Bytes payload) {
  switch (event.kind) {
    case EventKind::outcome:
      return payload_as<ActionOutcome>(payload).action_sequence;
    case EventKind::resolution:
      return payload_as<Resolution>(payload).sequence;
    case EventKind::dispatch:
      return payload_as<Dispatch>(payload).sequence;
    case EventKind::unrecorded:
      return payload_as<Unrecorded>(payload).sequence;
    case EventKind::command:
      return payload_as<Command>(payload).target;
    default:
      return 0;
  }
}

}  // namespace

void TrackNames::learn(const EventHeader& event, Bytes payload) {
  if (event.kind != EventKind::observation) {
    return;
  }
  const auto o = payload_as<Observation>(payload);
  if (o.has(Field::name) || o.has(Field::callsign)) {
    Called& called = all_[track_key(o.kind, o.identity)];
    if (o.has(Field::name)) {
      called.name = bounded(o.name, sizeof o.name);
    }
    if (o.has(Field::callsign)) {
      called.callsign = bounded(o.callsign, sizeof o.callsign);
    }
  }
}

void TrackNames::learn_state(Bytes frozen) {
  for (const FrozenTrack& at : engine::frozen_tracks(frozen)) {
    const std::string_view name = bounded(at.track.name, sizeof at.track.name);
    const std::string_view callsign = bounded(at.track.callsign, sizeof at.track.callsign);
    if (!name.empty() || !callsign.empty()) {
      all_[at.track.key] = {std::string(name), std::string(callsign)};
    }
  }
}

std::string_view TrackNames::of(std::uint64_t key) const {
  const auto at = all_.find(key);
  return at == all_.end() ? std::string_view() : std::string_view(at->second.name);
}

bool TrackNames::is_called(std::uint64_t key, std::string_view text) const {
  const auto at = all_.find(key);
  return at != all_.end() &&
         (same_word(at->second.name, text) || same_word(at->second.callsign, text));
}

bool TrackNames::anything_called(std::string_view text) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&](const auto& one) { return is_called(one.first, text); });
}

// `second`: the other track of a pair.
static std::uint64_t key_in(const EventHeader& event, Bytes payload, bool second) {
  const auto key_of = [&](const Subject& subject) {
    return second ? subject.other : of_track(subject) ? subject.key : 0;
  };
  switch (event.kind) {
    case EventKind::observation: {
      const auto o = payload_as<Observation>(payload);
      return second || o.kind == IdentityKind::contact ? 0 : track_key(o.kind, o.identity);
    }
    case EventKind::track:
      return second ? 0 : payload_as<TrackChange>(payload).key;
    case EventKind::assessment:
      return key_of(payload_as<AssessmentChange>(payload).subject);
    case EventKind::decision:
      return key_of(payload_as<DecisionMade>(payload).subject);
    case EventKind::action:
      return key_of(payload_as<ActionIntent>(payload).subject);
    case EventKind::alarm:
      return key_of(payload_as<AlarmChange>(payload).alarm.subject);
    case EventKind::command: {
      const auto command = payload_as<Command>(payload);
      return !second && command.kind == CommandKind::acknowledge ? command.target : 0;
    }
    default:
      return 0;
  }
}

std::uint64_t track_of(const EventHeader& event, Bytes payload) {
  return key_in(event, payload, false);
}

std::string named_subject(const Subject& subject, const plan::Plan& plan, const TrackNames& names) {
  const auto with_name = [&](std::uint64_t key) {
    const std::string_view name = names.of(key);
    return track_text(key) + (name.empty() ? "" : " " + std::string(name));
  };
  if (!of_track(subject)) {
    return subject_text(subject, plan);
  }
  return with_name(subject.key) +
         (subject.kind == SubjectKind::pair ? " and " + with_name(subject.other) : "");
}

std::vector<std::uint16_t> zones_of(const plan::Plan& plan, std::uint16_t assessment) {
  std::vector<std::uint16_t> zones;
  if (assessment >= plan.assessments()->size()) {
    return zones;
  }
  const plan::Assessment* rule = plan.assessments()->Get(assessment);
  for (const plan::Expression* e : {rule->when(), rule->alarm_when(), rule->cheap_when()}) {
    for (flatbuffers::uoffset_t i = 0; e != nullptr && i < e->ops()->size(); ++i) {
      const plan::Op* op = e->ops()->Get(i);
      const auto code = static_cast<OpCode>(op->code());
      const bool inside =
          code == OpCode::inside_track || code == OpCode::inside_own || code == OpCode::inside_b;
      const bool counts = code == OpCode::count_in_zone && op->index() < plan.counts()->size();
      const std::uint16_t zone = counts ? plan.counts()->Get(op->index())->zone() : op->index();
      if ((inside || counts) && std::find(zones.begin(), zones.end(), zone) == zones.end()) {
        zones.push_back(zone);
      }
    }
  }
  return zones;
}

int EventReading::open(const std::string& schema) {
  if (const int code = open_data(command_, schema, kept_, first_); code != kOk) {
    return code;
  }
  plan_.emplace(command_.data, *kept_.plan);
  mismatches_ = node::Mismatches::read(command_.data);
  return read_wishes(schema);
}

int EventReading::read_wishes(const std::string& schema) {
  const JournalCommand& c = command_;
  if (!c.since.empty() || !c.until.empty()) {
    const std::int64_t now_ns = node::last_moment(c.data);
    const std::pair<const std::string*, std::int64_t*> bounds[] = {{&c.since, &since_ns_},
                                                                   {&c.until, &until_ns_}};
    for (const auto& [text, ns] : bounds) {
      const auto moment = text->empty() ? 0 : read_time_text(*text, now_ns);
      if (!moment) {
        return fail(c.json, schema, kUsage, "usage", moment.error());
      }
      *ns = moment.value();
    }
  }
  if (!c.kinds.empty()) {
    kinds_ = 0;
    std::vector<std::string> known;
    for_each_event_kind([&](const auto& row) { known.emplace_back(row.name); });
    for (const std::string& kind : c.kinds) {
      const std::uint64_t before = kinds_;
      for_each_event_kind([&](const auto& row) {
        kinds_ |= std::uint64_t{row.name == kind ? 1U : 0U} << static_cast<unsigned>(row.kKind);
      });
      if (kinds_ == before && std::find(known.begin(), known.end(), kind) == known.end()) {
        const std::string near = plan::nearest(kind, known);
        return fail(c.json, schema, kUsage, "usage", "no event is of kind \"" + kind + "\"",
                    near.empty() ? "docs/reference/events.md lists the kinds"
                                 : "did you mean \"" + near + "\"?");
      }
    }
  }
  return c.of.empty() ? int{kOk} : resolve_of(schema);
}

int EventReading::resolve_of(const std::string& schema) {
  const std::string& of = command_.of;
  identity_ = parse_unsigned(of).value_or(0);
  address_ = of.size() == kAddressDigits ? parse_unsigned(of, 16).value_or(0) : 0;
  if (identity_ != 0 || address_ != 0 || of == "own" || of == "node" || in_plan(*kept_.plan, of)) {
    return kOk;
  }
  learn_all_names();
  if (names_.anything_called(of) || command_.follow) {
    return kOk;
  }
  return fail(command_.json, schema, kNotFound, "not-found",
              "nothing in " + command_.data + " is called \"" + of + "\"",
              "name a vessel, its MMSI or call sign, a zone, source, sink, assessment, decision or "
              "action");
}

void EventReading::learn_all_names() {
  journal::Visit visit;
  visit.around = true;
  visit.node = first_.node;
  visit.segment = [this](const journal::SegmentHeader&, Bytes frozen, std::uint64_t) {
    names_.learn_state(frozen);
    return true;
  };
  visit.batch = [this](Bytes batch) {
    for_each_event(batch, [&](const EventHeader& e, Bytes payload) { names_.learn(e, payload); });
    return true;
  };
  journal::read_journal(journal_folder(command_.data), visit);
}

// The batch before the last segment that begins no later than `since_ns`; 0: read all.
std::uint64_t EventReading::batch_before(std::int64_t since_ns) const {
  const platform::Folder folder = journal_folder(command_.data);
  const std::vector<std::uint64_t> segments = journal::list_segments(folder);
  platform::FileInReading file;
  for (std::size_t i = segments.size(); since_ns != 0 && i-- > 0;) {
    BatchHeader head{};
    journal::Visit visit;
    visit.node = first_.node;
    visit.batch = [&](Bytes batch) {
      head = payload_as<BatchHeader>(batch.first(sizeof head));
      return false;
    };
    static_cast<void>(journal::read_segment_file(folder, segments[i], {}, visit, file));
    if (head.number != 0 && head.admitted_ns <= since_ns) {
      return head.number - 1;
    }
  }
  return 0;
}

bool EventReading::concerns(const ReadEvent& event) const {
  const std::string_view of = command_.of;
  for (const bool second : {false, true}) {
    const std::uint64_t key = key_in(event.header, event.payload, second);
    if (key != 0 &&
        ((identity_ != 0 && identity_of(key) == identity_) ||
         (address_ != 0 && identity_of(key) == address_ &&
          kind_of(key) == IdentityKind::aircraft) ||
         names_.is_called(key, of) || (of == "own" && kind_of(key) == IdentityKind::own))) {
      return true;
    }
  }
  const std::uint64_t followed = followed_event(event.header, event.payload);
  if (followed != 0 && concerned_.contains(followed)) {
    return true;
  }
  const Parts parts = parts_of(event.header, event.payload);
  const plan::Plan& p = event.plan;
  return name_in(p.sources(), parts.source) == of || name_in(p.sinks(), parts.sink) == of ||
         name_in(p.assessments(), parts.assessment) == of ||
         name_in(p.decisions(), parts.decision) == of || name_in(p.actions(), parts.action) == of ||
         asks_for_zone(p, parts.assessment, of);
}

bool EventReading::wanted(const ReadEvent& event) {
  if (!command_.of.empty()) {
    if (!concerns(event)) {
      return false;
    }
    if (event.header.kind != EventKind::observation) {
      concerned_.insert(event.header.sequence);
    }
  }
  return (kinds_ >> static_cast<unsigned>(event.header.kind) & 1) != 0;
}

// False: what follows is later than anybody asked for.
bool EventReading::show_batch(Bytes batch, bool evidence, const Show& show) {
  const auto b = payload_as<BatchHeader>(batch.first(sizeof(BatchHeader)));
  if (until_ns_ != 0 && b.admitted_ns >= until_ns_ + kPrintedNs) {
    return false;
  }
  const bool suspect = mismatches_.suspect(b.number, b.epoch);
  const plan::Plan& plan = **plan_;
  for_each_event(batch, [&](const EventHeader& header, Bytes payload) {
    names_.learn(header, payload);
    last_of_evidence_ = evidence ? header.sequence : last_of_evidence_;
    const ReadEvent event{header, payload, plan, b.number, b.admitted_ns, evidence, suspect};
    if (wanted(event) && b.admitted_ns >= since_ns_) {
      show(event);
    }
  });
  return true;
}

journal::ReadResult EventReading::read(const Show& show) {
  const auto kept = journal::read_evidence(shard_folder(command_.data),
                                           [&](const journal::EvidenceHeader& of, Bytes batch) {
                                             plan_->enter(of.plan_hash);
                                             show_batch(batch, true, show);
                                           });
  if (!kept.problem.empty()) {
    print_error("vedette: %s\n", kept.problem);
  }
  const platform::Folder folder = journal_folder(command_.data);
  const std::uint64_t after = batch_before(since_ns_);
  if (after != 0) {
    std::vector<std::uint64_t> before = journal::list_segments(folder);
    std::erase_if(before,
                  [&](std::uint64_t s) { return journal::first_batch_of(folder, s) > after; });
    names_.learn_state(journal::newest_state(folder, before).frozen);
  }
  journal::Visit visit;
  visit.around = true;
  visit.node = first_.node;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    plan_->enter(header.plan_hash);
    names_.learn_state(frozen);
    return true;
  };
  visit.batch = [&](Bytes batch) { return show_batch(batch, false, show); };
  return journal::read_journal(folder, visit, after);
}

}  // namespace vedette::cli
