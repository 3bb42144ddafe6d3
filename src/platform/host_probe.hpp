// Purpose: whether datagrams to a host have a way, as far as can be known without its help: an
// empty one to its discard port (RFC 863), and what comes back. In: its address. Out: 0, or why
// not. Bound: one datagram each time it is asked. Runs on: cold threads; never waits.
#pragma once

#include <cstdint>

#include "platform/file.hpp"
#include "platform/socket.hpp"

namespace vedette::platform {

class HostProbe {
 public:
  // A neighbour that answers no question for its hardware address is known after three seconds.
  static constexpr std::int64_t kAnswerNs = 5'000'000'000;

  explicit HostProbe(std::uint32_t address) : to_{address, 9} {}
  // To be asked once a second. EINPROGRESS until something came back, or nothing for kAnswerNs;
  // then 0, ENETUNREACH, EHOSTUNREACH...
  int look(std::int64_t now_ns);

 private:
  int send();

  Endpoint to_;
  Fd fd_;
  int error_ = 0;
  bool answered_ = false;
  std::int64_t since_ns_ = -1;  // nothing came back
};

}  // namespace vedette::platform
