// `vedette explain`: why something happened: a story for people, then the events that it is made
// of, with the bytes that caused them.
#include <cstdio>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/kept_events.hpp"
#include "cli/open_data.hpp"
#include "cli/picture.hpp"
#include "cli/print.hpp"
#include "cli/story.hpp"
#include "model/describe_event.hpp"
#include "node/around.hpp"
#include "node/past.hpp"
#include "platform/file.hpp"

namespace vedette::cli {
namespace {

void put_link(const KeptEvent& e, Json& json) {
  json.begin_object();
  event_members(e.header, e.payload, *e.plan, json);
  if (e.evidence) {
    json.member("evidence", true);
  }
  if (e.suspect) {
    json.member("suspect", true);
  }
  json.end_object();
}

void print_link(std::uint64_t sequence, const KeptEvent& e, bool first) {
  std::string line;
  append_time(line, e.header.observed_ns);
  std::string members;
  Json one(members);
  one.begin_object();
  event_members(e.header, e.payload, *e.plan, one);
  one.end_object();
  if (!first) {
    print("because of\n");
  }
  print("%s  %-12s #%llu%s%s\n", line.c_str(), std::string(name_of(e.header.kind)).c_str(),
        static_cast<unsigned long long>(sequence),
        e.evidence ? " (from evidence: its segment is gone)" : "",
        e.suspect ? " (suspect: the engine was wrong then)" : "");
  print("    %s\n", members.c_str());
}

// Replays to the end of the event's batch; empty, or why that cannot be.
std::string replay_to(const std::string& data, const journal::SegmentHeader& first,
                      const plan::Plan& plan, std::uint64_t event, node::Stepped& stepped) {
  stepped.init(plan, first.node, first.epoch, data, node::plan_hash_of(first.plan_hash));
  const node::Moment moment{event, 0};
  const node::ReplayResult result = node::replay_until(data, stepped, moment);
  if (result.problem.empty()) {
    return {};
  }
  if (result.journal.problem != result.problem) {
    return result.problem;
  }
  stepped.begin_again();
  const node::AroundResult around = node::replay_around(
      data, stepped, first.node, [&](const BatchHeader& h) { return node::beyond(moment, h); });
  return around.problem;
}

// None: the event comes from no assessment.
std::optional<Story> tell(const JournalCommand& c, const EventReading& reading,
                          std::uint64_t wanted, const KeptEvents& events) {
  const std::uint64_t assessment = assessment_of(wanted, events);
  if (assessment == 0) {
    return std::nullopt;
  }
  node::Stepped stepped;
  const std::string why =
      events.at(assessment).evidence
          ? "known from evidence: the journal's segment of that moment is gone"
          : replay_to(c.data, reading.first_segment(), reading.first_plan(), assessment, stepped);
  const bool reached = why.empty() && stepped.shard().progress().last_sequence >= assessment;
  return story_of(assessment, events, reading.names(), reached ? &stepped : nullptr,
                  reached || !why.empty() ? why : "the journal has a gap there");
}

int draw(const JournalCommand& c, const std::optional<Story>& story) {
  const std::string svg = story ? picture_of(*story) : std::string();
  if (svg.empty()) {
    const std::string why = story ? story->unknown : "it comes from no assessment";
    return fail(c.json, "explain", kNotFound, "no-picture",
                "there is nothing to draw" + (why.empty() ? ": no position is known" : ": " + why));
  }
  const int error = platform::write_file_durably(c.picture, as_bytes(svg));
  return error == 0
             ? int{kOk}
             : fail(c.json, "explain", kIo, "io", c.picture + ": " + platform::error_text(error));
}

}  // namespace

int explain(const JournalCommand& c) {
  const auto wanted = event_number(c.event);
  if (!wanted) {
    return fail(c.json, "explain", kUsage, "usage",
                "\"" + c.event + "\" is not the number of an alarm or an event",
                "take one from `vedette alarms` or from `vedette journal " + c.data + "`");
  }
  EventReading reading(c);
  if (const int code = reading.open("explain"); code != kOk) {
    return code;
  }
  // Causes precede effects, so one pass keeps the events and the walk goes back through them.
  KeptEvents events;
  const journal::ReadResult read =
      reading.read([&](const ReadEvent& e) { keep_event(e, *wanted, events); });
  say_damage(c, read);
  if (!events.contains(*wanted)) {
    return fail(
        c.json, "explain", kNotFound, "not-found",
        "the journal in " + c.data + " has no event " + c.event + ", or cannot be read there");
  }
  const std::optional<Story> story = tell(c, reading, *wanted, events);
  if (!c.picture.empty()) {
    if (const int code = draw(c, story); code != kOk) {
      return code;
    }
  }
  std::string text;
  Json json(text);
  json.begin_object().member_id("event", *wanted);
  if (story && c.json) {
    story_members(*story, events, json);
  } else if (story) {
    print_story(*story, events);
  }
  const bool bytes = !story || c.bytes;
  if (story && bytes && !c.json) {
    print_text("\nThe events\n");
  }
  json.key("chain").begin_array();
  const std::vector<std::uint64_t> chain = chain_of(*wanted, events);
  for (const std::uint64_t at : chain) {
    put_link(events[at], json);
    if (!c.json && bytes) {
      print_link(at, events[at], at == chain.front());
    }
  }
  json.end_array();
  if (const std::string damage = node::damage_text(read); !damage.empty()) {
    json.member("damage", std::string_view(damage));
  }
  json.end_object();
  if (c.json) {
    print_data("explain", text);
  }
  return kOk;
}

}  // namespace vedette::cli
