// Purpose: TCP sources with TLS: connects, secures, and hands the plain bytes to ingress over a
// pair of sockets. In: the plan's sources, the device keeper's connections. Out: bytes on the slots
// that ingress reads. Bound: kReads a turn; what ingress does not take waits, and then the server
// does. Fails as: a Trouble or errno in the slot; the device keeper connects again. Runs on: the
// main thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/ingress/ingress.hpp"
#include "model/plan_generated.h"
#include "node/wire.hpp"
#include "platform/device_keeper.hpp"

namespace vedette::node {

class SecureSources {
 public:
  static constexpr int kReads = 8;
  static constexpr std::int64_t kHandshakeNs = 10'000'000'000;  // at most

  // After ingress' init. Returns the error; empty on success.
  std::string init(const plan::Plan& plan, const ingress::Ingress& ingress,
                   platform::DeviceKeeper& devices, std::function<tls::Time()> time);
  void turn(std::int64_t now_ns);

 private:
  struct Link {
    Link(const plan::Source& s, tls::Profile p) : source(s), profile(std::move(p)) {}
    const plan::Source& source;
    tls::Profile profile;
    Wire wire;
    std::size_t slot = 0;     // of the connection
    std::size_t offered = 0;  // that ingress reads
    int fd = -1;
    std::int64_t began_ns = 0;
    platform::Fd out;           // our end of the pair
    std::string_view to_greet;  // not sent yet
    std::array<std::uint8_t, 8192> room{};
    std::size_t at = 0, end = 0;  // bytes of `room` not handed on yet
  };

  void turn(Link& link, std::int64_t now_ns);
  bool connected(Link& link, std::int64_t now_ns);
  static int move(Link& link);
  int offer(Link& link, std::int64_t now_ns);
  void lose(Link& link, int error);

  platform::DeviceKeeper* devices_ = nullptr;
  std::function<tls::Time()> time_;
  std::vector<std::unique_ptr<Link>> links_;
};

}  // namespace vedette::node
