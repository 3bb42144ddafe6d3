// Purpose: looks one host name up, by /etc/hosts and the name servers of /etc/resolv.conf, both
// read anew each time. In: begin(), then turn() until it ends. Out: addresses, the preferred first.
// Bound: kMostNs, kMost addresses. Fails as: Trouble or errno. Runs on: a warm thread; never waits
// for the network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/peer.hpp"

namespace vedette::platform {

class NameLookup {
 public:
  static constexpr std::int64_t kMostNs = 5'000'000'000;
  static constexpr std::size_t kMost = 8;

  // `name_servers`: "192.0.2.1:53,192.0.2.2" instead of the system's.
  NameLookup(const std::string& host, std::uint16_t port, const std::string& name_servers,
             std::int64_t now_ns);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // EINPROGRESS; then 0 with found(), or why there is none.
  int turn(std::int64_t now_ns);
  std::vector<Peer>& found() { return found_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::int64_t begun_ns_;
  std::uint16_t port_;
  std::vector<Peer> found_;
};

}  // namespace vedette::platform
