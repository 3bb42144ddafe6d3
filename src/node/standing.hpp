// Purpose: the causes that degrade a node, with their start; the mode is the worst that they imply.
// One line for each that begins or ends. In: what the engine publishes and the node sees around it,
// once a turn. Out: status, lines. Bound: one entry for each kind of cause, source and sink; at
// most one line a second for each entry. Runs on: the main thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "model/cause.hpp"
#include "model/plan_generated.h"

namespace vedette::node {

struct CauseLine {
  std::string_view name;
  const CauseFacts* facts;
  bool there;
  std::string detail;  // may be empty
};

class CauseBook {
 public:
  struct Seen {
    Causes causes;              // causes without a source or sink
    std::uint64_t sources = 0;  // silent ones, by index in the plan
    std::uint64_t sinks = 0;    // failing ones
  };

  void init(const plan::Plan& plan);
  // Calls `detail` for the rest of a line about a cause.
  void look(const Seen& seen, std::int64_t now_ns, std::int64_t monotonic_ns,
            const std::function<std::string(Cause, std::size_t)>& detail,
            const std::function<void(const CauseLine&)>& say);

  Standing standing() const;
  struct Lasting {
    std::string_view name, means;
  };
  std::vector<Lasting> lasting() const;
  // Adds "mode" and "causes" to `status`.
  void members(JsonWriter<std::string>& json) const;

 private:
  struct Entry {
    std::string name;
    Cause cause;
    std::size_t index;  // index of the source or sink
    bool there = false;
    bool said = false;  // state in the last line
    std::int64_t since_ns = 0;
    std::int64_t changed_ns = 0;  // monotonic
    std::int64_t said_ns = 0;
  };

  std::vector<Entry> entries_;
};

// Snapshot passed on once a second.
struct Health {
  const CauseBook& causes;
  std::uint64_t sinks_out;  // by index in the plan: no open line or connection
};

}  // namespace vedette::node
