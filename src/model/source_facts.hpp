// Purpose: what the node holds to be true of one of its sources.
#pragma once

#include <cstdint>

#include "model/derived.hpp"

namespace vedette {

struct SourceFacts {
  std::int64_t last_ns = 0;  // node time of the last accepted event, or of start
  std::uint64_t accepted = 0;
  std::uint64_t last_event = 0;  // sequence
  std::int64_t since_ns = 0;     // it was never silent for long since then
  SourceStatus status = SourceStatus::down;
  std::uint8_t reserved[7] = {};
};

}  // namespace vedette
