#include "node/confinement.hpp"

#include "base/text.hpp"
#include "model/limits.hpp"
#include "platform/file.hpp"
#include "platform/peer.hpp"

namespace vedette::node {
namespace {

static_assert(platform::kDeniedSources >= limits::kSources &&
                  platform::kDeniedNameBytes >= limits::kNameBytes,
              "every source has its count");

constexpr std::uint16_t kNamePort = 53;
constexpr std::uint16_t kFirstFreePort = 1024;

std::uint16_t port_of(std::string_view to) {
  const auto port = parse_unsigned(to.substr(to.rfind(':') + 1));
  return static_cast<std::uint16_t>(port.value_or(0));
}

void add_source(const plan::Source& s, platform::SandboxNeeds& needs) {
  const bool pipe = s.driver() == plan::DriverKind::pipe;
  if ((pipe || s.driver() == plan::DriverKind::serial) && s.device()->str() != "-") {
    needs.devices.push_back(s.device()->str());
  }
  needs.can = needs.can || s.driver() == plan::DriverKind::can;
  const bool connects = s.driver() == plan::DriverKind::tcp || s.driver() == plan::DriverKind::mqtt;
  for (std::size_t i = 0; connects && s.to() != nullptr && i < s.to()->size(); ++i) {
    const std::string to = s.to()->Get(static_cast<flatbuffers::uoffset_t>(i))->str();
    needs.ports.push_back(port_of(to));
    needs.names = needs.names || !platform::parse_peer(to);
  }
}

// Finds privileged ports, and the packet library's.
void add_rights(const plan::Source& s, std::vector<StartRight>& rights) {
  const std::string name = "source." + s.name()->str();
  const bool tcp = s.driver() == plan::DriverKind::tcp && s.listen() != nullptr;
  const std::uint16_t port = s.driver() == plan::DriverKind::udp ? s.port()
                             : tcp                               ? port_of(s.listen()->str())
                                                                 : std::uint16_t{0};
  if (port != 0 && port < kFirstFreePort) {
    rights.push_back({"CAP_NET_BIND_SERVICE", name + " listens at port " + std::to_string(port)});
  }
  if (s.driver() == plan::DriverKind::dpdk) {
    rights.push_back({"CAP_NET_RAW", name + " takes frames from an Ethernet port"});
  }
}

std::string told(const platform::DeniedCall& last, bool isolated) {
  std::string text = "sandbox: the last run ended because its thread " + last.thread +
                     " tried the system call " + last.call + ", which it may not make";
  text += last.source.empty() ? "; no source was being decoded"
                              : " while it decoded source." + last.source;
  return text + (isolated ? ": the source is isolated now, after " + std::to_string(kDeniedMost) +
                                " such calls; see docs/explanation/trust.md"
                          : "; a decoder or the program is broken, or somebody tries to break in");
}

}  // namespace

std::string own_user(const plan::Plan& plan) {
  const plan::Sandbox* sandbox = plan.sandbox();
  return sandbox == nullptr || sandbox->user() == nullptr ? "" : sandbox->user()->str();
}

std::vector<StartRight> start_rights(const plan::Plan& plan) {
  std::vector<StartRight> rights;
  if (plan.cores()->priority() > 0) {
    rights.push_back({"CAP_SYS_NICE", "[cores] priority (or the limit `rtprio`)"});
  }
  rights.push_back({"CAP_IPC_LOCK", "locked memory (or the limit `memlock`)"});
  for (const plan::Source* source : *plan.sources()) {
    add_rights(*source, rights);
  }
  return rights;
}

platform::SandboxNeeds sandbox_needs(const plan::Plan& plan, const std::string& data) {
  platform::SandboxNeeds needs;
  needs.enforce = plan.sandbox() == nullptr || plan.sandbox()->enforce();
  needs.data = data;
  needs.fused = plan.cores()->fused();
  for (const plan::Source* source : *plan.sources()) {
    add_source(*source, needs);
  }
  for (const plan::Sink* sink : *plan.sinks()) {
    if (sink->kind() == plan::SinkKind::serial) {
      needs.devices.push_back(sink->device()->str());
    } else if (sink->kind() == plan::SinkKind::tcp) {
      needs.ports.push_back(sink->port());
    }
  }
  if (needs.names) {
    needs.ports.push_back(kNamePort);
  }
  return needs;
}

void Confinement::begin(const plan::Plan& plan, platform::SandboxNeeds needs, StartReport& report) {
  std::vector<std::string> sources;
  for (const plan::Source* source : *plan.sources()) {
    sources.push_back(source->name()->str());
  }
  platform::DeniedBefore before;
  const std::string path = needs.data + "/denied";
  if (const int error = platform::begin_denied_calls(path, VEDETTE_VERSION, sources, before);
      error != 0) {
    report.without.push_back("sandbox: " + path + ": " + platform::error_text(error) +
                             "; a denied call still ends the node, but the next start cannot say "
                             "which it was");
  }
  for (std::size_t s = 0; s < sources.size(); ++s) {
    isolated_ |= before.caused[s] >= kDeniedMost ? 1U << s : 0U;
    if (before.last && before.last->source == sources[s]) {
      report.found(Stage::denied_call, static_cast<std::uint64_t>(before.last->number),
                   told(*before.last, (isolated_ >> s & 1) != 0));
    }
  }
  if (before.last && before.last->source.empty()) {
    report.found(Stage::denied_call, static_cast<std::uint64_t>(before.last->number),
                 told(*before.last, false));
  }
  const bool enforce = needs.enforce;
  if (!platform::begin_sandbox(std::move(needs))) {
    off_ = "this build has none, because its sanitizer makes calls of its own";
  } else if (!enforce) {
    off_ = "[sandbox] enforce = false";
  }
  if (!off_.empty()) {
    report.without.push_back("sandbox: " + off_ +
                             "; a broken decoder may do whatever the node's user may");
    return;
  }
  tell_lacks(own_user(plan).empty(), report);
}

// What remains, although it should not.
void Confinement::tell_lacks(bool stays_root, StartReport& report) {
  if (const std::string foreign = platform::foreign_file(); !foreign.empty() && stays_root) {
    report.without.push_back(
        "sandbox capabilities: " + foreign +
        " belongs to another user, so main and the disk's threads keep CAP_DAC_OVERRIDE, by which "
        "root opens any file; let that user run the node, by [sandbox] user or its service");
  }
  const platform::SandboxState state = platform::sandbox_state();
  for (std::size_t i = 0; i < state.lacks.size(); ++i) {
    const auto& facts = platform::facts_of(static_cast<platform::SandboxPiece>(i));
    if (state.lacks[i] != 0) {
      report.without.push_back("sandbox " + std::string(facts.name) + ": this kernel has none (" +
                               platform::error_text(state.lacks[i]) + "); " +
                               std::string(facts.instead));
    }
  }
}

void Confinement::members(JsonWriter<std::string>& json) const {
  const platform::SandboxState state = platform::sandbox_state();
  if (!state.on) {
    json.member("off", std::string_view(off_.empty() ? "it has not begun" : off_));
    return;
  }
  for (std::size_t i = 0; i < state.lacks.size(); ++i) {
    const std::string_view name = platform::facts_of(static_cast<platform::SandboxPiece>(i)).name;
    if (state.lacks[i] == 0) {
      json.member(name, true);
    } else {
      json.member(name, std::string_view(platform::error_text(state.lacks[i])));
    }
  }
}

}  // namespace vedette::node
