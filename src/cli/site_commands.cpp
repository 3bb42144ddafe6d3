#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "core/engine/shard.hpp"
#include "core/perceive/contacts.hpp"
#include "edge/codec/codec.hpp"
#include "edge/journal/writer.hpp"
#include "model/expression.hpp"
#include "node/confinement.hpp"
#include "node/memory_plan.hpp"
#include "plan/plan.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"

namespace vedette::cli {
namespace {

// Times beyond the last transition keep its offset.
void print_time_zone(const plan::Plan& p) {
  if (p.time_zone() != nullptr) {
    print("\ntime zone %s: %u offsets from 2000-01-01 to 2100-01-01; later times keep the last\n",
          p.time_zone()->name()->c_str(), p.time_zone()->from()->size());
  }
}

std::string run_names(const plan::Plan& p, const plan::Decision& d) {
  std::string names = p.actions()->Get(d.action())->name()->str();
  for (std::size_t i = 0; d.also() != nullptr && i < d.also()->size(); ++i) {
    const std::uint16_t action = d.also()->Get(static_cast<flatbuffers::uoffset_t>(i));
    names += ", " + p.actions()->Get(action)->name()->str();
  }
  return names;
}

std::vector<node::RoomMemory> whole_memory(const plan::Plan& plan) {
  std::vector<node::RoomMemory> rooms = node::memory_plan(plan);
  const std::vector<node::RoomMemory> more = node::memory_outside_arena(plan);
  rooms.insert(rooms.end(), more.begin(), more.end());
  return rooms;
}

// Upper bound of the data folder, where a new image is written beside the last.
std::uint64_t disk_bytes(const plan::Plan& p) {
  const std::uint64_t segment = journal::Writer::whole_segment_bytes(p.limits()->segment_bytes(),
                                                                     engine::frozen_bytes_bound(p));
  return std::max(p.limits()->journal_bytes(), 2 * segment) + segment +
         2 * node::image_bytes_needed(p) + p.limits()->evidence_bytes();
}

std::string human_bytes(std::size_t bytes) {
  char text[32];
  if (bytes >= 1 << 20) {
    std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  } else {
    std::snprintf(text, sizeof text, "%.1f KiB", static_cast<double>(bytes) / 1024);
  }
  return text;
}

std::string seconds(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%g ms", static_cast<double>(ns) * 1e-6);
  return text;
}

constexpr const char* kDrivers[] = {"udp", "serial", "dpdk", "recording",
                                    "tcp", "pipe",   "mqtt", "can"};
constexpr const char* kSinks[] = {"udp", "serial", "log", "tcp"};
constexpr const char* kFormats[] = {"json", "cot", "nmea"};
constexpr const char* kClasses[] = {"critical", "high", "normal", "bulk"};
constexpr const char* kSubjects[] = {"track", "own", "source", "sink", "node"};

const char* durable_text(const plan::Action& action) {
  return !action.durable_before() ? "behind" : action.record_within_ns() != 0 ? "first" : "before";
}

std::string hash_text(const LoadedPlan& loaded) {
  std::string text;
  append_hex(text, platform::sha256(loaded.bytes));
  return text;
}

void decisions_json(const plan::Plan& p, Json& json) {
  for (const plan::Decision* d : *p.decisions()) {
    json.begin_object().member("name", d->name()->string_view());
    json.member("on", p.assessments()->Get(d->assessment())->name()->string_view());
    json.member_id("deadline_ns", static_cast<std::uint64_t>(d->deadline_ns()));
    json.member("confidence", d->min_confidence(), 3);
    json.member("run", std::string_view(run_names(p, *d)));
    if (d->fallback() != kNoAction) {
      json.member("fallback", p.actions()->Get(d->fallback())->name()->string_view());
    }
    json.end_object();
  }
}

void disk_json(const plan::Plan& p, Json& json) {
  json.member("disk_bytes", disk_bytes(p));
  const node::HistoryPlan history = node::history_plan(p);
  json.key("history").begin_object().member("hours", history.hours, 1);
  json.member("events_per_s", history.events_per_s, 1).member("assumed", history.assumed);
  json.end_object();
  if (p.limits()->wear_bytes() != 0) {
    json.member_id("wear_bytes_day", p.limits()->wear_bytes());
  }
}

// What the node needs of root to start. It keeps none of it.
void rights_json(const plan::Plan& p, Json& json) {
  json.member("user", std::string_view(node::own_user(p))).key("rights").begin_array();
  for (const node::StartRight& right : node::start_rights(p)) {
    json.begin_object().member("capability", right.capability);
    json.member("for", std::string_view(right.need)).end_object();
  }
  json.end_array();
}

void rights_text(const plan::Plan& p) {
  print("\nrights of root to start with; afterwards the node keeps none\n");
  for (const node::StartRight& right : node::start_rights(p)) {
    print("  %-20s %s\n", std::string(right.capability).c_str(), right.need.c_str());
  }
  const std::string user = node::own_user(p);
  if (p.sandbox() != nullptr && !p.sandbox()->enforce()) {
    print("[sandbox] enforce = false: its threads keep all system calls and files\n");
  }
  if (!user.empty()) {
    print("then it becomes user %s\n", user.c_str());
  }
}

void plan_json(const LoadedPlan& loaded, Json& json) {
  const plan::Plan& p = *loaded.plan;
  json.begin_object().member("site", p.site()->string_view());
  json.member("hash", std::string_view(hash_text(loaded)));
  if (p.time_zone() != nullptr) {
    json.member("timezone", p.time_zone()->name()->string_view());
  }
  json.member("bytes", static_cast<std::uint64_t>(loaded.bytes.size()));
  json.key("cores").begin_object().member("engine", p.cores()->engine());
  json.member("ingress", p.cores()->ingress()).end_object();
  json.member("batch_events", p.limits()->batch_events());
  json.key("sources").begin_array();
  for (const plan::Source* s : *p.sources()) {
    json.begin_object().member("name", s->name()->string_view());
    json.member("driver", kDrivers[static_cast<int>(s->driver())])
        .member("codec", name_of(static_cast<CodecKind>(s->codec())));
    json.member("class", kClasses[s->event_class()]).member("credits", s->credits());
    json.member("when_full", s->lossless() ? "wait" : "refuse").end_object();
  }
  json.end_array().key("sensors").begin_array();
  for (const plan::Sensor* s : *p.sensors()) {
    json.begin_object().member("name", s->name()->string_view());
    json.member("source", p.sources()->Get(s->source())->name()->string_view());
    json.member("range_m", s->range_max(), 1).member("update_s", s->update_s(), 3);
    json.member("scan", s->turns() ? "turn" : "datagram").end_object();
  }
  json.end_array();
  if (p.sensors()->size() != 0) {
    const perceive::WorstDatagram worst = perceive::worst_datagram(p.limits()->contacts());
    json.key("tracking").begin_object().member("contacts", p.limits()->contacts());
    json.member("reports", worst.reports).member("distance_tests", worst.distance_tests);
    json.member("gate_tests", worst.gate_tests).member("updates", worst.updates);
    json.member("assignment_steps", worst.assignment_steps).end_object();
  }
  json.key("assessments").begin_array();
  for (const plan::Assessment* a : *p.assessments()) {
    json.begin_object().member("name", a->name()->string_view());
    json.member("of", kSubjects[a->subject()]).member("when", a->when()->text()->string_view());
    json.member("operations", static_cast<std::uint64_t>(a->when()->ops()->size()));
    json.member("cost", a->when()->cost()).member("stack", a->when()->stack());
    json.member_id("hold_ns", static_cast<std::uint64_t>(a->hold_ns()));
    json.member_id("clear_ns", static_cast<std::uint64_t>(a->clear_ns())).end_object();
  }
  json.end_array().key("decisions").begin_array();
  decisions_json(p, json);
  json.end_array().key("actions").begin_array();
  for (const plan::Action* a : *p.actions()) {
    json.begin_object().member("name", a->name()->string_view());
    json.member("sink", p.sinks()->Get(a->sink())->name()->string_view());
    json.member("format", kFormats[static_cast<int>(a->format())]);
    json.member("durable", durable_text(*a)).end_object();
  }
  json.end_array().key("memory").begin_array();
  std::size_t total = 0;
  for (const node::RoomMemory& room : whole_memory(p)) {
    total += room.bytes;
    json.begin_object().member("room", room.room);
    json.member("bytes", static_cast<std::uint64_t>(room.bytes)).end_object();
  }
  json.end_array().member("memory_bytes", static_cast<std::uint64_t>(total));
  json.member("huge_pages", static_cast<std::uint64_t>(node::huge_pages_of(p)));
  disk_json(p, json);
  rights_json(p, json);
  json.end_object();
}

void disk_text(const plan::Plan& p) {
  print("disk, at most: %s (journal, next segment, evidence, belief image)\n",
        human_bytes(static_cast<std::size_t>(disk_bytes(p))).c_str());
  const node::HistoryPlan history = node::history_plan(p);
  print("history: a journal of %s holds about %.0f hours at %g events a second%s\n",
        human_bytes(p.limits()->journal_bytes()).c_str(), history.hours, history.events_per_s,
        history.assumed ? " (10 assumed for each source that declares no rate)" : "");
  if (const std::uint64_t wear = p.limits()->wear_bytes(); wear != 0) {
    print("flash: %s written a day, then batches and images wait longer and blocks are packed\n",
          human_bytes(wear).c_str());
  }
}

void plan_text(const LoadedPlan& loaded) {
  const plan::Plan& p = *loaded.plan;
  print("plan of %s, %zu bytes, sha256 %.16s\n\nsources -> codecs -> lanes\n", p.site()->c_str(),
        loaded.bytes.size(), hash_text(loaded).c_str());
  for (const plan::Source* s : *p.sources()) {
    print("  %-16s %-9s -> %-8s -> lane of %u events, class %s, when full: %s\n",
          s->name()->c_str(), kDrivers[static_cast<int>(s->driver())],
          std::string(name_of(static_cast<CodecKind>(s->codec()))), s->credits(),
          kClasses[s->event_class()], s->lossless() ? "wait" : "refuse and count");
  }
  if (p.sensors()->size() != 0) {
    print("\nsensors -> contacts, at most %u at once\n", p.limits()->contacts());
    for (const plan::Sensor* s : *p.sensors()) {
      print("  %-16s on %-8s range %g m, %s %g s, detects %g %% of the targets\n",
            s->name()->c_str(), p.sources()->Get(s->source())->name()->c_str(), s->range_max(),
            s->turns() ? "one turn in" : "one scan every", s->update_s(), s->detection() * 100.0);
    }
    const perceive::WorstDatagram worst = perceive::worst_datagram(p.limits()->contacts());
    print(
        "  worst case of one datagram: %llu reports, %llu distance tests, %llu gate tests, "
        "%llu assignment steps, %llu updates\n",
        static_cast<unsigned long long>(worst.reports),
        static_cast<unsigned long long>(worst.distance_tests),
        static_cast<unsigned long long>(worst.gate_tests),
        static_cast<unsigned long long>(worst.assignment_steps),
        static_cast<unsigned long long>(worst.updates));
  }
  print_time_zone(p);
  print("\nassessments (judged on every change of their subject, and every %s)\n",
        seconds(p.limits()->tick_ns()).c_str());
  for (const plan::Assessment* a : *p.assessments()) {
    print("  %-16s of %-6s at most %zu operations, cost %u: %s\n", a->name()->c_str(),
          kSubjects[a->subject()], static_cast<std::size_t>(a->when()->ops()->size()),
          a->when()->cost(), a->when()->text()->c_str());
  }
  print("\ndecisions\n");
  for (const plan::Decision* d : *p.decisions()) {
    print("  %-16s on %-16s within %s -> %s%s%s\n", d->name()->c_str(),
          p.assessments()->Get(d->assessment())->name()->c_str(), seconds(d->deadline_ns()).c_str(),
          run_names(p, *d).c_str(), d->fallback() != kNoAction ? ", else " : "",
          d->fallback() != kNoAction ? p.actions()->Get(d->fallback())->name()->c_str() : "");
  }
  print("\nactions -> sinks\n");
  for (const plan::Action* a : *p.actions()) {
    const plan::Sink* sink = p.sinks()->Get(a->sink());
    print("  %-16s %-4s durable %-6s -> %s (%s), abandoned after %s\n", a->name()->c_str(),
          kFormats[static_cast<int>(a->format())], durable_text(*a), sink->name()->c_str(),
          kSinks[static_cast<int>(sink->kind())], seconds(a->horizon_ns()).c_str());
  }
  print("\nmemory, all reserved at start\n");
  std::size_t total = 0;
  for (const node::RoomMemory& room : whole_memory(p)) {
    total += room.bytes;
    print("  %-32s %12s\n", room.room, human_bytes(room.bytes).c_str());
  }
  print("  %-32s %12s\n", "sum", human_bytes(total).c_str());
  print("huge pages of 2 MiB, used if the host reserves that many: %zu\n", node::huge_pages_of(p));
  disk_text(p);
  rights_text(p);
}

}  // namespace

void print_data(const std::string& schema, const std::string& data) {
  print_text("{\"schema\":\"vedette." + schema + "/1\",\"ok\":true,\"data\":" + data + "}\n");
}

int fail(bool json, const std::string& schema, int code, const std::string& name,
         const std::string& message, const std::string& help) {
  if (json) {
    std::string text;
    Json out(text);
    out.begin_object().member("schema", std::string_view("vedette." + schema + "/1"));
    out.member("ok", false).key("error").begin_object();
    out.member("code", std::string_view(name)).member("message", std::string_view(message));
    if (!help.empty()) {
      out.member("help", std::string_view(help));
    }
    out.end_object().end_object();
    print_text(text + "\n");
  } else {
    print_error("vedette: %s\n", message.c_str());
    if (!help.empty()) {
      print_error("  help: %s\n", help.c_str());
    }
  }
  return code;
}

int fail_file(bool json, const std::string& schema, const std::string& path, int error) {
  const bool absent = error == ENOENT || error == ENOTDIR;
  const bool unfit = error == EISDIR || error == EFBIG || error == platform::kNotPlain;
  return fail(json, schema,
              absent  ? kNotFound
              : unfit ? kBadData
                      : kIo,
              absent  ? "not-found"
              : unfit ? "not-a-file"
                      : "io",
              path + (error == platform::kNotPlain ? " " : ": ") + platform::error_text(error));
}

int fail_unread(bool json, const std::string& schema, const std::string& path,
                const platform::Unread& unread) {
  using Kind = platform::Unread::Kind;
  return fail(json, schema,
              unread.kind == Kind::absent  ? kNotFound
              : unread.kind == Kind::unfit ? kBadData
                                           : kIo,
              unread.kind == Kind::absent  ? "not-found"
              : unread.kind == Kind::unfit ? "recording"
                                           : "io",
              path + ": " + unread.text);
}

int report_problems(const std::vector<plan::Problem>& problems, const std::string& path,
                    std::string_view text, bool json, const std::string& schema) {
  if (json) {
    std::string document;
    Json list(document);
    list.begin_object().member("schema", std::string_view("vedette." + schema + "/1"));
    list.member("ok", false).key("error").begin_object().member("code", "site");
    list.member("message", std::string_view(std::to_string(problems.size()) + " problems"));
    list.key("problems").begin_array();
    for (const plan::Problem& p : problems) {
      list.begin_object().member("message", std::string_view(p.message));
      list.key("where").begin_object().member("file", std::string_view(path));
      list.member("line", p.line).member("col", p.column).end_object();
      if (!p.help.empty()) {
        list.member("help", std::string_view(p.help));
      }
      list.end_object();
    }
    list.end_array().end_object().end_object();
    print_text(document + "\n");
  } else {
    for (const plan::Problem& p : problems) {
      print_error_text(plan::render(p, path, text));
    }
    print_error("%zu problem%s in %s\n", problems.size(), problems.size() == 1 ? "" : "s",
                path.c_str());
  }
  return kFound;
}

int load_board(const std::string& path, bool json, const std::string& schema, plan::Board& out) {
  const auto content = platform::read_file(path, limits::kSiteFileBytes);
  if (!content) {
    return fail_file(json, schema, path, content.error());
  }
  const std::string_view text = as_text(content.value());
  plan::ReadBoard read = plan::read_board(text);
  if (!read.problems.empty()) {
    return report_problems(read.problems, path, text, json, schema);
  }
  out = std::move(read.board);
  return kOk;
}

int show_board(const std::string& path, bool isolation, bool json) {
  plan::Board board;
  if (const int code = load_board(path, json, "board", board); code != kOk) {
    return code;
  }
  const std::string arguments = plan::isolation_arguments(board);
  if (isolation) {
    print("%s\n", arguments.c_str());
  } else if (json) {
    std::string text;
    Json out(text);
    out.begin_object().member("title", std::string_view(board.title));
    out.member("machine", std::string_view(board.machine));
    out.member("tested", std::string_view(board.tested)).member("cores", board.cores);
    out.member("batch_events", plan::batch_bound(board));
    out.member("kernel_arguments", std::string_view(arguments)).end_object();
    print_data("board", text);
  } else {
    print("%s (%s), %s\n%u cores of %s, batches of %u events\nkernel arguments: %s %s\n",
          board.title.c_str(), board.machine.c_str(), board.tested.c_str(), board.cores,
          board.cpu_model.c_str(), plan::batch_bound(board), arguments.c_str(),
          board.kernel_arguments.c_str());
  }
  return kOk;
}

int load_site(const SiteOptions& options, bool json, const std::string& schema, LoadedPlan& out) {
  auto content = platform::read_file(options.path, limits::kPlanBytes);
  if (!content) {
    return fail_file(json, schema, options.path, content.error());
  }
  std::vector<std::uint8_t> bytes = std::move(content).value();
  if (bytes.size() >= 8 && std::memcmp(bytes.data() + 4, "VDTP", 4) == 0) {
    out.bytes = std::move(bytes);
  } else {
    const std::string_view text = as_text(bytes);
    plan::Board board;
    if (!options.board.empty()) {
      if (const int code = load_board(options.board, json, schema, board); code != kOk) {
        return code;
      }
    }
    plan::Compiled compiled =
        plan::compile_site(text, options.environment, options.board.empty() ? nullptr : &board);
    if (!compiled.problems.empty()) {
      return report_problems(compiled.problems, options.path, text, json, schema);
    }
    out.bytes = std::move(compiled.buffer);
  }
  std::string error;
  out.plan = plan::load_plan(out.bytes, error);
  const char* const help = out.plan != nullptr ? "" : "compile the plan again from its site file";
  error = out.plan != nullptr ? node::image_problem(*out.plan) : error;
  return error.empty() ? kOk
                       : fail(json, schema, kBadData, "plan", options.path + ": " + error, help);
}

int show_plan(const SiteOptions& options, bool json) {
  LoadedPlan loaded;
  const int code = load_site(options, json, "plan", loaded);
  if (code != kOk) {
    return code;
  }
  if (json) {
    std::string text;
    Json out(text);
    plan_json(loaded, out);
    print_data("plan", text);
  } else {
    plan_text(loaded);
  }
  return kOk;
}

int compile(const SiteOptions& options, const std::string& out, bool json) {
  LoadedPlan loaded;
  const int code = load_site(options, json, "compile", loaded);
  if (code != kOk) {
    return code;
  }
  const int error = platform::write_file_durably(out, loaded.bytes);
  if (error != 0) {
    return fail(json, "compile", kIo, "io", out + ": " + platform::error_text(error));
  }
  if (json) {
    print_data("compile", "{\"bytes\":" + std::to_string(loaded.bytes.size()) + ",\"hash\":\"" +
                              hash_text(loaded) + "\"}");
  } else {
    print("%s: %zu bytes, sha256 %s\n", out.c_str(), loaded.bytes.size(),
          hash_text(loaded).c_str());
  }
  return kOk;
}

}  // namespace vedette::cli
