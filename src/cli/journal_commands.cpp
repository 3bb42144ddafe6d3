#include <cstdio>
#include <cstring>
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

int end_reading(const JournalCommand& c, const journal::ReadResult& read) {
  say_damage(c, read);
  if (!read.problem.empty()) {
    print_error("vedette: %s: %s\n", c.data, read.problem);
  }
  return read.problem.empty() && read.damages.empty() ? kOk : kFound;
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
  if (const auto name = names.of(track_of(event.header, event.payload)); !name.empty()) {
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
  return end_reading(c, reading.read(show));
}

}  // namespace vedette::cli
