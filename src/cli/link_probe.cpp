// `vedette link probe`: a TLS handshake, and what was seen.
#include <cerrno>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/trust/store.hpp"
#include "node/wire.hpp"
#include "platform/clock.hpp"
#include "platform/device_keeper.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::cli {
namespace {

constexpr std::int64_t kProbeNs = 15'000'000'000;
constexpr std::int64_t kTurnNs = 2'000'000;

struct Means {
  tls::Profile profile;
  tls::Time time;
};

trust::Time time_of(const trust::Held& held) {
  return trust::Store::time(
      held, {platform::realtime_ns() / 1'000'000'000, platform::realtime_is_synchronised()});
}

Result<tls::Profile, std::string> said(Result<tls::Profile, tls::End> profile) {
  return profile ? Result<tls::Profile, std::string>(std::move(profile).value())
                 : Failure{profile.error().what};
}

Result<tls::Profile, std::string> fleet_profile(const trust::Held& held) {
  if (held.key.empty()) {
    return Failure{
        std::string("the data folder belongs to no fleet yet; `vedette keys node` begins")};
  }
  const auto own = trust::read_certificate(held.certificates);
  if (!own) {
    return Failure{own.error().what};
  }
  const trust::Time time = time_of(held);
  const trust::Rules rules{held.roots,   held.lists, own->identity.fleet, {}, time.now_s,
                           time.trusted, true};
  const auto judge = [rules](std::span<const Bytes> chain) {
    const auto judged = trust::judge(chain, rules);
    return judged ? std::string() : judged.error().what;
  };
  return said(tls::Profile::fleet(
      {tls::Profile::Side::client, held.certificates, held.key, held.roots, judge}));
}

// Without roots of its own the probe still shows what the server has.
Result<tls::Profile, std::string> outside_profile(const std::string& path) {
  const auto roots =
      path.empty() ? Result<std::string, trust::Problem>(std::string()) : trust::read_text(path);
  return roots ? said(tls::Profile::outside({*roots, {}, {}}))
               : Result<tls::Profile, std::string>(Failure{roots.error().what});
}

Result<Means, std::string> means_of(const LinkCommand& command) {
  trust::Held held;
  if (!command.data.empty()) {
    auto loaded = trust::Store(command.data + "/trust").load();
    if (!loaded) {
      return Failure{loaded.error().what};
    }
    held = std::move(loaded).value();
  }
  auto profile = command.data.empty() ? outside_profile(command.ca) : fleet_profile(held);
  const trust::Time time = time_of(held);
  return profile ? Result<Means, std::string>(
                       Means{std::move(profile).value(), {time.now_s, time.trusted}})
                 : Failure{profile.error()};
}

// Empty once the handshake is done; else why not.
std::string shake_hands(node::Wire& wire, std::int64_t until_ns) {
  std::array<std::uint8_t, 1024> none;
  while (platform::monotonic_ns() < until_ns) {
    const std::int64_t got = wire.read(none);
    if (!wire.session()->protocol().empty()) {
      return {};  // the server may have closed since
    }
    if (wire.session()->ended()) {
      return wire.session()->end().what;
    }
    if (got < 0 && got != -EAGAIN) {
      return platform::error_text(static_cast<int>(-got));
    }
    platform::rest_ns(kTurnNs);
  }
  return "the server does not answer the TLS handshake";
}

int show(const LinkCommand& command, const tls::Session& session, const std::string& problem) {
  const std::string cause(session.ended()   ? name_of(session.end().cause)
                          : problem.empty() ? ""
                                            : "silent");
  if (command.json) {
    std::string text;
    Json json(text);
    json.begin_object().member("open", problem.empty()).member("cause", std::string_view(cause));
    json.member("what", std::string_view(problem));
    json.member("protocol", std::string_view(session.protocol()));
    json.member("certificates", std::string_view(session.peer())).end_object();
    print_data("link", text);
  } else {
    print_text(problem.empty() ? session.protocol() + "\n"
                               : "refused (" + cause + "): " + problem + "\n");
    print_text(session.peer());
  }
  return problem.empty() ? kOk : kFound;
}

// The connection, or -1 with the error.
int connect(const LinkCommand& command, platform::DeviceKeeper& devices, std::int64_t until_ns,
            int& error) {
  const std::size_t slot = devices.add_targets({{command.address}, {}, kProbeNs, kProbeNs});
  devices.want(slot);
  int fd = -1;
  while ((fd = devices.take(slot)) < 0) {
    error = devices.last_error(slot);
    const bool busy = error == 0 || error == EINPROGRESS;
    if (!busy || platform::monotonic_ns() > until_ns) {
      error = busy ? ETIMEDOUT : error;
      return -1;
    }
    devices.tend(platform::monotonic_ns(), true);
    platform::rest_ns(kTurnNs);
  }
  return fd;
}

}  // namespace

int link_probe(const LinkCommand& command) {
  const auto means = means_of(command);
  if (!means) {
    return fail(command.json, "link", kBadData, "credentials", means.error());
  }
  const std::int64_t until_ns = platform::monotonic_ns() + kProbeNs;
  const auto devices = std::make_unique<platform::DeviceKeeper>();
  int error = 0;
  const int fd = connect(command, *devices, until_ns, error);
  if (fd < 0) {
    return fail(command.json, "link", kUnreachable, "unreachable",
                command.address + ": " + platform::error_text(error));
  }
  const std::string host = command.address.substr(0, command.address.rfind(':'));
  node::Wire wire;
  wire.begin(fd, &means->profile,
             !command.data.empty()  ? ""
             : command.name.empty() ? host
                                    : command.name,
             means->time);
  const std::string problem = shake_hands(wire, until_ns);
  return show(command, *wire.session(), problem);
}

}  // namespace vedette::cli
