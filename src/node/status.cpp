#include "base/json.hpp"
#include "node/node.hpp"

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

}  // namespace

Health Node::health() const {
  std::uint64_t out = 0;
  for (std::size_t s = 0; s < plan_.sinks()->size(); ++s) {
    const plan::SinkKind kind = plan_.sinks()->Get(static_cast<flatbuffers::uoffset_t>(s))->kind();
    const bool streams = kind == plan::SinkKind::serial || kind == plan::SinkKind::tcp;
    out |= std::uint64_t{streams && act_.streams(s).open() == 0 ? 1U : 0U} << s;
  }
  return {causes_, out};
}

void Node::look_at_causes() {
  CauseBook::Seen seen;
  seen.causes.bits =
      board_.causes.load(std::memory_order_relaxed) | noted_.load(std::memory_order_relaxed);
  for (std::size_t s = 0; s < ingress_.size(); ++s) {
    const auto status =
        static_cast<SourceStatus>(ingress_.counters(s).status.load(std::memory_order_relaxed));
    seen.sources |= std::uint64_t{status == SourceStatus::down ? 1U : 0U} << s;
  }
  for (std::size_t s = 0; s < plan_.sinks()->size(); ++s) {
    const bool open = board_.breakers[s].load(std::memory_order_relaxed) != BreakerState::closed;
    seen.sinks |= std::uint64_t{open ? 1U : 0U} << s;
  }
  seen.causes.set(Cause::journal, writer_.last_error() != 0);
  seen.causes.set(Cause::image, mirror_.image_error() != 0);
  seen.causes.set(Cause::mirror, mirror_.in_doubt(platform::monotonic_ns()));
  seen.causes.set(Cause::network, !act_.network_is_there());
  const auto evicted = [this] {
    std::uint64_t sum = 0;
    for (const auto& of_reason : board_.evicted) {
      sum += of_reason.load(std::memory_order_relaxed);
    }
    return sum;
  };
  const auto detail = [&](Cause cause, std::size_t index) -> std::string {
    switch (cause) {
      case Cause::clock:
        return timekeeper_.what();
      case Cause::held:
        return held_at_start_ ? "by a command from before this start" : "by a command";
      case Cause::tracks_full:
        return table_full("tracks", board_.tracks, plan_.limits()->tracks(), board_.tracks_refused,
                          evicted());
      case Cause::contacts_full:
        return table_full(
            "contacts", board_.contacts, plan_.limits()->contacts(),
            board_.tracker_bounds[static_cast<std::size_t>(perceive::TrackerBound::contacts)],
            board_.tracker_bounds[static_cast<std::size_t>(perceive::TrackerBound::evicted)]);
      case Cause::deliveries_full:
        return table_full("deliveries", board_.orders, plan_.limits()->pending_actions(),
                          board_.orders_refused, 0);
      case Cause::journal:
        return platform::error_text(writer_.last_error());
      case Cause::image:
        return image::error_text(mirror_.image_error());
      case Cause::mirror:
        return mirror_.doubt();
      case Cause::source: {
        const int error = ingress_.counters(index).error.load(std::memory_order_relaxed);
        return error == 0 ? std::string() : platform::error_text(error);
      }
      default:
        return {};
    }
  };
  causes_.look(seen, board_.now_ns.load(std::memory_order_relaxed), platform::monotonic_ns(),
               detail, [this](const CauseLine& line) {
                 if (line.facts == &facts_of(Cause::held)) {
                   held_at_start_ = false;
                 }
                 if (options_.on_cause) {
                   options_.on_cause(line);
                 }
               });
}

void Node::belief_members(JsonWriter<std::string>& json) const {
  json.member("site", plan_.site()->string_view()).member("epoch", epoch_);
  json.member_time("now", read(board_.now_ns));
  json.member_id("batches", read(board_.batches)).member_id("sequence", read(board_.sequence));
  json.member_id("durable_sequence", writer_.durable_sequence());
  json.member_hex("digest", read(board_.digest));
  json.key("events").begin_object();
  json.member("accepted", read(board_.accepted)).member("waiting", read(board_.waiting));
  json.member("transient", read(board_.transient)).member("success", read(board_.exits[0]));
  json.member("retraction", read(board_.exits[1]));
  json.member("abandonment", read(board_.exits[2])).end_object();
  json.member("held", read(board_.held));
  causes_.members(json);
  json.member("tracks", read(board_.tracks)).member("assessments_raised", read(board_.raised));
  json.member("assessments", read(board_.assessments)).member("decisions", read(board_.decisions));
  json.member("fallbacks", read(board_.fallbacks)).member("actions", read(board_.actions));
}

void Node::table_members(JsonWriter<std::string>& json) const {
  const auto bound_reached = [this](perceive::TrackerBound bound) -> const auto& {
    return board_.tracker_bounds[static_cast<std::size_t>(bound)];
  };
  json.key("tables").begin_object();
  json.key("tracks").begin_object().member("held", read(board_.tracks));
  json.member("most", std::uint64_t{plan_.limits()->tracks()});
  json.member("refused", read(board_.tracks_refused)).key("evicted").begin_object();
  for (std::size_t i = 1; i < board_.evicted.size(); ++i) {
    json.member(name_of(static_cast<EvictionReason>(i)), read(board_.evicted[i]));
  }
  json.end_object().end_object();
  json.key("contacts").begin_object().member("held", read(board_.contacts));
  json.member("most", std::uint64_t{plan_.limits()->contacts()});
  json.member("refused", read(bound_reached(perceive::TrackerBound::contacts)));
  json.member("evicted", read(bound_reached(perceive::TrackerBound::evicted))).end_object();
  json.key("deliveries").begin_object().member("held", read(board_.orders));
  json.member("most", std::uint64_t{plan_.limits()->pending_actions()});
  json.member("refused", read(board_.orders_refused)).end_object().end_object();
  json.key("tracker").begin_object().member("contacts", read(board_.contacts));
  json.key("bounds_reached").begin_object();
  for (std::size_t i = 0; i < perceive::kTrackerBounds; ++i) {
    if (const std::uint64_t times = read(board_.tracker_bounds[i]); times != 0) {
      json.member(name_of(static_cast<perceive::TrackerBound>(i)), times);
    }
  }
  json.end_object().end_object();
  json.key("second_places").begin_object().member("held", read(board_.second_places));
  json.member("refused", read(board_.second_places_refused)).end_object();
}

void Node::thread_members(JsonWriter<std::string>& json) const {
  json.key("engine_thread").begin_object().member("sealed", read(board_.sealed));
  json.member("fifo", read(board_.fifo)).end_object();
  json.member("late_outcomes", read(board_.late_outcomes))
      .member("overruns", read(board_.overruns));
  json.member("log_lines_lost", read(board_.untold));
  json.member("faults_lost", read(board_.faults_lost));
  json.key("interruptions").begin_object().member("count", interruptions_.count());
  json.member("total_ms", static_cast<double>(interruptions_.total_ns()) * 1e-6, 3);
  json.member("longest_us", static_cast<double>(interruptions_.longest_ns()) * 1e-3, 1);
  json.end_object();
  if (live_) {
    json.key("clock").begin_object().member("believed", timekeeper_.believed());
    json.member("offset_s", static_cast<double>(timekeeper_.offset_ns()) * 1e-9, 3).end_object();
  }
  json.key("control").begin_object().member("clients", std::uint64_t{control_.clients()});
  json.member("answered", control_.answered()).member("refused", control_.refused());
  json.member("commands_refused", read(board_.commands_refused)).end_object();
}

void Node::source_members(std::size_t s, JsonWriter<std::string>& json) const {
  const ingress::SourceCounters& c = ingress_.counters(s);
  const plan::Source* source = plan_.sources()->Get(static_cast<flatbuffers::uoffset_t>(s));
  json.begin_object().member("name", source->name()->string_view());
  json.member("status", name_of(static_cast<SourceStatus>(read(c.status))));
  json.member("received", read(c.received)).member("accepted", read(c.accepted));
  json.member("parts", read(c.parts)).member("bytes", read(c.bytes));
  json.member("missed", ingress_.missed(s));
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
  json.key("refused").begin_object();
  for (std::size_t cause = 1; cause < kRefusalCauses; ++cause) {
    if (read(c.refused[cause]) != 0) {
      json.member(name_of(static_cast<RefusalCause>(cause)), read(c.refused[cause]));
    }
  }
  json.end_object().end_object();
}

void Node::sink_members(std::size_t s, JsonWriter<std::string>& json) const {
  const plan::Sink* sink = plan_.sinks()->Get(static_cast<flatbuffers::uoffset_t>(s));
  json.begin_object().member("name", sink->name()->string_view());
  json.member("sent", read(act_.counters(s).sent))
      .member("failed", read(act_.counters(s).failed))
      .member("breaker", name_of(read(board_.breakers[s])));
  const plan::SinkKind kind = sink->kind();
  if (kind == plan::SinkKind::serial || kind == plan::SinkKind::tcp) {
    json.member("open", static_cast<std::uint64_t>(act_.streams(s).open()));
  }
  if (const sink::StreamPool& streams = act_.streams(s); streams.awaits()) {
    json.member("confirmed", read(act_.counters(s).confirmed));
    json.member("unconfirmed", static_cast<std::uint64_t>(streams.unconfirmed().size()));
    json.member("resent", read(act_.counters(s).resent));
    json.member("refused_unconfirmed", streams.refused());
    json.member("strange_answers", streams.strange_answers());
  }
  json.member("shortened", read(act_.counters(s).shortened));
  if ((kind == plan::SinkKind::udp || kind == plan::SinkKind::tcp) && !act_.network_is_there()) {
    json.member("waits_for", "network");
  }
  json.end_object();
}

void Node::journal_members(JsonWriter<std::string>& json) const {
  json.member("blocks", writer_.blocks_written()).member("bytes", writer_.bytes_written());
  json.member("packed_blocks", writer_.blocks_packed()).member("images", mirror_.images());
  const journal::Evidence& evidence = writer_.evidence();
  json.key("evidence").begin_object().member("bytes", evidence.bytes());
  json.member("events", evidence.events()).member("left_out", evidence.left_out());
  json.member("unnamed", evidence.unnamed());
  json.member("lost_segments", evidence.lost_segments());
  if (evidence.last_error() != 0) {
    json.member("error", std::string_view(platform::error_text(evidence.last_error())));
  }
  json.end_object();
  if (const int error = mirror_.image_error(); error != 0) {
    json.member("image_error", std::string_view(image::error_text(error)));
  }
  if (writer_.last_error() != 0) {
    json.member("error", std::string_view(platform::error_text(writer_.last_error())));
  }
  if (writer_.unrecorded() != 0) {
    json.member("unrecorded_batches", writer_.unrecorded());
  }
  if (!findings_.empty()) {
    json.key("findings").begin_array();
    for (const Finding& finding : findings_) {
      json.value(std::string_view(finding.text));
    }
    json.end_array();
  }
}

std::string Node::status_json() const {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  belief_members(json);
  table_members(json);
  thread_members(json);
  json.key("sources").begin_array();
  for (std::size_t s = 0; s < ingress_.size(); ++s) {
    source_members(s, json);
  }
  json.end_array().key("sinks").begin_array();
  for (std::size_t s = 0; s < plan_.sinks()->size(); ++s) {
    sink_members(s, json);
  }
  json.end_array().key("latency").begin_object();
  latency(json, "behind", act_.latency_behind());
  latency(json, "before", act_.latency_before());
  json.end_object().key("journal").begin_object();
  journal_members(json);
  json.end_object().key("mirror").begin_object();
  mirror_.members(read(board_.batches), read(board_.now_ns), json);
  json.end_object();
  if (!plan_told_.empty()) {
    json.member("plan_changed", std::string_view(plan_told_));
  }
  json.key("without").begin_array();
  for (const std::string& item : without_) {
    json.value(std::string_view(item));
  }
  json.end_array();
  if (options_.firmware_status) {
    json.key("firmware").raw(options_.firmware_status());
  }
  json.end_object();
  return text;
}

}  // namespace vedette::node
