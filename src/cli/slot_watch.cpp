#include "cli/slot_watch.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"
#include "platform/machine.hpp"
#include "platform/signature.hpp"

namespace vedette::cli {
namespace {

// Watching this long counts as a successful start; a version that ends sooner three times in a row
// gives way to the other slot.
constexpr double kUpAfterS = 10.0;
constexpr std::int64_t kProbePauseNs = 500'000'000;

void say(std::string_view what, std::string_view text) {
  if (text.empty()) {
    return;
  }
  std::string line;
  JsonWriter<std::string> json(line);
  json.begin_object().member("kind", "init").member(what, text).end_object();
  print_error("%s\n", line.c_str());
}

void say_trial(std::string_view end, std::uint64_t version) {
  std::string line;
  JsonWriter<std::string> json(line);
  json.begin_object().member("kind", "init").member("trial", end);
  json.member("version", version).end_object();
  print_error("%s\n", line.c_str());
}

double seconds(std::int64_t ns) {
  return static_cast<double>(ns) * 1e-9;
}

const plan::Sink& sink_at(const plan::Plan& plan, std::size_t index) {
  return *plan.sinks()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

}  // namespace

SinkProbes::SinkProbes(const plan::Plan& plan) {
  for (std::size_t s = 0; s < plan.sinks()->size(); ++s) {
    const plan::Sink& sink = sink_at(plan, s);
    if (sink.kind() == plan::SinkKind::udp) {
      probes_.emplace_back("sink." + sink.name()->str(), platform::HostProbe(sink.address()));
    }
  }
}

bool SinkProbes::look(std::int64_t now_ns, std::vector<firmware::Lack>& lacks) {
  bool known = true;
  for (auto& [name, probe] : probes_) {
    const int error = probe.look(now_ns);
    known = known && error != EINPROGRESS;
    if (error != 0) {
      lacks.push_back({name, error == EINPROGRESS ? std::string("its host has not answered yet")
                                                  : platform::error_text(error)});
    }
  }
  return known;
}

std::string lacks_of_this_post(const plan::Plan& plan) {
  SinkProbes probes(plan);
  std::vector<firmware::Lack> lacks;
  while (!probes.look(platform::monotonic_ns(), lacks)) {
    lacks.clear();
    platform::rest_ns(kProbePauseNs);
  }
  return platform::read_text_file(kLacksNow, 1 << 16).value_or("") + firmware::names_of(lacks);
}

SlotWatch::SlotWatch(const plan::Plan& plan, std::string interfaces)
    : plan_(plan),
      interfaces_(std::move(interfaces)),
      probes_(plan),
      trial_(seconds(plan.limits()->trial_ns()), seconds(plan.limits()->trial_within_ns())),
      health_(seconds(plan.limits()->trial_ns()), std::numeric_limits<double>::infinity()) {}

bool SlotWatch::open() {
  const auto path = firmware::own_disk();
  const std::string problem =
      path ? disk_.open(*path, true) : "this machine has no slots: no partition vedette-state";
  const auto state = problem.empty() ? disk_.read_state() : std::nullopt;
  if (!state) {
    say("slots", problem.empty() ? "the boot state is damaged" : problem);
    return false;
  }
  state_writes_ = state->sequence;
  on_trial_ = state->trial < VEDETTE_SLOTS && state->trial == state->started;
  last_resort_ = !on_trial_ && state->started != state->confirmed;
  if (on_trial_) {
    version_ = state->trial_version;
    // A fault from the kernel's command line, planted by the rig.
    const char* fault = std::getenv("VEDETTE_FAULT");
    const auto key = fault != nullptr && std::string_view(fault) == "no-key"
                         ? std::nullopt
                         : platform::read_text_file("/etc/vedette/update.pem", 1 << 16);
    const firmware::SlotFacts before = disk_.read_facts(state->confirmed);
    if (!(before.told && before.update_key.empty()) && !platform::is_update_key(key.value_or(""))) {
      no_updates_ = key ? "its update key is not a public key on P-256" : "it has no update key";
    }
  }
  return true;
}

std::string SlotWatch::status_json() const {
  return firmware::status_json(disk_, platform::read_text_file(kRefused, 4096).value_or(""));
}

std::vector<firmware::Lack> SlotWatch::lacks_of(const node::Health& health, std::int64_t now_ns) {
  std::vector<firmware::Lack> lacks;
  if (on_trial_ && !no_updates_.empty()) {
    lacks.push_back({"updates", no_updates_});
  }
  for (const node::CauseBook::Lasting& cause : health.causes.lasting()) {
    lacks.push_back({std::string(cause.name), std::string(cause.means)});
  }
  std::string_view rest = interfaces_;
  while (!rest.empty()) {
    const std::string line(next_field(rest, '\n'));
    if (!platform::has_link(line)) {
      lacks.push_back({"network", "no link at " + line.substr(0, line.find(' '))});
    }
  }
  for (std::size_t s = 0; s < plan_.sinks()->size(); ++s) {
    if ((health.sinks_out >> s & 1) != 0) {
      lacks.push_back({"sink." + sink_at(plan_, s).name()->str(), "it cannot be reached"});
    }
  }
  if (on_trial_) {
    probes_.look(now_ns, lacks);
  }
  return lacks;
}

void SlotWatch::judge_trial(const std::vector<firmware::Lack>& lacks, double now_s) {
  const std::string problem = firmware::first_beyond(lacks, before_);
  if (!wrote_ || problem != written_) {
    wrote_ = platform::write_file_durably(kTrialProblem, as_bytes(problem)) == 0;
    written_ = problem;
  }
  switch (trial_.look(now_s, problem)) {
    case firmware::Trial::Verdict::waits:
      return;
    case firmware::Trial::Verdict::confirmed:
      // An operator may have confirmed or rolled back meanwhile.
      if (const auto state = disk_.read_state(); state && state->trial == state->started) {
        if (const std::string wrong = firmware::confirm(disk_); !wrong.empty()) {
          say("trial", wrong);
          return;  // retries a second later
        }
        say_trial("confirmed", version_);
      }
      on_trial_ = false;
      up_ = well_ = true;
      wrote_ = false;
      return;
    case firmware::Trial::Verdict::gives_up:
      say_trial("not healthy in time; the version before starts again", version_);
      say("why", trial_.problem());
      say("slots", firmware::roll_back(disk_, VEDETTE_TRIAL_UNHEALTHY, trial_.problem()));
      ask_for_restart();
      stop_watch();
      over_ = true;
      return;
  }
}

void SlotWatch::note_confirmed(const node::Health& health, const std::vector<firmware::Lack>& lacks,
                               double now_s) {
  const std::string names = firmware::names_of(lacks);
  if (!wrote_ || names != written_) {
    wrote_ = platform::write_file_durably(kLacksNow, as_bytes(names)) == 0;
    written_ = names;
  }
  if (!up_ && now_s - first_s_ >= kUpAfterS) {
    const std::string problem = firmware::came_up(disk_, false);
    say("slots", problem);
    up_ = problem.empty();
  }
  // An unplugged cable or an absent receiver is not the version's fault. A version that runs only
  // because the confirmed one cannot start must lack nothing.
  const bool whole = last_resort_ ? lacks.empty()
                                  : health.causes.standing() <= Standing::degraded &&
                                        names.find("journal\n") == std::string::npos;
  if (!well_ &&
      health_.look(now_s, whole ? "" : "not well") == firmware::Trial::Verdict::confirmed) {
    const std::string problem = firmware::came_up(disk_, true);
    say("slots", problem);
    up_ = well_ = problem.empty();
  }
}

void SlotWatch::look(const node::Health& health) {
  if (over_) {
    return;
  }
  const std::int64_t now_ns = platform::monotonic_ns();
  if (first_s_ < 0.0) {
    first_s_ = seconds(now_ns);
    const auto kept = platform::read_text_file(kLackedBefore, 1 << 16);
    before_ = firmware::names_before(kept ? *kept : std::string(), version_);
  }
  const std::vector<firmware::Lack> lacks = lacks_of(health, now_ns);
  if (on_trial_) {
    judge_trial(lacks, seconds(now_ns));
  } else {
    note_confirmed(health, lacks, seconds(now_ns));
  }
}

void SlotWatch::ended_in_order() {
  if (!on_trial_ && !up_ && disk_.device().fd() >= 0) {
    say("slots", firmware::came_up(disk_, false));
  }
}

}  // namespace vedette::cli
