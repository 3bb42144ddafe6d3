#include "node/secure_sources.hpp"

#include <cerrno>

#include "base/trouble.hpp"
#include "platform/socket.hpp"

namespace vedette::node {

std::string SecureSources::init(const plan::Plan& plan, const ingress::Ingress& ingress,
                                platform::DeviceKeeper& devices, std::function<tls::Time()> time) {
  devices_ = &devices;
  time_ = std::move(time);
  for (std::size_t i = 0; i < plan.sources()->size(); ++i) {
    const plan::Source& s = *plan.sources()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (s.driver() != plan::DriverKind::tcp || !s.tls() || ingress.isolated(i)) {
      continue;
    }
    auto profile = profile_of(s);
    if (!profile) {
      return profile.error();
    }
    platform::DeviceKeeper::Targets targets;
    for (const auto* to : *s.to()) {
      targets.to.push_back(to->str());
    }
    targets.retry_ns = s.retry_ns();
    targets.give_up_ns = limits::kKeepaliveNs;
    auto link = std::make_unique<Link>(s, std::move(profile).value());
    link->slot = devices.add_targets(std::move(targets));
    link->offered = ingress.slot(i);
    devices.want(link->slot);
    links_.push_back(std::move(link));
  }
  return {};
}

void SecureSources::turn(std::int64_t now_ns) {
  for (const auto& link : links_) {
    turn(*link, now_ns);
  }
}

void SecureSources::turn(Link& link, std::int64_t now_ns) {
  if (!connected(link, now_ns)) {
    return;
  }
  int error = 0;
  for (int i = 0; i < kReads && error == 0; ++i) {
    error = move(link);
  }
  error = error == EAGAIN ? 0 : error;
  if (error == 0 && !link.wire.open() && now_ns - link.began_ns > kHandshakeNs) {
    error = static_cast<int>(Trouble::tls_silent);
  }
  // Ingress gives its end back after `silence`.
  if (std::uint8_t none = 0;
      error == 0 && link.out.valid() && platform::receive_now(link.out.get(), {&none, 1}) == 0) {
    error = static_cast<int>(Trouble::silent);
  }
  // The greeting waits for the handshake, and ingress for the greeting.
  if (error == 0 && !link.to_greet.empty()) {
    const std::int64_t sent = link.wire.write(as_bytes(link.to_greet));
    link.to_greet.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
    error = sent < 0 && sent != -EAGAIN ? static_cast<int>(-sent) : 0;
  }
  if (error == 0 && !link.out.valid() && link.wire.open()) {
    error = offer(link, now_ns);
  }
  if (error != 0) {
    lose(link, error);
  }
}

bool SecureSources::connected(Link& link, std::int64_t now_ns) {
  if (link.fd >= 0) {
    return true;
  }
  link.fd = devices_->take(link.slot);
  if (link.fd < 0) {
    if (const int error = devices_->last_error(link.slot); error != 0) {
      devices_->explain(link.offered, error);
    }
    return false;
  }
  const std::string& target = devices_->connected_to(link.slot);
  link.wire.begin(link.fd, &link.profile, server_name_of(link.source, target), time_());
  link.to_greet = link.source.greet()->string_view();
  link.at = link.end = 0;
  link.began_ns = now_ns;
  return true;
}

// Reads and hands on; 0, EAGAIN when there is nothing more to do now, or why the connection ends.
int SecureSources::move(Link& link) {
  if (link.at < link.end && link.out.valid()) {
    const std::int64_t wrote =
        platform::write_now(link.out.get(), Bytes(link.room.data() + link.at, link.end - link.at));
    if (wrote < 0) {
      return static_cast<int>(-wrote);
    }
    link.at += static_cast<std::size_t>(wrote);
  }
  if (link.at < link.end) {
    return EAGAIN;
  }
  const std::int64_t got = link.wire.read(link.room);
  link.at = 0;
  link.end = got > 0 ? static_cast<std::size_t>(got) : 0;
  return got > 0 ? 0 : got == 0 ? static_cast<int>(Trouble::closed) : static_cast<int>(-got);
}

int SecureSources::offer(Link& link, std::int64_t now_ns) {
  platform::Fd ours, theirs;
  if (const int error = platform::open_pair(ours, theirs, true); error != 0) {
    return error;
  }
  if (devices_->offer(link.offered, theirs, devices_->peer(link.slot), now_ns)) {
    link.out = std::move(ours);
  }
  return 0;
}

void SecureSources::lose(Link& link, int error) {
  devices_->explain(link.offered, error);
  link.out = platform::Fd();  // after the reason: ingress sees the end and reads it
  link.wire.end();
  devices_->give_back(link.slot, link.fd);
  link.fd = -1;
  devices_->want(link.slot);
}

}  // namespace vedette::node
