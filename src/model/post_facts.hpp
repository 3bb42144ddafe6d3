// Purpose: the belief about the node's own sinks and about the node itself.
#pragma once

#include <array>
#include <cstdint>

#include "model/cause.hpp"
#include "model/derived.hpp"

namespace vedette {

struct SinkFacts {
  std::int64_t success_ns = 0;  // node time of the last success, or of the first start
  std::uint64_t waiting = 0;    // orders under way or waiting
  std::uint32_t failures = 0;   // consecutive
  BreakerState breaker = BreakerState::closed;
};

struct NodeFacts {
  Causes causes;
  std::array<std::int64_t, kCauseKinds> since_ns{};  // of each that stands
};

}  // namespace vedette
