#include "node/broker_links.hpp"

#include <cerrno>

#include "base/text.hpp"
#include "platform/file.hpp"
#include "platform/random.hpp"
#include "platform/socket.hpp"

namespace vedette::node {
namespace {

constexpr std::size_t kPasswordBytes = 1024;

std::string client_name() {
  std::string name = "vedette";
  append_hex(name, platform::random_bits().value_or(0));
  return name;
}

}  // namespace

std::string BrokerLinks::init(const plan::Plan& plan, const ingress::Ingress& ingress,
                              platform::DeviceKeeper& devices, std::function<tls::Time()> time) {
  devices_ = &devices;
  time_ = std::move(time);
  for (std::size_t i = 0; i < plan.sources()->size(); ++i) {
    const plan::Source& s = *plan.sources()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (s.driver() != plan::DriverKind::mqtt || ingress.isolated(i)) {
      continue;
    }
    mqtt::Options options;
    options.client = client_name();
    options.user = s.user()->str();
    options.keepalive_ns = limits::kKeepaliveNs;
    options.wanted.qos = s.qos();
    for (const auto* topic : *s.topics()) {
      options.wanted.topics.push_back(topic->str());
    }
    if (const std::string path = s.password_file()->str(); !path.empty()) {
      const auto text = platform::read_text_file(path, kPasswordBytes);
      if (!text) {
        return "source " + s.name()->str() + ": cannot read the password file " + path;
      }
      options.password = text->substr(0, text->find_first_of("\r\n"));
    }
    platform::DeviceKeeper::Targets targets;
    for (const auto* to : *s.to()) {
      targets.to.push_back(to->str());
    }
    targets.retry_ns = s.retry_ns();
    targets.give_up_ns = limits::kKeepaliveNs;
    auto link = std::make_unique<Link>(s, std::move(options));
    if (s.tls()) {
      auto profile = profile_of(s);
      if (!profile) {
        return profile.error();
      }
      link->profile = std::move(profile).value();
    }
    link->slot = devices.add_targets(std::move(targets));
    link->offered = ingress.slot(i);
    devices.want(link->slot);
    links_.push_back(std::move(link));
  }
  return {};
}

void BrokerLinks::turn(std::int64_t now_ns) {
  for (const auto& link : links_) {
    turn(*link, now_ns);
  }
}

void BrokerLinks::turn(Link& link, std::int64_t now_ns) {
  if (!connected(link, now_ns)) {
    return;
  }
  link.client.turn(now_ns);
  int error = 0;
  for (int i = 0; i < kReads && error == 0 && link.client.trouble() == 0; ++i) {
    error = read(link, now_ns);
  }
  error = error == EAGAIN ? 0 : error;
  if (const std::string_view bytes = link.client.to_send(); !bytes.empty() && error == 0) {
    const std::int64_t sent = link.wire.write(as_bytes(bytes));
    if (sent >= 0) {
      link.client.sent(static_cast<std::size_t>(sent));
    } else if (sent != -EAGAIN) {
      error = static_cast<int>(-sent);
    }
  }
  if (error == 0 && link.client.subscribed() && !link.out.valid()) {
    error = offer(link, now_ns);
  }
  error = link.client.trouble() != 0 ? link.client.trouble() : error;
  if (error != 0) {
    lose(link, error);
  }
}

bool BrokerLinks::connected(Link& link, std::int64_t now_ns) {
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
  link.wire.begin(link.fd, link.profile ? &*link.profile : nullptr,
                  server_name_of(link.source, target), time_());
  link.client.begin(now_ns);
  link.at = link.end = 0;
  link.waiting = {};
  return true;
}

// Reads and hands on; 0, EAGAIN when there is nothing more to do now, or why the connection ends.
int BrokerLinks::read(Link& link, std::int64_t now_ns) {
  for (;;) {
    if (!link.waiting.topic.empty()) {
      if (!deliver(link)) {
        return EAGAIN;
      }
      link.waiting = {};
      link.client.taken();
    }
    const Bytes rest(link.room.data() + link.at, link.end - link.at);
    const std::size_t used = link.client.feed(rest, now_ns, link.waiting);
    link.at += used;
    if (link.client.trouble() != 0 || (used == 0 && !rest.empty())) {
      return EAGAIN;
    }
    if (link.waiting.topic.empty() && link.at == link.end) {
      break;
    }
  }
  const std::int64_t got = link.wire.read(link.room);
  link.at = 0;
  link.end = got > 0 ? static_cast<std::size_t>(got) : 0;
  return got > 0 ? 0 : got == 0 ? static_cast<int>(Trouble::closed) : static_cast<int>(-got);
}

// False when ingress does not take it now. One without a payload says nothing, and would look like
// the end of the connection. One that is too long is refused by ingress, which counts it.
bool BrokerLinks::deliver(Link& link) {
  if (link.waiting.payload.empty() || !link.out.valid()) {
    return link.waiting.payload.empty();
  }
  const int error = platform::send_now(link.out.get(), link.waiting.payload);
  if (error != 0 && error != EAGAIN) {
    link.out = platform::Fd();  // ingress gave its end back, and gets another
  }
  return error == 0;
}

int BrokerLinks::offer(Link& link, std::int64_t now_ns) {
  platform::Fd ours, theirs;
  if (const int error = platform::open_pair(ours, theirs); error != 0) {
    return error;
  }
  if (devices_->offer(link.offered, theirs, devices_->peer(link.slot), now_ns)) {
    link.out = std::move(ours);
  }
  return 0;
}

void BrokerLinks::lose(Link& link, int error) {
  devices_->explain(link.offered, error);
  link.out = platform::Fd();  // after the reason: ingress sees the end and reads it
  link.waiting = {};
  link.wire.end();
  devices_->give_back(link.slot, link.fd);
  link.fd = -1;
  devices_->want(link.slot);
}

}  // namespace vedette::node
