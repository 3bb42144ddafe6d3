#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/event_reading.hpp"
#include "cli/open_data.hpp"
#include "cli/print.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"
#include "node/around.hpp"
#include "node/identity.hpp"
#include "node/replay.hpp"
#include "platform/file.hpp"

namespace vedette::cli {
namespace {

// For segments that name no plan: the one that the folder keeps, if exactly one.
bool only_kept_plan(const std::string& data, journal::SegmentHeader& header) {
  const std::vector<std::string> names = platform::list_folder(data + "/plans");
  constexpr std::size_t kNameBytes = 2 * sizeof header.plan_hash;
  return names.size() == 1 && names[0].size() > kNameBytes &&
         parse_hex(names[0].substr(0, kNameBytes), header.plan_hash);
}

}  // namespace

void say_damage(const JournalCommand& c, const journal::ReadResult& read) {
  if (const std::string text = node::damage_text(read); !text.empty()) {
    print_error("vedette: %s: %s\n", c.data.c_str(), text.c_str());
  }
}

int open_data(const JournalCommand& c, const std::string& schema, node::KeptPlan& kept,
              journal::SegmentHeader& header) {
  if (const std::string why = journal::why_other_layout(c.data); !why.empty()) {
    return fail(c.json, schema, kBadData, "version", c.data + ": " + why);
  }
  bool found = false;
  journal::Visit first;
  first.node = node::identity_of_folder(c.data).node;
  first.segment = [&](const journal::SegmentHeader& h, Bytes, std::uint64_t) {
    header = h;
    found = true;
    return false;
  };
  platform::FileInReading file;
  for (const std::uint64_t number : journal::list_segments(journal_folder(c.data))) {
    const journal::ReadResult read =
        journal::read_segment_file(journal_folder(c.data), number, {}, first, file);
    if (read.other_version) {
      return fail(c.json, schema, kBadData, "version", c.data + ": " + read.problem);
    }
    if (found) {
      break;
    }
  }
  if (!found && journal::list_segments(journal_folder(c.data)).empty()) {
    return fail(c.json, schema, kNotFound, "not-found", c.data + ": no journal in this folder",
                "name the data folder of a node");
  }
  if (!found && !only_kept_plan(c.data, header)) {
    return fail(c.json, schema, kFound, "journal",
                c.data +
                    ": damaged: the start of every segment is unreadable, so nothing says which of "
                    "the folder's plans wrote them",
                "copy the folder and leave only the right plan in the copy's plans/");
  }
  const std::string problem = node::load_kept_plan(c.data, header.plan_hash, kept);
  return problem.empty() ? kOk : fail(c.json, schema, kBadData, "plan", problem);
}

int replay(const JournalCommand& c) {
  node::KeptPlan kept;
  journal::SegmentHeader header{};
  const int code = open_data(c, "replay", kept, header);
  if (code != kOk) {
    return code;
  }
  node::Stepped stepped;
  stepped.init(*kept.plan, header.node, header.epoch, c.data, node::plan_hash_of(header.plan_hash));
  const node::ReplayResult result = node::replay(c.data, stepped, 0);
  if (!result.problem.empty()) {
    std::string around;
    if (!result.journal.torn_tail && !result.journal.other_version &&
        result.problem == result.journal.problem) {
      stepped.begin_again();
      const node::AroundResult r = node::replay_around(c.data, stepped, header.node);
      around = node::damage_text(r.journal) + ", " + std::to_string(r.replayed) +
               " other batches match the journal" +
               (r.passed_over == 0 ? std::string()
                                   : ", " + std::to_string(r.passed_over) +
                                         " cannot be checked: no state precedes them") +
               (r.problem.empty() ? std::string() : "; " + r.problem);
    }
    return fail(
        c.json, "replay", kFound, result.journal.torn_tail ? "torn" : "differs",
        c.data + ": " + (around.empty() ? result.problem : around),
        result.journal.torn_tail
            ? "usual after a power cut: the node removes the unfinished block at its next start"
            : "");
  }
  std::string digest;
  append_hex(digest, result.digest);
  digest.insert(0, 16 - digest.size(), '0');
  const engine::Progress& p = stepped.shard().progress();
  if (c.json) {
    std::string text;
    Json json(text);
    json.begin_object().member("batches", result.replayed).member_id("events", p.last_sequence);
    json.member_id("first_batch", result.first_batch);
    json.member("unrecorded_batches", result.unrecorded);
    json.member("suspect_batches", result.suspect);
    json.member("digest", std::string_view(digest)).member("matches", true);
    json.member("closed", result.journal.closed);
    json.member("tracks", static_cast<std::uint64_t>(stepped.shard().tracks().size())).end_object();
    print_data("replay", text);
  } else {
    print(
        "%llu batches from number %llu on, %llu events, digest %s: every batch matches the "
        "journal\n",
        static_cast<unsigned long long>(result.replayed),
        static_cast<unsigned long long>(result.first_batch),
        static_cast<unsigned long long>(p.last_sequence), digest.c_str());
    if (result.unrecorded != 0) {
      print(
          "the journal lacks %llu batches between: the disk failed for too long, a run ended "
          "before it accepted anything, or a start found them missing\n",
          static_cast<unsigned long long>(result.unrecorded));
    }
    if (result.suspect != 0) {
      print("%llu suspect batches are passed over: the engine was wrong then\n",
            static_cast<unsigned long long>(result.suspect));
    }
  }
  return kOk;
}

namespace {

void print_event(const ReadEvent& event, const TrackNames& names) {
  std::string text;
  Json json(text);
  json.begin_object().member_id("batch", event.batch);
  event_members(event.header, event.payload, event.plan, json);
  if (const std::string_view name = name_beside(event, names); !name.empty()) {
    json.member("name", name);
  }
  if (event.evidence) {
    json.member("evidence", true);
  }
  if (event.suspect) {
    json.member("suspect", true);
  }
  json.end_object();
  print_text(text + "\n");
}

}  // namespace

int journal(const JournalCommand& c) {
  EventReading reading(c);
  if (const int code = reading.open("journal"); code != kOk) {
    return code;
  }
  const auto show = [&](const ReadEvent& event) { print_event(event, reading.names()); };
  if (c.follow) {
    reading.follow(show);
    return kOk;
  }
  const journal::ReadResult result = reading.read(show);
  say_damage(c, result);
  if (!result.problem.empty()) {
    print_error("vedette: %s: %s\n", c.data.c_str(), result.problem.c_str());
    return kFound;
  }
  return result.damages.empty() ? kOk : kFound;
}

namespace {

struct KeptEvent {
  EventHeader header;
  std::vector<std::uint8_t> payload;
  bool evidence = false;  // from a dropped segment
  bool suspect = false;   // of an engine that was wrong
  const plan::Plan* plan = nullptr;
};
using KeptEvents = std::map<std::uint64_t, KeptEvent>;

// The event and its chain of causes, newest first.
std::vector<std::uint64_t> causes_of(std::uint64_t wanted, const KeptEvents& events) {
  std::vector<std::uint64_t> chain;
  std::set<std::uint64_t> seen;
  std::vector<std::uint64_t> open{wanted};
  while (!open.empty()) {
    const std::uint64_t at = open.back();
    open.pop_back();
    const auto found = events.find(at);
    if (at == 0 || found == events.end() || !seen.insert(at).second) {
      continue;
    }
    chain.push_back(at);
    if (found->second.header.kind == EventKind::assessment) {
      for (const std::uint64_t cause : payload_as<AssessmentChange>(found->second.payload).causes) {
        open.push_back(cause);
      }
    }
    open.push_back(found->second.header.cause);
  }
  std::sort(chain.rbegin(), chain.rend());
  return chain;
}

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

// Those up to the wanted one, and its late outcome.
void keep_event(const ReadEvent& e, std::uint64_t wanted, KeptEvents& events,
                std::uint64_t& outcome) {
  const bool late_outcome = e.header.kind == EventKind::outcome &&
                            payload_as<ActionOutcome>(e.payload).action_sequence == wanted;
  if (e.header.sequence <= wanted || late_outcome) {
    events[e.header.sequence] = {
        e.header, {e.payload.begin(), e.payload.end()}, e.evidence, e.suspect, &e.plan};
  }
  outcome = late_outcome ? e.header.sequence : outcome;
}

}  // namespace

int explain(const JournalCommand& c) {
  const auto wanted = parse_unsigned(c.event);
  if (!wanted) {
    return fail(c.json, "explain", kUsage, "usage",
                "\"" + c.event + "\" is not the number of an event",
                "take one from `vedette journal " + c.data + "`");
  }
  EventReading reading(c);
  if (const int code = reading.open("explain"); code != kOk) {
    return code;
  }
  // Causes precede effects, so one pass keeps the events and the walk goes back through them.
  KeptEvents events;
  std::uint64_t outcome = 0;
  const journal::ReadResult read =
      reading.read([&](const ReadEvent& e) { keep_event(e, *wanted, events, outcome); });
  say_damage(c, read);
  if (events.find(*wanted) == events.end()) {
    return fail(
        c.json, "explain", kNotFound, "not-found",
        "the journal in " + c.data + " has no event " + c.event + ", or cannot be read there");
  }
  std::vector<std::uint64_t> chain = causes_of(*wanted, events);
  if (outcome != 0) {
    chain.insert(chain.begin(), outcome);
  }
  std::string text;
  Json json(text);
  json.begin_object().member_id("event", *wanted).key("chain").begin_array();
  for (const std::uint64_t at : chain) {
    const KeptEvent& e = events[at];
    put_link(e, json);
    if (!c.json) {
      print_link(at, e, at == chain.front());
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
