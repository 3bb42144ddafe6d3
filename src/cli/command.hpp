// Purpose: shared by all commands: exit codes, the JSON envelope, loading a site or a plan.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "model/plan_generated.h"
#include "plan/board.hpp"
#include "plan/problem.hpp"
#include "platform/unpacked_file.hpp"

namespace vedette::node {
struct Health;
}

namespace vedette::cli {

// Published in docs/reference/cli.md; values after sysexits.h.
enum ExitCode : int {
  kOk = 0,
  kFound = 1,
  kUsage = 64,
  kBadData = 65,
  kNotFound = 66,
  kUnreachable = 69,
  kInternal = 70,
  kSystem = 71,
  kIo = 74,
  kTryLater = 75,
  kNotAllowed = 77,
  kConfiguration = 78,
};

using Json = JsonWriter<std::string>;

// An event's number as lists show it: 994, #994.
inline std::optional<std::uint64_t> event_number(std::string_view text) {
  text.remove_prefix(text.starts_with('#') ? 1 : 0);
  return parse_unsigned(text);
}

// {"schema":"vedette.NAME/1","ok":true,"data":…} on stdout.
void print_data(const std::string& schema, const std::string& data);
// Prints the envelope with ok:false when `json`, else text on stderr; returns `code`.
int fail(bool json, const std::string& schema, int code, const std::string& name,
         const std::string& message, const std::string& help = {});

// For a file of which only an errno is known: missing, not plain, or unreadable.
int fail_file(bool json, const std::string& schema, const std::string& path, int error);
int fail_unread(bool json, const std::string& schema, const std::string& path,
                const platform::Unread& unread);

struct LoadedPlan {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = nullptr;
};
struct SiteOptions {
  std::string path;
  std::string environment;
  std::string board;  // a board file; empty: none
};
// Loads a site file or a compiled plan. On failure prints the problem and returns its exit code.
int load_site(const SiteOptions& options, bool json, const std::string& schema, LoadedPlan& out);

// Prints every problem of a file, whose content is `text`; returns its exit code.
int report_problems(const std::vector<plan::Problem>& problems, const std::string& path,
                    std::string_view text, bool json, const std::string& schema);
// "" for a path without one.
std::string folder_of(const std::string& path);

struct RunCommand {
  SiteOptions site;
  std::string data;
  std::string recordings;
  std::string for_text;
  std::string speed;
  bool alerts = false;
  bool json = false;
  // For the first process of an image (node::RunOptions).
  std::function<void(const node::Health&)> each_second;
  std::function<std::string()> firmware_status;
  std::function<void()> before_ports;
  const std::atomic<bool>* network = nullptr;
  std::uint32_t least_epoch = 1;
  int watchdog = -1;
};
struct JournalCommand {
  std::string data = "vedette-data";
  std::string event;    // its number; for inspect and recover also a time
  std::string out;      // for recover
  SiteOptions site;     // for rehearse
  std::string picture;  // for explain
  bool bytes = false;   // for explain
  bool verify = false;
  std::string since, until, of;    // for journal and log
  std::vector<std::string> kinds;  // for journal
  bool follow = false;             // for journal and log
  bool rates = false;              // for log
  bool handover = false;           // for log
  bool json = false;
};

struct ScoreCommand {
  SiteOptions site;
  std::string recording, truth, svg;
  bool json = false;
};

int check(const SiteOptions& options, const std::string& recordings, bool json);
int show_plan(const SiteOptions& options, bool json);
int plan_against(const SiteOptions& options, const std::string& data, bool json);
int plan_threads(const SiteOptions& options, bool json);
int compile(const SiteOptions& options, const std::string& out, bool json);
// Names of the generated pages; main.cpp prints `cli`, because it knows the commands.
std::vector<std::string> doc_pages();
void docs(const std::string& page);
int run(const RunCommand& command);
// For a loaded plan.
int watch(const RunCommand& command, const LoadedPlan& loaded);
// As the first process of a machine; ends the machine.
int init();
int check_belief(const std::string& file, bool send);
int replay(const JournalCommand& command);
int journal(const JournalCommand& command);
int explain(const JournalCommand& command);
int inspect(const JournalCommand& command);
int recover(const JournalCommand& command);
int rehearse(const JournalCommand& command);
// `udp_port`: decodes only the capture's datagrams to it; 0: all.
int decode(const std::string& codec, const std::string& file, std::uint16_t udp_port, bool json);
int score(const ScoreCommand& command);
// `watch`: again each second, until interrupted.
int status(const std::string& data, bool watch, bool json);
// hold, resume, or cancel with the event's number.
// What a running node takes from a source, and why not the rest.
int show_source(const std::string& data, const std::string& name, bool json);
int operate(const std::string& data, const std::string& word, const std::string& event, bool json);
// `told` empty: uses the clock's time.
struct AlarmCommand {
  std::string data = "vedette-data";
  std::vector<std::string> what;  // an alarm's number, or kind and identity of a track
  std::string by, note, for_text;
  bool all = false, follow = false;
};
int alarms(const AlarmCommand& command, bool json);
int acknowledge(const AlarmCommand& command, bool json);
int shelve(const AlarmCommand& command, bool json);
int unshelve(const AlarmCommand& command, bool json);
int note(const AlarmCommand& command, bool json);
int watch_log(const JournalCommand& command);
int accept_time(const std::string& data, const std::string& told, bool json);
// list, show or requeue.
int deadletter(const JournalCommand& command, const std::string& word);
struct DoctorCommand {
  std::string sysroot, board;
  bool fix_plan = false;
  bool json = false;
};
int doctor(const DoctorCommand& command);
struct KeysCommand {
  std::string file;  // a request, an answer, a list, a backup; or a folder to make
  std::string data = "vedette-data";
  std::string ca;    // its folder; empty: this is a node
  std::string root;  // its folder
  std::string name, fleet, scope, out;
  std::vector<std::string> roles;
  std::int64_t days = 0;
  bool any_time = false;
  bool json = false;
};
struct LinkCommand {
  std::string address, ca, name, data;
  bool json = false;
};
// Does a TLS handshake and prints what was seen.
int link_probe(const LinkCommand& command);
// root, ca, node, enroll, restore, rotate, revoke, backup or show.
int keys(const KeysCommand& command, const std::string& word);
struct FlashCommand {
  std::string image, device;
  std::string log;  // empty: IMAGE.flash.log
  bool list = false;
  bool fixed = false;  // permits built-in disks
  bool json = false;
};
int flash(const FlashCommand& command);
struct UpdateCommand {
  std::string bundle;  // for install
  std::string disk;    // empty: the boot disk
  std::string key = "/etc/vedette/update.pem";
  std::string board = "/etc/vedette/board";
  std::uint32_t starts = 2;
  bool force = false;  // for rollback
  bool json = false;
};
// install, status, confirm or rollback.
int update(const UpdateCommand& command, const std::string& word);
// On a machine whose first process is this program: ends the watch in order and reboots.
int restart_machine(bool json);
// Whether the first process reboots when the watch has ended.
void ask_for_restart();
bool restart_wanted();
// Ends this process's watch in order.
void stop_watch();
int show_board(const std::string& path, bool isolation, bool json);
// Reads a board file; on failure prints the problem and returns its exit code.
int load_board(const std::string& path, bool json, const std::string& schema, plan::Board& out);

}  // namespace vedette::cli
