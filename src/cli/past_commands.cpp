#include <cmath>
#include <cstdio>

#include "base/math.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/open_data.hpp"
#include "cli/print.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"
#include "model/tracker.hpp"
#include "node/around.hpp"
#include "node/past.hpp"
#include "node/rehearsal.hpp"

namespace vedette::cli {
namespace {

std::string time_text(std::int64_t unix_ns) {
  std::string text;
  append_time(text, unix_ns);
  return text;
}

std::string_view fixed_text(const char* text, std::size_t limit) {
  return {text, ::strnlen(text, limit)};
}

void track_members(const Track& t, const Tracker& tracker, std::int64_t now_ns, Json& json) {
  json.begin_object().member("kind", name_of(t.kind)).member_id("identity", identity_of(t.key));
  if (t.name[0] != '\0') {
    json.member("name", fixed_text(t.name, sizeof t.name));
  }
  json.member("state", name_of(t.state)).member("updates", t.updates);
  if (t.updates > 0) {
    const double since = static_cast<double>(now_ns - t.filter_ns) * 1e-9;
    json.member("lat", t.latitude, 7).member("lon", t.longitude, 7);
    json.member("confidence", confidence_of(t, tracker, now_ns), 3);
    json.member("sigma", std::sqrt(predicted_variance(t, tracker, since > 0 ? since : 0)), 1);
    json.member("speed",
                std::sqrt(t.velocity_east * t.velocity_east + t.velocity_north * t.velocity_north),
                2);
    json.member("course", wrap_360(det_atan2(t.velocity_east, t.velocity_north) / kDegree), 1);
    json.member("moving", moving_confidence(t), 3);
    if (t.turning == t.turning) {
      json.member("turning", t.turning, 3);
    }
    json.member_id("position_event", t.position_event);
    json.member_time("observed", t.observed_ns);
    json.member_time("stale", t.observed_ns + to_int64(tracker.lost_s * 1e9));
  }
  if (t.partner != 0) {
    json.key("partner").begin_object().member("kind",
                                              name_of(static_cast<IdentityKind>(t.partner >> 56)));
    json.member_id("identity", identity_of(t.partner)).end_object();
  }
  if (t.identity_event != 0) {
    json.member_id("identity_event", t.identity_event);
  }
  if (t.acknowledged != 0) {
    json.member("acknowledged", true);
  }
  json.member_time("heard", t.heard_ns).member_id("first_event", t.first_event).end_object();
}

// Parses and reports errors; kOk for a valid moment.
int moment_of(const JournalCommand& c, const std::string& schema, node::Moment& moment) {
  const std::string wrong = node::parse_moment(c.event, node::last_moment(c.data), moment);
  return wrong.empty() ? int{kOk} : fail(c.json, schema, kUsage, "usage", wrong);
}

std::string belief_json(node::Stepped& stepped, const std::string& damage) {
  engine::Shard& shard = stepped.shard();
  const engine::Progress& p = shard.progress();
  std::string text;
  Json json(text);
  json.begin_object().member_id("batch", p.batch_number).member_id("event", p.last_sequence);
  json.member_time("time", stepped.last_admitted_ns()).member_hex("digest", p.digest);
  json.key("events").begin_object().member("accepted", p.accepted).member("waiting", p.waiting);
  json.member("transient", p.transient).member("success", p.exits[0]);
  json.member("retraction", p.exits[1]).member("abandonment", p.exits[2]).end_object();
  json.member("assessments_raised", static_cast<std::uint64_t>(shard.assess().raised()));
  json.key("pending").begin_array();
  for (const deliver::Delivery::Order& o : shard.delivery().orders()) {
    if (o.stage != deliver::Delivery::Stage::free) {
      json.begin_object().member_id("event", o.sequence).member_time("horizon", o.horizon_ns);
      json.member("under_way", o.stage == deliver::Delivery::Stage::sent).end_object();
    }
  }
  json.end_array().key("tracks").begin_array();
  for (std::uint32_t i = 0; i < shard.tracks().high_water(); ++i) {
    if (shard.tracks().in_use(i)) {
      const Track& t = shard.tracks()[i];
      track_members(t, shard.config().trackers[static_cast<std::size_t>(t.kind)],
                    stepped.last_admitted_ns(), json);
    }
  }
  json.end_array();
  if (!damage.empty()) {
    json.member("damage", std::string_view(damage));
  }
  json.end_object();
  return text;
}

void print_belief(node::Stepped& stepped) {
  const engine::Shard& shard = stepped.shard();
  const engine::Progress& p = shard.progress();
  print(
      "as of batch %llu, event %llu, %s: %zu tracks, %zu assessments raised, %zu actions under "
      "way\n",
      static_cast<unsigned long long>(p.batch_number),
      static_cast<unsigned long long>(p.last_sequence),
      time_text(stepped.last_admitted_ns()).c_str(), shard.tracks().size(), shard.assess().raised(),
      shard.delivery().size());
  for (std::uint32_t i = 0; i < shard.tracks().high_water(); ++i) {
    if (shard.tracks().in_use(i)) {
      const Track& t = shard.tracks()[i];
      print("  %-12s %-10llu %-20s %-10s", std::string(name_of(t.kind)).c_str(),
            static_cast<unsigned long long>(identity_of(t.key)), fixed_text(t.name, sizeof t.name),
            std::string(name_of(t.state)).c_str());
      if (t.updates > 0) {
        print(" %10.5f %11.5f", t.latitude, t.longitude);
      }
      print("\n");
    }
  }
}

}  // namespace

int inspect(const JournalCommand& c) {
  node::Moment moment{~std::uint64_t{0}, 0};
  const bool latest = c.event.empty();
  node::KeptPlan kept;
  journal::SegmentHeader header{};
  int code = open_data(c, "inspect", kept, header);
  code = code == kOk && !latest ? moment_of(c, "inspect", moment) : code;
  if (code != kOk) {
    return code;
  }
  node::Stepped stepped;
  stepped.init(*kept.plan, header.node, header.epoch, c.data, node::plan_hash_of(header.plan_hash));
  const node::ReplayResult result =
      latest ? node::replay(c.data, stepped, 0) : node::replay_until(c.data, stepped, moment);
  std::string problem = result.journal.torn_tail ? std::string() : result.problem;
  std::string damage;
  if (!problem.empty() && result.journal.problem == problem) {
    stepped.begin_again();
    const node::AroundResult around = node::replay_around(
        c.data, stepped, header.node,
        [&](const BatchHeader& h) { return !latest && node::beyond(moment, h); });
    problem = around.problem;
    damage = node::damage_text(around.journal);
    say_damage(c, around.journal);
  }
  if (!problem.empty()) {
    return fail(c.json, "inspect", kFound, "journal", c.data + ": " + problem);
  }
  if (c.json) {
    print_data("inspect", belief_json(stepped, damage));
  } else {
    print_belief(stepped);
  }
  return kOk;
}

int recover(const JournalCommand& c) {
  node::Moment moment;
  const int code = moment_of(c, "recover", moment);
  if (code != kOk) {
    return code;
  }
  const node::Recovered made = node::recover_until(c.data, c.out, moment);
  if (!made.problem.empty()) {
    return fail(c.json, "recover", made.disk ? kIo : kFound, "recover", made.problem);
  }
  if (!made.damage.empty()) {
    print_error("vedette: %s: %s\n", c.data.c_str(), made.damage.c_str());
  }
  const BatchHeader& last = made.last;
  const std::uint64_t event = last.first_sequence + last.input_count + last.derived_count - 1;
  if (c.json) {
    std::string text;
    Json json(text);
    json.begin_object().member("data", std::string_view(c.out)).member_id("batch", last.number);
    json.member_id("event", event)
        .member_time("time", last.admitted_ns)
        .member_hex("digest", last.digest);
    json.end_object();
    print_data("recover", text);
  } else {
    print("%s ends with batch %llu, event %llu, %s\n", c.out.c_str(),
          static_cast<unsigned long long>(last.number), static_cast<unsigned long long>(event),
          time_text(last.admitted_ns).c_str());
  }
  return kOk;
}

int rehearse(const JournalCommand& c) {
  node::KeptPlan kept;
  journal::SegmentHeader header{};
  int code = open_data(c, "rehearse", kept, header);
  LoadedPlan other;
  code = code == kOk ? load_site(c.site, c.json, "rehearse", other) : code;
  if (code != kOk) {
    return code;
  }
  const node::Rehearsal r = node::rehearse(c.data, *other.plan);
  if (!r.problem.empty()) {
    return fail(c.json, "rehearse", kFound, "journal", c.data + ": " + r.problem);
  }
  std::string text;
  Json json(text);
  json.begin_object().member("batches", r.batches).member("same", r.same);
  json.key("differences").begin_array();
  for (const node::DecisionDifference& d : r.differences) {
    json.begin_object().member("only_in", d.in_journal ? "journal" : "rehearsal");
    json.member_time("time", d.time_ns).member("decision", std::string_view(d.decision));
    json.member("subject", std::string_view(d.subject))
        .member("choice", std::string_view(d.choice));
    if (d.event != 0) {
      json.member_id("event", d.event);
    }
    json.end_object();
    if (!c.json) {
      print("%s  %s %-20s %-24s %s\n", time_text(d.time_ns).c_str(),
            d.in_journal ? "- journal  " : "+ rehearsal", d.decision.c_str(), d.subject.c_str(),
            d.choice.c_str());
    }
  }
  json.end_array().end_object();
  if (c.json) {
    print_data("rehearse", text);
  } else {
    print("decisions: %llu the same, %zu different\n", static_cast<unsigned long long>(r.same),
          r.differences.size());
  }
  return r.differences.empty() ? kOk : kFound;
}

}  // namespace vedette::cli
