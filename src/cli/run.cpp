#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "model/describe_event.hpp"
#include "node/node.hpp"
#include "plan/plan.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"
#include "platform/line_writer.hpp"
#include "platform/machine.hpp"
#include "platform/socket.hpp"

namespace vedette::cli {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

namespace {

std::atomic<bool> g_stop{false};

void on_stop_signal(int) {
  g_stop.store(true, std::memory_order_relaxed);
}

node::RunOptions options_of(const RunCommand& command) {
  node::RunOptions options;
  options.data = command.data.empty() ? "vedette-data" : command.data;
  options.recordings =
      command.recordings.empty() ? folder_of(command.site.path) : command.recordings;
  options.stop = &g_stop;
  options.each_second = command.each_second;
  options.firmware_status = command.firmware_status;
  if (command.each_second) {  // an image's
    options.also_writes = {"/run", "/data"};
    options.also_reads = {"/sys", "/etc/vedette"};
  }
  options.before_ports = command.before_ports;
  options.network = command.network;
  options.least_epoch = command.least_epoch;
  options.watchdog = command.watchdog;
  options.echo_actions = command.alerts;
  return options;
}

// A running node's output as JSON lines: alerts on standard output, the rest on standard error.
class Lines {
 public:
  explicit Lines(const plan::Plan& plan) : plan_(plan) {}

  void attach(node::RunOptions& options, bool alerts) {
    options.on_log = [this, alerts](std::string_view text) {
      return (alerts ? out_ : err_).put(text);
    };
    options.on_event = [this](const EventHeader& event, Bytes payload) {
      return put([&](Json& json) { event_members(event, payload, plan_, json); });
    };
    options.on_node = [this](std::string_view member, std::string_view what) {
      put([&](Json& json) { json.member("kind", "node").member(member, what); });
    };
    options.on_finding = [this](std::string_view what) {
      put([&](Json& json) { json.member("kind", "journal").member("found", what); });
    };
    options.on_plan = [this](std::string_view what) {
      put([&](Json& json) { json.member("kind", "plan").member("carried", what); });
    };
    options.on_cause = [this](const node::CauseLine& change) {
      put([&](Json& json) { cause_members(change, json); });
    };
    options.flush = [this] {
      const bool all_out = out_.flush();
      return err_.flush() && all_out;
    };
  }

 private:
  template <typename Members>
  bool put(Members&& members) {
    line_.clear();
    Json json(line_);
    json.begin_object();
    members(json);
    json.end_object();
    line_ += '\n';
    return err_.put(line_);
  }
  static void cause_members(const node::CauseLine& change, Json& json) {
    json.member("kind", "cause").member("cause", change.name).member("there", change.there);
    if (change.there) {
      json.member("mode", name_of(change.facts->standing));
      if (!change.detail.empty()) {
        json.member("seen", std::string_view(change.detail));
      }
      json.member("means", change.facts->means).member("do", change.facts->remedy);
    }
  }

  const plan::Plan& plan_;
  platform::LineWriter out_{platform::kStandardOutput};
  platform::LineWriter err_{platform::kStandardError};
  std::string line_;  // reused, so that its memory is allocated
};

}  // namespace

void stop_watch() {
  g_stop.store(true, std::memory_order_relaxed);
}

int run(const RunCommand& command) {
  LoadedPlan loaded;
  const int code = load_site(command.site, command.json, "run", loaded);
  return code == kOk ? watch(command, loaded) : code;
}

int watch(const RunCommand& command, const LoadedPlan& loaded) {
  platform::bound_thread_stacks();
  node::RunOptions options = options_of(command);
  if (!command.for_text.empty()) {
    options.for_seconds = duration_seconds(command.for_text);
    if (options.for_seconds <= 0.0) {
      return fail(command.json, "run", kUsage, "usage",
                  "\"" + command.for_text + "\" is not a duration", "write 30s or \"5 min\"");
    }
  }
  // The thread that writes them also answers the control socket and feeds the watchdog.
  Lines lines(*loaded.plan);
  lines.attach(options, command.alerts);
  platform::catch_stop_signals(on_stop_signal);
  // Not on the stack: an image runs this on a thread with a small one.
  const auto node = std::make_unique<node::Node>(loaded.bytes, *loaded.plan, options);
  const node::Failure result = node->run();
  if (result.exit_code != 0) {
    return fail(command.json, "run", result.exit_code, "run", result.message);
  }
  if (command.json) {
    print_data("run", node->status_json());
  } else {
    print_error_text(node->status_json() + "\n");
  }
  return kOk;
}

}  // namespace vedette::cli
