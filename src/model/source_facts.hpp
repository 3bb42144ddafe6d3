// Purpose: the belief about one of the node's sources.
#pragma once

#include <cstdint>

#include "model/derived.hpp"

namespace vedette {

struct SourceFacts {
  std::int64_t last_ns = 0;  // node time of the last accepted event, or of start
  std::uint64_t accepted = 0;
  std::uint64_t last_event = 0;  // sequence
  std::int64_t since_ns = 0;     // start of the present span without long silence
  SourceStatus status = SourceStatus::down;
  std::uint8_t reserved[7] = {};
};

}  // namespace vedette
