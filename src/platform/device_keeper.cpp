#include "platform/device_keeper.hpp"

#include <algorithm>
#include <cerrno>

#include "base/check.hpp"
#include "base/text.hpp"
#include "base/trouble.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::platform {
namespace {

constexpr int kAcceptMost = 16;  // connections accepted in one turn

// Errors of this machine's network, which say nothing about the other end.
bool is_local(int error) {
  return error == ENETUNREACH || error == ENETDOWN || error == EADDRNOTAVAIL;
}

}  // namespace

DeviceKeeper::Slot& DeviceKeeper::new_slot(Kind kind) {
  CHECK(used_ < kSlots, "a slot for each line and connection");
  Slot& s = slots_[used_++];
  s.kind = kind;
  return s;
}

std::size_t DeviceKeeper::add(std::string device, std::uint32_t baud, bool blocking,
                              std::int64_t retry_ns) {
  Slot& s = new_slot(Kind::line);
  s.device = std::move(device);
  s.baud = baud;
  s.blocking = blocking;
  s.targets.retry_ns = retry_ns;
  return used_ - 1;
}

std::size_t DeviceKeeper::add_pipe(std::string path, std::int64_t retry_ns) {
  Slot& s = new_slot(Kind::pipe);
  s.device = std::move(path);
  s.targets.retry_ns = retry_ns;
  return used_ - 1;
}

std::size_t DeviceKeeper::add_can(std::string interface, std::int64_t retry_ns) {
  Slot& s = new_slot(Kind::can);
  s.device = std::move(interface);
  s.targets.retry_ns = retry_ns;
  return used_ - 1;
}

std::size_t DeviceKeeper::add_connection(Endpoint to, std::int64_t retry_ns,
                                         std::int64_t give_up_ns) {
  new_slot(Kind::sink).targets = {{platform::to_text(to)}, {}, retry_ns, give_up_ns};
  return used_ - 1;
}

std::size_t DeviceKeeper::add_targets(Targets targets) {
  Slot& s = new_slot(Kind::target);
  s.pause_ns = targets.retry_ns;
  s.targets = std::move(targets);
  return used_ - 1;
}

std::size_t DeviceKeeper::add_listener(Fd listener, std::size_t count, std::int64_t give_up_ns,
                                       std::function<bool(const Peer&)> allows) {
  const std::size_t first = used_;
  for (std::size_t i = 0; i < count; ++i) {
    new_slot(Kind::accepted);
  }
  Listener& l = listeners_.emplace_back();
  l.fd = std::move(listener);
  l.first = first;
  l.count = count;
  l.give_up_ns = give_up_ns;
  l.allows = std::move(allows);
  return first;
}

int DeviceKeeper::take(std::size_t slot) {
  Slot& s = slots_[slot];
  const int fd = s.state.load(std::memory_order_acquire);
  if (fd < 0) {
    return -1;
  }
  s.state.store(kTaken, std::memory_order_relaxed);
  s.opened = fd;
  const int taken = own_descriptor(fd);
  if (taken < 0) {
    s.error.store(errno, std::memory_order_relaxed);
    s.closing.store(fd, std::memory_order_release);
    want(slot);
  }
  return taken;
}

void DeviceKeeper::give_back(std::size_t slot, int fd) {
  drop_own_descriptor(fd);
  slots_[slot].closing.store(slots_[slot].opened, std::memory_order_release);
}

void DeviceKeeper::break_off(std::size_t slot) {
  if (const Slot& s = slots_[slot]; s.live >= 0 && s.kind >= Kind::sink) {
    shut_down(s.live);
  }
}

bool DeviceKeeper::offer(std::size_t slot, Fd& fd, const Peer& peer, std::int64_t now_ns) {
  Slot& s = slots_[slot];
  if (s.state.load(std::memory_order_acquire) != kWanted) {
    return false;
  }
  s.peer = peer;
  publish(s, std::move(fd), now_ns);
  return true;
}

DeviceKeeper::TurnedAway DeviceKeeper::turned_away(std::size_t first_slot) const {
  for (const Listener& l : listeners_) {
    if (l.first == first_slot) {
      return l.turned_away;
    }
  }
  return {};
}

std::uint64_t DeviceKeeper::dropped(std::size_t slot) const {
  const Slot& s = slots_[slot];
  return s.dropped + (s.live >= 0 ? dropped_by_system(s.live) : 0);
}

void DeviceKeeper::publish(Slot& s, Fd fd, std::int64_t now_ns) {
  s.error.store(0, std::memory_order_relaxed);
  s.connected_ns = now_ns;
  s.live = fd.release();
  s.state.store(s.live, std::memory_order_release);
}

void DeviceKeeper::closed(Slot& s, int fd, std::int64_t now_ns) {
  if (s.kind == Kind::can) {
    s.dropped += dropped_by_system(fd);
  }
  if (s.live != fd) {
    return;  // another one is open already
  }
  s.live = -1;
  if (s.kind >= Kind::target) {
    shut_down(fd);  // a thread that took a copy of the table as it began may hold one of it
  }
  if (s.kind != Kind::target) {
    return;
  }
  if (now_ns - s.connected_ns >= kSteadyNs) {
    s.pause_ns = s.targets.retry_ns;
    s.target = 0;
    s.found.clear();
  } else {
    next_target(s, 0, now_ns);
  }
  s.next_ns = std::max(s.next_ns, now_ns + s.targets.retry_ns);
}

void DeviceKeeper::tend(std::int64_t now_ns, bool network) {
  for (std::size_t i = 0; i < used_; ++i) {
    Slot& s = slots_[i];
    if (Fd old(s.closing.exchange(-1, std::memory_order_acq_rel)); old.valid()) {
      closed(s, old.get(), now_ns);
      if (s.kind == Kind::pipe) {
        s.before = std::move(old);
        s.next_ns = now_ns;
      }
    }
    const bool needs_network = s.kind == Kind::sink || s.kind == Kind::can;
    if (s.state.load(std::memory_order_acquire) == kWanted && (!needs_network || network)) {
      tend(s, now_ns);
    }
  }
  for (Listener& l : listeners_) {
    accept(l, now_ns);
  }
}

void DeviceKeeper::tend(Slot& s, std::int64_t now_ns) {
  if (s.kind == Kind::accepted || (now_ns < s.next_ns && !s.connecting.valid())) {
    return;
  }
  auto opened = s.kind <= Kind::can ? open(s) : connect(s, now_ns);
  if (!opened && opened.error() == EINPROGRESS) {
    return;
  }
  if (opened) {
    s.next_ns = now_ns + s.targets.retry_ns;
    publish(s, std::move(opened).value(), now_ns);
  } else if (s.kind != Kind::target) {
    s.next_ns = now_ns + s.targets.retry_ns;
    s.error.store(opened.error(), std::memory_order_relaxed);
  } else if (!next_target(s, opened.error(), now_ns)) {
    s.error.store(opened.error(), std::memory_order_relaxed);
  }
}

Result<Fd, int> DeviceKeeper::open(Slot& s) {
  if (s.kind == Kind::line) {
    return open_serial(s.device, s.baud, s.blocking);
  }
  if (s.kind == Kind::can) {
    return open_can(s.device);
  }
  if (s.device == "-") {
    return open_standard_input();
  }
  if (!s.connecting.valid()) {
    auto opened = open_pipe(s.device);
    if (!opened) {
      return opened;
    }
    s.connecting = std::move(opened).value();
    s.before = Fd();
  }
  if (!has_input(s.connecting.get())) {
    s.error.store(static_cast<int>(Trouble::no_writer), std::memory_order_relaxed);
    return Failure{EINPROGRESS};
  }
  // poll(), and with it io_uring, shows a reader the end only of writers that came after it was
  // opened; this one's may have gone before.
  static_cast<void>(open_for_writing(s.device));
  make_blocking(s.connecting.get());  // io_uring waits for it
  return std::move(s.connecting);
}

// False after the last target: then follows a pause.
bool DeviceKeeper::next_target(Slot& s, int error, std::int64_t now_ns) {
  if (s.found.empty()) {
    ++s.target;
  }
  if (s.target < s.targets.to.size()) {
    s.next_ns = now_ns;
    return true;
  }
  s.target = 0;
  s.next_ns = now_ns + s.pause_ns;
  if (!is_local(error)) {
    s.pause_ns = std::min(2 * s.pause_ns, std::max(kPauseMostNs, s.targets.retry_ns));
  }
  return false;
}

// Finds the target's addresses; EINPROGRESS until the name servers have answered.
int DeviceKeeper::look_up(Slot& s, std::int64_t now_ns) {
  const std::string& to = s.targets.to[s.target];
  if (const auto peer = parse_peer(to)) {
    s.found.push_back(*peer);
    return 0;
  }
  if (!s.lookup) {
    const std::size_t colon = to.rfind(':');
    const auto port = parse_unsigned(std::string_view(to).substr(colon + 1));
    s.lookup = std::make_unique<NameLookup>(
        to.substr(0, colon), static_cast<std::uint16_t>(port.value_or(0)), name_servers_, now_ns);
  }
  const int error = s.lookup->turn(now_ns);
  if (error != EINPROGRESS) {
    s.found = std::move(s.lookup->found());
    s.lookup.reset();
  }
  return error;
}

// EINPROGRESS until connected.
Result<Fd, int> DeviceKeeper::connect(Slot& s, std::int64_t now_ns) {
  if (!s.connecting.valid()) {
    if (s.found.empty()) {
      if (const int error = look_up(s, now_ns); error != 0) {
        return Failure{error};
      }
    }
    s.peer = s.found.front();
    s.found.erase(s.found.begin());
    auto begun = begin_connection(s.peer, s.targets.give_up_ns);
    if (!begun) {
      return begun;
    }
    s.connecting = std::move(begun).value();
    s.next_ns = now_ns + kConnectNs;
  }
  int error = connection_error(s.connecting.get());
  if (error == EINPROGRESS && now_ns < s.next_ns) {
    return Failure{EINPROGRESS};
  }
  Fd fd = std::move(s.connecting);
  if (error == 0 && !s.targets.greeting.empty()) {
    error = send_now(fd.get(), as_bytes(s.targets.greeting));
  }
  return error == 0 ? Result<Fd, int>(std::move(fd))
                    : Result<Fd, int>(Failure{error == EINPROGRESS ? ETIMEDOUT : error});
}

void DeviceKeeper::accept(Listener& listener, std::int64_t now_ns) {
  for (int i = 0; i < kAcceptMost; ++i) {
    Peer from;
    auto accepted = accept_tcp(listener.fd.get(), listener.give_up_ns, from);
    if (!accepted) {
      return;
    }
    if (!listener.allows(from)) {
      ++listener.turned_away.strangers;
      continue;
    }
    const auto begin = slots_.begin() + static_cast<std::ptrdiff_t>(listener.first);
    const auto end = begin + static_cast<std::ptrdiff_t>(listener.count);
    const auto free = std::find_if(begin, end, [](const Slot& s) {
      return s.state.load(std::memory_order_acquire) == kWanted;
    });
    if (free == end) {
      ++listener.turned_away.full;
      continue;
    }
    free->peer = from;
    publish(*free, std::move(accepted).value(), now_ns);
  }
}

}  // namespace vedette::platform
