#include "platform/name_lookup.hpp"

#include <ares.h>
#include <poll.h>

#include <array>
#include <cerrno>

#include "base/trouble.hpp"

namespace vedette::platform {
namespace {

constexpr int kServerMs = 1000;  // for one name server's answer
constexpr int kTries = 2;

int error_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return 0;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
      return static_cast<int>(Trouble::unknown_name);
    case ARES_ENOMEM:
      return ENOMEM;
    default:
      return static_cast<int>(Trouble::no_name_server);
  }
}

}  // namespace

struct NameLookup::State {
  ares_channel channel = nullptr;
  int status = EINPROGRESS;
  ares_addrinfo* found = nullptr;

  static void on_answer(void* context, int status, int, ares_addrinfo* found) {
    auto& state = *static_cast<State*>(context);
    state.status = error_of(status);
    state.found = found;
  }
};

NameLookup::NameLookup(const std::string& host, std::uint16_t port, const std::string& name_servers,
                       std::int64_t now_ns)
    : state_(std::make_unique<State>()), begun_ns_(now_ns), port_(port) {
  ares_options options{};
  options.timeout = kServerMs;
  options.tries = kTries;
  const int begun =
      ::ares_init_options(&state_->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (begun != ARES_SUCCESS) {
    state_->channel = nullptr;
    state_->status = error_of(begun);
    return;
  }
  if (!name_servers.empty()) {
    ::ares_set_servers_ports_csv(state_->channel, name_servers.c_str());
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ::ares_getaddrinfo(state_->channel, host.c_str(), nullptr, &hints, State::on_answer,
                     state_.get());
}

NameLookup::~NameLookup() {
  if (state_->channel != nullptr) {
    ::ares_destroy(state_->channel);
  }
  if (state_->found != nullptr) {
    ::ares_freeaddrinfo(state_->found);
  }
}

int NameLookup::turn(std::int64_t now_ns) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  if (state_->status == EINPROGRESS) {
    const int used = ::ares_getsock(state_->channel, sockets.data(), ARES_GETSOCK_MAXNUM);
    for (unsigned i = 0; i < sockets.size(); ++i) {
      const bool reads = ARES_GETSOCK_READABLE(used, i);
      const bool writes = ARES_GETSOCK_WRITABLE(used, i);
      if (!reads && !writes) {
        break;
      }
      pollfd p{sockets[i], static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0};
      const bool ready = ::poll(&p, 1, 0) > 0;
      // Without a ready socket it looks at its own times.
      ::ares_process_fd(state_->channel, ready && reads ? sockets[i] : ARES_SOCKET_BAD,
                        ready && writes ? sockets[i] : ARES_SOCKET_BAD);
    }
  }
  if (state_->status == EINPROGRESS && now_ns - begun_ns_ >= kMostNs) {
    return static_cast<int>(Trouble::no_name_server);
  }
  const ares_addrinfo_node* node = state_->found == nullptr ? nullptr : state_->found->nodes;
  for (; node != nullptr && found_.size() < kMost; node = node->ai_next) {
    if (auto peer = peer_of(node->ai_addr, node->ai_addrlen)) {
      peer->port = port_;
      found_.push_back(*peer);
    }
  }
  return state_->status == 0 && found_.empty() ? static_cast<int>(Trouble::unknown_name)
                                               : state_->status;
}

}  // namespace vedette::platform
