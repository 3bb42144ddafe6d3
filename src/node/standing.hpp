// Purpose: which causes keep a node from being whole and since when; the mode is the worst of what
// they stand for. One line for each that comes or goes.
// In: what the engine publishes and what the node sees around it, once a turn. Out: status, lines.
// Bound: one entry for each kind of cause, source and sink; a line of one entry once a second.
// Runs on: the main thread.
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
  std::string detail;  // what was seen; may be empty
};

class CauseBook {
 public:
  struct Seen {
    Causes causes;              // those that have no name of their own
    std::uint64_t sources = 0;  // by place in the plan: those that are not heard
    std::uint64_t sinks = 0;    // those that take nothing
  };

  void init(const plan::Plan& plan);
  // `detail` is asked for what a line says beside the cause itself.
  void look(const Seen& seen, std::int64_t now_ns, std::int64_t monotonic_ns,
            const std::function<std::string(Cause, std::size_t)>& detail,
            const std::function<void(const CauseLine&)>& say);

  Standing standing() const;
  struct Lasting {
    std::string_view name, means;
  };
  std::vector<Lasting> lasting() const;
  // What `status` says: "mode" and "causes".
  void members(JsonWriter<std::string>& json) const;

 private:
  struct Entry {
    std::string name;
    Cause cause;
    std::size_t index;  // of the source or sink
    bool there = false;
    bool said = false;  // as the last line says
    std::int64_t since_ns = 0;
    std::int64_t changed_ns = 0;  // monotonic
    std::int64_t said_ns = 0;
  };

  std::vector<Entry> entries_;
};

// As it is given away once a second.
struct Health {
  const CauseBook& causes;
  std::uint64_t sinks_out;  // by place in the plan: no line or connection to it is open
};

}  // namespace vedette::node
