// Purpose: MQTT sources: subscribes at each broker and hands every publication to ingress as one
// datagram, over a pair of sockets. In: the plan's mqtt sources, the device keeper's connections.
// Out: datagrams on the slots that ingress reads. Bound: kReads a turn; one publication waits when
// ingress does not read, and then the broker does. Fails as: a Trouble or errno in the slot; the
// device keeper connects again. Runs on: the main thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/ingress/ingress.hpp"
#include "edge/mqtt/client.hpp"
#include "model/plan_generated.h"
#include "node/wire.hpp"
#include "platform/device_keeper.hpp"

namespace vedette::node {

class BrokerLinks {
 public:
  static constexpr int kReads = 8;

  // After ingress' init. Returns the error; empty on success.
  std::string init(const plan::Plan& plan, const ingress::Ingress& ingress,
                   platform::DeviceKeeper& devices, std::function<tls::Time()> time);
  void turn(std::int64_t now_ns);

 private:
  struct Link {
    Link(const plan::Source& s, mqtt::Options options) : source(s), client(std::move(options)) {}
    const plan::Source& source;
    mqtt::Client client;
    std::size_t slot = 0;     // of the connection
    std::size_t offered = 0;  // that ingress reads
    int fd = -1;
    std::optional<tls::Profile> profile;
    Wire wire;
    platform::Fd out;             // our end of the pair
    mqtt::Publication waiting{};  // without a topic: none
    std::array<std::uint8_t, 8192> room{};
    std::size_t at = 0, end = 0;  // bytes of `room` not fed yet
  };

  void turn(Link& link, std::int64_t now_ns);
  bool connected(Link& link, std::int64_t now_ns);
  int read(Link& link, std::int64_t now_ns);
  int offer(Link& link, std::int64_t now_ns);
  static bool deliver(Link& link);
  void lose(Link& link, int error);

  platform::DeviceKeeper* devices_ = nullptr;
  std::function<tls::Time()> time_;
  std::vector<std::unique_ptr<Link>> links_;
};

}  // namespace vedette::node
