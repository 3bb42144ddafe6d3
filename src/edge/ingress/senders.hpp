// Purpose: the networks from which a source accepts datagrams. In: a sender, IPv4 in host order.
// Out: whether it is allowed. Bound: limits::kSenders, compared one by one. Runs on: the ingress
// thread.
#pragma once

#include <cstdint>

#include "model/plan_generated.h"

namespace vedette::ingress {

class Senders {
 public:
  using Networks = flatbuffers::Vector<const plan::Network*>;
  Senders() = default;
  explicit Senders(const Networks* networks) : networks_(networks) {}

  // False: every sender is allowed, so it need not be known.
  bool named() const { return networks_ != nullptr; }
  // An unknown sender, such as IPv6, is not allowed.
  bool allow(std::uint32_t sender) const {
    for (flatbuffers::uoffset_t i = 0; i < networks_->size(); ++i) {
      const plan::Network* network = networks_->Get(i);
      if ((sender & network->mask()) == network->address()) {
        return true;
      }
    }
    return false;
  }

 private:
  const Networks* networks_ = nullptr;
};

}  // namespace vedette::ingress
