// Purpose: from whom a source takes datagrams: the plan's networks. In: a sender, IPv4 in host
// order. Out: whether it is one of them. Bound: limits::kSenders, compared one by one.
// Runs on: the ingress thread.
#pragma once

#include <cstdint>

#include "model/plan_generated.h"

namespace vedette::ingress {

class Senders {
 public:
  using Networks = flatbuffers::Vector<const plan::Network*>;
  Senders() = default;
  explicit Senders(const Networks* networks) : networks_(networks) {}

  // False: everybody may send, and nobody needs to know who does.
  bool named() const { return networks_ != nullptr; }
  // A sender that is not known, as of IPv6, is none of them.
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
