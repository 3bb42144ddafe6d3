#include "node/status.hpp"

#include <algorithm>
#include <limits>

#include "node/source_page.hpp"

namespace vedette::node {
namespace {

template <typename T>
T read(const std::atomic<T>& at) {
  return at.load(std::memory_order_relaxed);
}

void latency(JsonWriter<std::string>& json, std::string_view name, const Histogram& h) {
  json.key(name).begin_object().member("count", h.count());
  json.member("p50_us", static_cast<double>(h.quantile_ns(0.5)) * 1e-3, 1);
  json.member("p99_us", static_cast<double>(h.quantile_ns(0.99)) * 1e-3, 1);
  json.member("p999_us", static_cast<double>(h.quantile_ns(0.999)) * 1e-3, 1);
  json.member("max_us", static_cast<double>(h.max_ns()) * 1e-3, 1).end_object();
}

// "tracks: 4096 of 4096 held; 12 refused and 340 evicted so far"
std::string table_full(std::string_view name, std::uint64_t held, std::uint64_t most,
                       std::uint64_t refused, std::uint64_t evicted) {
  return std::string(name) + ": " + std::to_string(held) + " of " + std::to_string(most) +
         " held; " + std::to_string(refused) + " refused and " + std::to_string(evicted) +
         " evicted so far";
}

// Of all sources: no hold may be longer without abandoning events.
std::int64_t shortest_horizon_ns(const plan::Plan& plan) {
  std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
  for (const plan::Source* source : *plan.sources()) {
    shortest = std::min(shortest, source->horizon_ns());
  }
  return shortest;
}

}  // namespace

Health StatusPage::health() const {
  std::uint64_t out = 0;
  for (std::size_t s = 0; s < of_.rooms.plan.sinks()->size(); ++s) {
    const plan::SinkKind kind =
        of_.rooms.plan.sinks()->Get(static_cast<flatbuffers::uoffset_t>(s))->kind();
    const bool streams = kind == plan::SinkKind::serial || kind == plan::SinkKind::tcp;
    out |= std::uint64_t{streams && of_.rooms.act.streams(s).open() == 0 ? 1U : 0U} << s;
  }
  return {causes_, out};
}

CauseBook::Seen StatusPage::seen() const {
  CauseBook::Seen seen;
  seen.causes.bits = of_.rooms.board.causes.load(std::memory_order_relaxed) |
                     of_.rooms.board.noted.load(std::memory_order_relaxed);
  for (std::size_t s = 0; s < of_.rooms.ingress.size(); ++s) {
    const auto status = static_cast<SourceStatus>(
        of_.rooms.ingress.counters(s).status.load(std::memory_order_relaxed));
    seen.sources |= std::uint64_t{status == SourceStatus::down ? 1U : 0U} << s;
  }
  for (std::size_t s = 0; s < of_.rooms.plan.sinks()->size(); ++s) {
    const bool open =
        of_.rooms.board.breakers[s].load(std::memory_order_relaxed) != BreakerState::closed;
    seen.sinks |= std::uint64_t{open ? 1U : 0U} << s;
  }
  seen.causes.set(Cause::journal, !of_.journalling.trouble().empty());
  seen.causes.set(Cause::disk_filling, of_.journalling.hours_left().value_or(24.0) < 24.0);
  seen.causes.set(Cause::image, of_.rooms.mirror.imaging().error() != 0);
  seen.causes.set(Cause::mirror, of_.rooms.mirror.in_doubt(platform::monotonic_ns()) ||
                                     !mirror_watch_.trouble().empty());
  seen.causes.set(Cause::network, !of_.rooms.act.network_is_there());
  return seen;
}

std::string StatusPage::detail(Cause cause, std::size_t index) const {
  const auto evicted = [this] {
    std::uint64_t sum = 0;
    for (const auto& of_reason : of_.rooms.board.evicted) {
      sum += of_reason.load(std::memory_order_relaxed);
    }
    return sum;
  };
  switch (cause) {
    case Cause::clock:
      return of_.time.keeper().what();
    case Cause::held:
      return held_at_start_ ? "by a command from before this start" : "by a command";
    case Cause::tracks_full:
      return table_full("tracks", of_.rooms.board.tracks, of_.rooms.plan.limits()->tracks(),
                        of_.rooms.board.tracks_refused, evicted());
    case Cause::contacts_full:
      return table_full(
          "contacts", of_.rooms.board.contacts, of_.rooms.plan.limits()->contacts(),
          of_.rooms.board
              .tracker_bounds[static_cast<std::size_t>(perceive::TrackerBound::contacts)],
          of_.rooms.board
              .tracker_bounds[static_cast<std::size_t>(perceive::TrackerBound::evicted)]);
    case Cause::deliveries_full:
      return table_full("deliveries", of_.rooms.board.orders,
                        of_.rooms.plan.limits()->pending_actions(), of_.rooms.board.orders_refused,
                        0);
    case Cause::alarms_full:
      return table_full("alarms", of_.rooms.board.alarms, of_.rooms.plan.limits()->alarms(),
                        of_.rooms.board.alarms_refused, 0);
    case Cause::pairs_full:
      return table_full("pairs", of_.rooms.board.pairs, of_.rooms.plan.limits()->pairs(),
                        of_.rooms.board.pairs_refused, 0);
    case Cause::journal:
      return of_.journalling.trouble();
    case Cause::image:
      return image::error_text(of_.rooms.mirror.imaging().error());
    case Cause::mirror:
      return mirror_watch_.trouble().empty() ? of_.rooms.mirror.doubt()
                                             : std::string(mirror_watch_.trouble());
    case Cause::source: {
      const int error = of_.rooms.ingress.counters(index).error.load(std::memory_order_relaxed);
      return error == 0 ? std::string() : platform::error_text(error);
    }
    default:
      return {};
  }
}

Causes StatusPage::look_at_causes() {
  const Mirror& mirror = of_.rooms.mirror;
  mirror_watch_.look(
      {read(of_.rooms.board.batches), mirror.batch(), mirror.turns(), mirror.lost(), mirror.gone()},
      platform::monotonic_ns());
  const CauseBook::Seen now = seen();
  Causes all = now.causes;
  all.set(Cause::source, now.sources != 0);
  all.set(Cause::sink, now.sinks != 0);
  causes_.look(
      now, of_.rooms.board.now_ns.load(std::memory_order_relaxed), platform::monotonic_ns(),
      [this](Cause cause, std::size_t index) { return detail(cause, index); },
      [this](const CauseLine& line) {
        if (line.facts == &facts_of(Cause::held)) {
          held_at_start_ = false;
        }
        if (say_) {
          say_(line);
        }
      });
  return all;
}

void StatusPage::begin(std::uint32_t epoch) {
  epoch_ = epoch;
  causes_.init(of_.rooms.plan);
  held_at_start_ = of_.rooms.shard.held();
}

void StatusPage::belief_members(JsonWriter<std::string>& json) const {
  json.member("site", of_.rooms.plan.site()->string_view()).member("epoch", epoch_);
  json.member_time("now", read(of_.rooms.board.now_ns));
  json.member_id("batches", read(of_.rooms.board.batches))
      .member_id("sequence", read(of_.rooms.board.sequence));
  json.member_id("durable_sequence", of_.rooms.writer.durable_sequence());
  json.member_hex("digest", read(of_.rooms.board.digest));
  json.key("events").begin_object();
  json.member("accepted", read(of_.rooms.board.accepted))
      .member("waiting", read(of_.rooms.board.waiting));
  json.member("transient", read(of_.rooms.board.transient))
      .member("success", read(of_.rooms.board.exits[0]));
  json.member("retraction", read(of_.rooms.board.exits[1]));
  json.member("abandonment", read(of_.rooms.board.exits[2])).end_object();
  json.member("held", read(of_.rooms.board.held)).key("hold").begin_object();
  json.member("keeps", read(of_.rooms.board.kept));
  json.member("most", std::uint64_t{of_.rooms.plan.limits()->waiting_events()});
  json.member("for_s", static_cast<double>(shortest_horizon_ns(of_.rooms.plan)) * 1e-9, 3)
      .end_object();
  causes_.members(json);
  json.member("tracks", read(of_.rooms.board.tracks))
      .member("assessments_raised", read(of_.rooms.board.raised));
  json.member("assessments", read(of_.rooms.board.assessments))
      .member("decisions", read(of_.rooms.board.decisions));
  json.member("fallbacks", read(of_.rooms.board.fallbacks))
      .member("actions", read(of_.rooms.board.actions));
}

void StatusPage::table_members(JsonWriter<std::string>& json) const {
  const auto bound_reached = [this](perceive::TrackerBound bound) -> const auto& {
    return of_.rooms.board.tracker_bounds[static_cast<std::size_t>(bound)];
  };
  json.key("tables").begin_object();
  json.key("tracks").begin_object().member("held", read(of_.rooms.board.tracks));
  json.member("most", std::uint64_t{of_.rooms.plan.limits()->tracks()});
  json.member("refused", read(of_.rooms.board.tracks_refused)).key("evicted").begin_object();
  for (std::size_t i = 1; i < of_.rooms.board.evicted.size(); ++i) {
    json.member(name_of(static_cast<EvictionReason>(i)), read(of_.rooms.board.evicted[i]));
  }
  json.end_object().end_object();
  json.key("contacts").begin_object().member("held", read(of_.rooms.board.contacts));
  json.member("most", std::uint64_t{of_.rooms.plan.limits()->contacts()});
  json.member("refused", read(bound_reached(perceive::TrackerBound::contacts)));
  json.member("evicted", read(bound_reached(perceive::TrackerBound::evicted))).end_object();
  json.key("deliveries").begin_object().member("held", read(of_.rooms.board.orders));
  json.member("most", std::uint64_t{of_.rooms.plan.limits()->pending_actions()});
  json.member("refused", read(of_.rooms.board.orders_refused)).end_object();
  json.key("alarms").begin_object().member("held", read(of_.rooms.board.alarms));
  json.member("most", std::uint64_t{of_.rooms.plan.limits()->alarms()});
  json.member("refused", read(of_.rooms.board.alarms_refused));
  json.member("changes_lost", read(of_.rooms.board.alarm_changes_lost));
  json.end_object();
  json.key("pairs").begin_object().member("held", read(of_.rooms.board.pairs));
  json.member("most", std::uint64_t{of_.rooms.plan.limits()->pairs()});
  json.member("refused", read(of_.rooms.board.pairs_refused)).end_object().end_object();
  json.key("tracker").begin_object().member("contacts", read(of_.rooms.board.contacts));
  json.key("bounds_reached").begin_object();
  for (std::size_t i = 0; i < perceive::kTrackerBounds; ++i) {
    if (const std::uint64_t times = read(of_.rooms.board.tracker_bounds[i]); times != 0) {
      json.member(name_of(static_cast<perceive::TrackerBound>(i)), times);
    }
  }
  json.end_object().end_object();
  json.key("second_places").begin_object().member("held", read(of_.rooms.board.second_places));
  json.member("refused", read(of_.rooms.board.second_places_refused)).end_object();
}

void StatusPage::thread_members(JsonWriter<std::string>& json) const {
  json.key("engine_thread").begin_object().member("sealed", read(of_.rooms.board.sealed));
  json.member("fifo", read(of_.rooms.board.fifo));
  json.member("longest_turn_us", static_cast<double>(read(of_.rooms.board.longest_turn_ns)) * 1e-3,
              1);
  json.end_object();
  json.member("late_outcomes", read(of_.rooms.board.late_outcomes))
      .member("overruns", read(of_.rooms.board.overruns));
  json.member("log_lines_lost", read(of_.rooms.board.untold));
  json.member("faults_lost", read(of_.rooms.board.faults_lost));
  json.key("interruptions").begin_object().member("count", of_.engine.interruptions().count());
  json.member("total_ms", static_cast<double>(of_.engine.interruptions().total_ns()) * 1e-6, 3);
  json.member("longest_us", static_cast<double>(of_.engine.interruptions().longest_ns()) * 1e-3, 1);
  json.end_object();
  if (of_.time.live()) {
    json.key("clock").begin_object().member("believed", of_.time.keeper().believed());
    json.member("offset_s", static_cast<double>(of_.time.keeper().offset_ns()) * 1e-9, 3)
        .end_object();
  }
  json.key("control").begin_object().member("clients", std::uint64_t{of_.control.clients()});
  json.member("answered", of_.control.answered()).member("refused", of_.control.refused());
  json.member("commands_refused", read(of_.rooms.board.commands_refused));
  json.member("denied", of_.rooms.board.denied.load(std::memory_order_relaxed)).end_object();
}

void StatusPage::peer_members(std::size_t s, JsonWriter<std::string>& json) const {
  json.key("peers").begin_array();
  for (const ingress::Ingress::Peer& peer : of_.rooms.ingress.peers(s)) {
    json.begin_object().member("address", std::string_view(peer.address));
    json.member_time("since", peer.since_ns).end_object();
  }
  json.end_array();
  const auto away = of_.rooms.ingress.turned_away(s);
  if (away.full + away.strangers != 0) {
    json.key("turned_away").begin_object().member("full", away.full);
    json.member("sender", away.strangers).end_object();
  }
}

void StatusPage::source_members(std::size_t s, JsonWriter<std::string>& json) const {
  const ingress::SourceCounters& c = of_.rooms.ingress.counters(s);
  const plan::Source* source =
      of_.rooms.plan.sources()->Get(static_cast<flatbuffers::uoffset_t>(s));
  json.begin_object().member("name", source->name()->string_view());
  json.member("status", name_of(static_cast<SourceStatus>(read(c.status))));
  json.member("received", read(c.received)).member("bytes", read(c.bytes));
  count_members(c, json);
  json.member("noise_bytes", read(c.noise));
  json.member("missed", of_.rooms.ingress.missed(s));
  if (source->driver() == plan::DriverKind::tcp || source->driver() == plan::DriverKind::mqtt) {
    peer_members(s, json);
  }
  if (read(c.leaps) != 0) {
    json.member("clock_leaps", read(c.leaps));
  }
  codec::Counts decoding;
  for (std::size_t i = 0; i < decoding.size(); ++i) {
    decoding[i] = read(c.decoding[i]);
  }
  codec::describe_counts(static_cast<CodecKind>(source->codec()), decoding, json);
  if (read(c.error) != 0) {
    json.member("error", std::string_view(platform::error_text(read(c.error))));
  }
  json.end_object();
}

void StatusPage::sink_members(std::size_t s, JsonWriter<std::string>& json) const {
  const plan::Sink* sink = of_.rooms.plan.sinks()->Get(static_cast<flatbuffers::uoffset_t>(s));
  json.begin_object().member("name", sink->name()->string_view());
  json.member("sent", read(of_.rooms.act.counters(s).sent))
      .member("failed", read(of_.rooms.act.counters(s).failed))
      .member("unrecorded", read(of_.rooms.act.counters(s).unrecorded))
      .member("breaker", name_of(read(of_.rooms.board.breakers[s])));
  const plan::SinkKind kind = sink->kind();
  if (kind == plan::SinkKind::serial || kind == plan::SinkKind::tcp) {
    json.member("open", static_cast<std::uint64_t>(of_.rooms.act.streams(s).open()));
  }
  if (const sink::StreamPool& streams = of_.rooms.act.streams(s); streams.awaits()) {
    json.member("confirmed", read(of_.rooms.act.counters(s).confirmed));
    json.member("unconfirmed", static_cast<std::uint64_t>(streams.unconfirmed().size()));
    json.member("resent", read(of_.rooms.act.counters(s).resent));
    json.member("refused_unconfirmed", streams.refused());
    json.member("strange_answers", streams.strange_answers());
  }
  json.member("shortened", read(of_.rooms.act.counters(s).shortened));
  if ((kind == plan::SinkKind::udp || kind == plan::SinkKind::tcp) &&
      !of_.rooms.act.network_is_there()) {
    json.member("waits_for", "network");
  }
  json.end_object();
}

void StatusPage::journal_members(JsonWriter<std::string>& json) const {
  json.member("blocks", of_.rooms.writer.blocks_written())
      .member("bytes", of_.rooms.writer.bytes_written());
  json.member("packed_blocks", of_.rooms.writer.blocks_packed())
      .member("images", of_.rooms.mirror.imaging().images());
  if (const auto hours = of_.journalling.hours_left()) {
    json.member("hours_left", *hours, 1);
  }
  if (const auto hours = of_.journalling.hours_fit()) {
    json.member("hours_fit", *hours, 1);
  }
  json.key("wear").begin_object();
  of_.journalling.wear_members(json);
  json.end_object();
  const journal::Evidence& evidence = of_.rooms.writer.evidence();
  json.key("evidence").begin_object().member("bytes", evidence.bytes());
  json.member("events", evidence.events()).member("left_out", evidence.left_out());
  json.member("unnamed", evidence.unnamed());
  json.member("lost_segments", evidence.lost_segments());
  if (evidence.last_error() != 0) {
    json.member("error", std::string_view(platform::error_text(evidence.last_error())));
  }
  json.end_object();
  if (const int error = of_.rooms.mirror.imaging().error(); error != 0) {
    json.member("image_error", std::string_view(image::error_text(error)));
  }
  if (const std::string trouble = of_.journalling.trouble(); !trouble.empty()) {
    json.member("error", std::string_view(trouble));
  }
  if (of_.rooms.writer.unrecorded() != 0) {
    json.member("unrecorded_batches", of_.rooms.writer.unrecorded());
  }
  if (!of_.start.findings.empty()) {
    json.key("findings").begin_array();
    for (const StartReport::Finding& finding : of_.start.findings) {
      json.value(std::string_view(finding.text));
    }
    json.end_array();
  }
}

std::string StatusPage::json() {
  look_at_causes();
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  belief_members(json);
  table_members(json);
  thread_members(json);
  json.key("sources").begin_array();
  for (std::size_t s = 0; s < of_.rooms.ingress.size(); ++s) {
    source_members(s, json);
  }
  json.end_array().key("sinks").begin_array();
  for (std::size_t s = 0; s < of_.rooms.plan.sinks()->size(); ++s) {
    sink_members(s, json);
  }
  json.end_array().key("latency").begin_object();
  latency(json, "behind", of_.rooms.act.latency_behind());
  latency(json, "before", of_.rooms.act.latency_before());
  json.end_object().key("journal").begin_object();
  journal_members(json);
  json.end_object().key("mirror").begin_object();
  of_.rooms.mirror.members(read(of_.rooms.board.batches), read(of_.rooms.board.now_ns), json);
  json.end_object().key("sandbox").begin_object();
  of_.confinement.members(json);
  json.end_object().key("identity").begin_object();
  of_.membership.members(json);
  json.end_object();
  if (!of_.start.plan_told.empty()) {
    json.member("plan_changed", std::string_view(of_.start.plan_told));
  }
  json.key("without").begin_array();
  for (const std::string& item : of_.start.without) {
    json.value(std::string_view(item));
  }
  json.end_array();
  if (of_.firmware) {
    json.key("firmware").raw(of_.firmware());
  }
  json.end_object();
  return text;
}

}  // namespace vedette::node
