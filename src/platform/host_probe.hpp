// Purpose: whether a host is reachable by datagrams, without its help: sends an empty one to its
// discard port (RFC 863) and reads the errors that come back. In: its address. Out: 0, or errno.
// Bound: one datagram per call. Runs on: cold threads; never waits.
#pragma once

#include <cstdint>

#include "platform/file.hpp"
#include "platform/socket.hpp"

namespace vedette::platform {

class HostProbe {
 public:
  // An unanswered ARP request is known after three seconds.
  static constexpr std::int64_t kAnswerNs = 5'000'000'000;

  explicit HostProbe(std::uint32_t address) : to_{address, 9} {}
  // Call once a second. EINPROGRESS until an answer, or silence for kAnswerNs; then 0, ENETUNREACH,
  // EHOSTUNREACH...
  int look(std::int64_t now_ns);

 private:
  int send();

  Endpoint to_;
  Fd fd_;
  int error_ = 0;
  bool answered_ = false;
  std::int64_t since_ns_ = -1;  // start of the silence
};

}  // namespace vedette::platform
