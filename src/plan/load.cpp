#include "model/codec_kinds.hpp"
#include "model/derived.hpp"
#include "model/limits.hpp"
#include "plan/expression_compiler.hpp"
#include "plan/plan.hpp"
#include "plan/seal.hpp"

namespace vedette::plan {
namespace {

template <typename T>
bool within(T value, T low, T high) {
  return value >= low && value <= high;
}

// Longest time that a plan may name; added to any node time it fits in 64 bits.
constexpr std::int64_t kDayNs = 86'400'000'000'000;
// Beyond any physical value; products of two stay finite.
constexpr double kLargest = 1e9;

bool positive(double value) {
  return value > 0.0 && value <= kLargest;
}

// The verifier checks that a vector exists, not that its eight-byte elements are aligned.
template <typename Vector>
bool aligned(const Vector* v) {
  return v == nullptr || v->size() == 0 || reinterpret_cast<std::uintptr_t>(v->Data()) % 8 == 0;
}

PlanSizes sizes_of(const Plan& p) {
  return {p.zones()->size(), p.texts() == nullptr ? 0 : p.texts()->size(),
          p.counts() == nullptr ? 0 : p.counts()->size()};
}

std::string check_expression(const Expression* e, const Plan& p, std::string_view owner) {
  if (e == nullptr) {
    return {};
  }
  if (!aligned(e->ops())) {
    return std::string(owner) + ": operations are not aligned";
  }
  std::uint16_t stack = 0;
  const std::string problem = check_ops(reinterpret_cast<const Op*>(e->ops()->Data()),
                                        e->ops()->size(), sizes_of(p), stack);
  return problem.empty() ? problem : std::string(owner) + ": " + problem;
}

std::string check_limits(const Plan& p) {
  const Limits& l = *p.limits();
  if (!within<std::size_t>(l.tracks(), 1, limits::kTracks) ||
      !within<std::size_t>(l.batch_events(), 1, limits::kBatchEvents) ||
      !within<std::size_t>(l.pending_actions(), 1, limits::kPendingActions) ||
      !within<std::size_t>(l.waiting_events(), 1, limits::kWaitingEvents) ||
      !within<std::size_t>(l.contacts(), 1, limits::kContacts) ||
      !within<std::size_t>(l.alarms(), 1, limits::kAlarms) ||
      !within<std::size_t>(l.pairs(), 1, limits::kPairs)) {
    return "a limit is outside its range";
  }
  if (l.tick_ns() < 1'000'000 || l.tick_ns() > 60'000'000'000 || l.checkpoint_ns() < 1'000'000 ||
      l.turn_ns() < 1000 || l.turn_ns() > kDayNs || l.recover_ns() < 1'000'000 ||
      l.recover_ns() > kDayNs || l.commit_ns() < 0 || l.commit_ns() > 10'000'000'000) {
    return "a period is outside its range";
  }
  if (!within<std::uint64_t>(l.segment_bytes(), limits::kSegmentBytesMin, 1'000'000'000) ||
      l.journal_bytes() / 4 < l.segment_bytes() || l.image_bytes() < (1U << 20) ||
      l.image_bytes() > std::uint64_t{1} << 40 || l.evidence_bytes() > std::uint64_t{1} << 40 ||
      l.batch_lane_bytes() > std::uint64_t{1} << 30 || l.wear_bytes() > std::uint64_t{1} << 60) {
    return "a size is outside its range";
  }
  return {};
}

std::string check_cores(const Plan& p) {
  return within<std::int64_t>(p.cores()->watchdog_ns(), 0, kDayNs)
             ? ""
             : "the watchdog's time is outside its range";
}

// Null admits every sender. The compiler never writes a list that admits none.
bool senders_ok(const flatbuffers::Vector<const Network*>* senders) {
  if (senders == nullptr) {
    return true;
  }
  bool ok = senders->size() >= 1 && senders->size() <= limits::kSenders;
  for (flatbuffers::uoffset_t i = 0; ok && i < senders->size(); ++i) {
    const Network* n = senders->Get(i);
    const std::uint32_t rest = ~n->mask();
    ok = n->mask() != 0 && (rest & (rest + 1)) == 0 && (n->address() & rest) == 0;
  }
  return ok;
}

// Of a TCP source: where it connects or listens.
bool ends_ok(const Source& s) {
  const bool to = s.to() != nullptr && s.to()->size() != 0;
  if (!within<std::int64_t>(s.silence_ns(), 0, kDayNs) ||
      (to && s.to()->size() > limits::kTargets) ||
      (s.greet() != nullptr && s.greet()->size() > limits::kGreetingBytes)) {
    return false;
  }
  if (s.tls() &&
      (!to || s.listen() != nullptr || s.ca_file() == nullptr || s.server_name() == nullptr ||
       s.certificate_file() == nullptr || s.key_file() == nullptr)) {
    return false;
  }
  if (s.driver() == DriverKind::mqtt) {
    return to && s.topics() != nullptr && s.topics()->size() >= 1 &&
           s.topics()->size() <= limits::kTopics && s.qos() <= 1 && s.user() != nullptr &&
           s.password_file() != nullptr;
  }
  return s.driver() != DriverKind::tcp ||
         (to != (s.listen() != nullptr) && s.greet() != nullptr &&
          within<std::size_t>(s.most_senders(), 1, limits::kStreams));
}

std::string check_sources(const Plan& p) {
  for (const Source* s : *p.sources()) {
    if (!senders_ok(s->senders()) || s->driver() > DriverKind::can ||
        (s->driver() == DriverKind::can && s->interface() == nullptr) ||
        !within<std::uint32_t>(s->bitrate(), 10'000, 1'000'000) || !ends_ok(*s) ||
        s->codec() >= kCodecKinds || s->event_class() > 3 ||
        !within<std::size_t>(s->credits(), 16, limits::kCredits) ||
        !within<std::int64_t>(s->interval_ns(), 0, kDayNs) ||
        !within<std::int64_t>(s->start_ns(), 0, kDayNs) ||
        !within<std::int64_t>(s->retry_ns(), 1'000'000, kDayNs) ||
        !within<std::int64_t>(s->horizon_ns(), 1'000'000, 10000 * kDayNs) || s->sample() == 0 ||
        s->device() == nullptr || s->eal() == nullptr || s->file() == nullptr || s->format() > 6 ||
        !(s->speed() > 0.0 && s->speed() <= 10000.0)) {
      return "source " + s->name()->str() + " has a field outside its range";
    }
  }
  return {};
}

std::string check_sensors(const Plan& p) {
  for (const Sensor* s : *p.sensors()) {
    bool zones = s->mask() == nullptr || s->mask()->size() <= limits::kZones;
    for (std::size_t i = 0; zones && s->mask() != nullptr && i < s->mask()->size(); ++i) {
      zones = s->mask()->Get(static_cast<flatbuffers::uoffset_t>(i)) < p.zones()->size();
    }
    const auto time = [](double seconds) { return seconds >= 0.0 && seconds <= 3600.0; };
    if (s->source() >= p.sources()->size() || !(s->latitude() >= -90.0 && s->latitude() <= 90.0) ||
        !(s->longitude() >= -180.0 && s->longitude() <= 180.0) || !positive(s->range_max()) ||
        !(s->range_min() >= 0.0 && s->range_min() < s->range_max()) ||
        !(s->sector_from() >= 0.0 && s->sector_from() <= 360.0) ||
        !(s->sector_width() > 0.0 && s->sector_width() <= 360.0) || !positive(s->update_s()) ||
        !positive(s->range_sigma()) || !positive(s->azimuth_sigma()) ||
        !(s->extent_sigma() >= 0.0 && s->extent_sigma() <= kLargest) ||
        !(s->near_side() >= 0.0 && s->near_side() <= kLargest) ||
        !(s->resolution() >= 0.0 && s->resolution() <= kLargest) ||
        !(s->detection() > 0.0 && s->detection() < 1.0) ||
        !(s->hidden() >= 0.0 && s->hidden() < 1.0) || !positive(s->clutter()) ||
        !time(s->delay_s()) || !time(s->window_s()) || !time(s->coast_s()) ||
        !time(s->delete_s()) || !zones) {
      return "sensor " + s->name()->str() + " has a field outside its range";
    }
  }
  return {};
}

std::string check_zones(const Plan& p) {
  for (const Zone* z : *p.zones()) {
    const std::size_t points = z->points() == nullptr ? 0 : z->points()->size();
    if (z->kind() != ZoneKind::polygon && !positive(z->radius_m())) {
      return "zone " + z->name()->str() + " has a radius outside its range";
    }
    const bool shape = z->kind() == ZoneKind::polygon
                           ? points >= 6 && points <= 2 * limits::kZonePoints
                       : z->kind() == ZoneKind::circle ? points == 2
                                                       : z->kind() == ZoneKind::around_own;
    if (!shape || points % 2 != 0 || !aligned(z->points())) {
      return "zone " + z->name()->str() + " has no shape";
    }
    for (std::size_t i = 0; i < points; ++i) {
      const double v = z->points()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (!(v >= -180.0 && v <= 180.0)) {
        return "zone " + z->name()->str() + " has a corner outside the globe";
      }
    }
  }
  return {};
}

std::string check_texts(const Plan& p) {
  if (p.texts() == nullptr) {
    return {};
  }
  bool good = p.texts()->size() <= limits::kTexts;
  for (const auto* text : *p.texts()) {
    good = good && text->size() <= limits::kPatternBytes;
  }
  return good ? "" : "a text of a condition is too long, or there are too many";
}

std::string check_counts(const Plan& p) {
  bool good = p.counts() == nullptr || p.counts()->size() <= limits::kZoneCounts;
  for (std::size_t i = 0; good && p.counts() != nullptr && i < p.counts()->size(); ++i) {
    const ZoneCount* count = p.counts()->Get(static_cast<flatbuffers::uoffset_t>(i));
    good = count->zone() < p.zones()->size() &&
           count->kind() < static_cast<std::uint8_t>(IdentityKind::count);
  }
  return good ? "" : "a count names a zone or kind that does not exist";
}

std::string check_time_zone(const Plan& p) {
  const TimeZone* zone = p.time_zone();
  if (zone == nullptr) {
    return {};
  }
  bool good = zone->from()->size() >= 1 && zone->from()->size() <= limits::kTimeTransitions &&
              zone->offset()->size() == zone->from()->size() && aligned(zone->from());
  for (flatbuffers::uoffset_t i = 0; good && i < zone->from()->size(); ++i) {
    good = within<std::int64_t>(zone->from()->Get(i), limits::kTimeFromS, limits::kTimeToS) &&
           within(zone->offset()->Get(i), -200'000, 200'000) &&
           (i == 0 || zone->from()->Get(i - 1) < zone->from()->Get(i));
  }
  return good ? "" : "the time zone has transitions outside their range";
}

std::string check_own(const Plan& p) {
  const Own& own = *p.own();
  const bool good = positive(own.agree_s()) && own.apart_m() >= 0.0 && own.apart_m() <= 1e6 &&
                    own.sudden_within_m() >= 0.0 && own.sudden_within_m() <= 1e9 &&
                    own.sudden_after_s() >= 0.0 && own.sudden_after_s() <= 1e9 &&
                    positive(own.stale_s()) && positive(own.frozen_s()) &&
                    positive(own.drift_m()) && positive(own.within_m()) &&
                    within(own.latitude(), -90.0, 90.0) && within(own.longitude(), -180.0, 180.0);
  return good ? "" : "own has a field outside its range";
}

std::string check_trackers(const Plan& p) {
  std::uint32_t seen = 0;
  for (const Tracker* t : *p.trackers()) {
    if (t->kind() == 0 || t->kind() >= static_cast<std::uint8_t>(IdentityKind::count) ||
        !positive(t->acceleration()) || !positive(t->max_speed()) || !positive(t->gate_sigma()) ||
        !positive(t->position_sigma_m()) || !positive(t->half_life_s()) ||
        !positive(t->halving_sigma_m()) || !positive(t->coast_s()) || !positive(t->lost_s()) ||
        !positive(t->retire_s()) || t->retire_s() < t->lost_s() || t->lost_s() < t->coast_s()) {
      return "a tracker has a field outside its range";
    }
    seen |= 1U << t->kind();
  }
  return seen == 0b11111110 ? "" : "a plan has one tracker for every kind";
}

bool is_text_load(const Op& op) {
  const auto code = static_cast<OpCode>(op.code());
  return loads_track_field(code) && op.index() < kTrackFields.size() &&
         kTrackFields[op.index()].dimension == Dimension::text;
}
bool is_identity_load(const Op& op) {
  const auto code = static_cast<OpCode>(op.code());
  return loads_track_field(code) && op.index() == static_cast<std::uint16_t>(TrackField::identity);
}

bool piece_ok(const Piece& piece, const Plan& p) {
  const std::size_t count = piece.ops()->size();
  if (piece.form() > PieceForm::clock || (piece.decimals() > 2 && piece.decimals() != 255) ||
      piece.text()->size() > 2 * limits::kMessageBytes ||
      !(piece.scale() >= 1e-9 && piece.scale() <= kLargest) || !aligned(piece.ops())) {
    return false;
  }
  if (piece.form() == PieceForm::literal) {
    return count == 0;
  }
  const auto* ops = reinterpret_cast<const Op*>(piece.ops()->Data());
  std::uint16_t stack = 0;
  if (!check_ops(ops, count, sizes_of(p), stack).empty()) {
    return false;
  }
  return piece.form() == PieceForm::text       ? count == 1 && is_text_load(ops[0])
         : piece.form() == PieceForm::identity ? count == 1 && is_identity_load(ops[0])
                                               : true;
}

bool pieces_ok(const Action& a, const Plan& p) {
  bool good = a.pieces() == nullptr || a.pieces()->size() <= limits::kMessagePieces;
  for (std::size_t i = 0; good && a.pieces() != nullptr && i < a.pieces()->size(); ++i) {
    good = piece_ok(*a.pieces()->Get(static_cast<flatbuffers::uoffset_t>(i)), p);
  }
  return good;
}

std::string check_rules(const Plan& p) {
  for (const Assessment* a : *p.assessments()) {
    if (a->subject() >= kSubjectKinds ||
        (a->subject() == 2 && a->source() >= p.sources()->size()) ||
        (a->subject() == 3 && a->source() >= p.sinks()->size()) ||
        (a->subject() == 5 && !(a->within_m() >= 1.0 && a->within_m() <= limits::kPairWithinM))) {
      return "assessment " + a->name()->str() + " has no subject";
    }
    if (!within<std::int64_t>(a->hold_ns(), 0, kDayNs) ||
        !within<std::int64_t>(a->clear_ns(), 0, kDayNs)) {
      return "assessment " + a->name()->str() + " has a time outside its range";
    }
    if (a->priority() > 3 || !within<std::int64_t>(a->escalate_after_ns(), 0, kDayNs) ||
        (a->escalate_to() != kNoAction && a->escalate_to() >= p.actions()->size()) ||
        (p.assessments()->size() < limits::kAssessments &&
         a->follows() >> p.assessments()->size() != 0)) {
      return "assessment " + a->name()->str() + " names an action or alarm that does not exist";
    }
    for (const Expression* e : {a->when(), a->cheap_when(), a->alarm_when(), a->confidence()}) {
      const std::string problem = check_expression(e, p, a->name()->string_view());
      if (!problem.empty()) {
        return problem;
      }
    }
  }
  for (const Decision* d : *p.decisions()) {
    const bool fallback = d->fallback() == kNoAction || d->fallback() < p.actions()->size();
    bool also = d->also() == nullptr || d->also()->size() < limits::kRunActions;
    for (std::size_t i = 0; also && d->also() != nullptr && i < d->also()->size(); ++i) {
      also = d->also()->Get(static_cast<flatbuffers::uoffset_t>(i)) < p.actions()->size();
    }
    if (!also || d->assessment() >= p.assessments()->size() || d->action() >= p.actions()->size() ||
        !fallback || d->trigger() > Trigger::both ||
        !within<std::int64_t>(d->deadline_ns(), 0, kDayNs)) {
      return "decision " + d->name()->str() +
             " names an assessment or action that does not exist, or has a deadline "
             "outside its range";
    }
    const std::string problem = check_expression(d->condition(), p, d->name()->string_view());
    if (!problem.empty()) {
      return problem;
    }
  }
  for (const Action* a : *p.actions()) {
    if (a->sink() >= p.sinks()->size() || a->format() > FormatKind::nmea || a->event_class() > 3 ||
        !within<std::int64_t>(a->horizon_ns(), 1, kDayNs) || a->retries() > 100 ||
        !within<std::int64_t>(a->record_within_ns(), 0, a->horizon_ns()) ||
        !within<std::uint32_t>(a->backoff_permille(), 1000, 2'000'000) ||
        !within<std::int64_t>(a->backoff_ns(), 0, kDayNs) ||
        (a->message() != nullptr && a->message()->size() > 2 * limits::kMessageBytes) ||
        !pieces_ok(*a, p) ||
        (a->format() == FormatKind::nmea &&
         p.sinks()->Get(a->sink())->confirm() == Confirm::answer)) {
      return "action " + a->name()->str() + " has a field outside its range";
    }
  }
  for (const Sink* s : *p.sinks()) {
    if (s->kind() > SinkKind::tcp || s->device() == nullptr ||
        !within<std::size_t>(s->connections_most(), 1, limits::kConnections) ||
        !within<std::uint16_t>(s->connections(), 1, s->connections_most()) ||
        !within<std::int64_t>(s->breaker_rest_ns(), 0, kDayNs) || s->confirm() > Confirm::answer ||
        !within<std::int64_t>(s->confirm_within_ns(), 1'000'000, kDayNs)) {
      return "sink " + s->name()->str() + " has a field outside its range";
    }
  }
  return {};
}

template <typename List>
bool names_ok(const List* list, std::size_t limit) {
  if (list->size() > limit) {
    return false;
  }
  for (const auto* item : *list) {
    if (item->name()->size() == 0 || item->name()->size() > limits::kNameBytes) {
      return false;
    }
  }
  return true;
}

}  // namespace

const Plan* load_plan(Bytes bytes, std::string& error) {
  if (bytes.size() < 16 || bytes.size() > limits::kPlanBytes ||
      !PlanBufferHasIdentifier(bytes.data())) {
    error = "not a plan (a plan begins with the identifier VDTP; `vedette compile` writes one)";
    return nullptr;
  }
  const Bytes plan = sealed_plan(bytes, error);
  if (plan.empty()) {
    return nullptr;
  }
  flatbuffers::Verifier verifier(plan.data(), plan.size(), 16, 100000);
  if (!VerifyPlanBuffer(verifier)) {
    error = "the plan is damaged: its structure is invalid";
    return nullptr;
  }
  const Plan* p = GetPlan(bytes.data());
  if (p->version() != kPlanVersion) {
    error = "the plan has format " + std::to_string(p->version()) + ", this program reads format " +
            std::to_string(kPlanVersion);
    return nullptr;
  }
  if (!names_ok(p->sources(), limits::kSources) || !names_ok(p->sensors(), limits::kSensors) ||
      !names_ok(p->zones(), limits::kZones) || !names_ok(p->assessments(), limits::kAssessments) ||
      !names_ok(p->decisions(), limits::kDecisions) || !names_ok(p->actions(), limits::kActions) ||
      !names_ok(p->sinks(), limits::kSinks) || p->site()->size() > limits::kNameBytes ||
      (p->own()->identities() != nullptr &&
       (p->own()->identities()->size() > limits::kOwnIdentities ||
        !aligned(p->own()->identities())))) {
    error = "the plan has too many sources, zones or the like, or one without a name";
    return nullptr;
  }
  for (const auto check :
       {check_limits, check_cores, check_sources, check_sensors, check_zones, check_texts,
        check_counts, check_time_zone, check_own, check_trackers, check_rules}) {
    error = check(*p);
    if (!error.empty()) {
      return nullptr;
    }
  }
  return p;
}

}  // namespace vedette::plan
