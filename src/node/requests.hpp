// Purpose: a running node's answers to the requests of model/request.hpp. In: one line. Out: one
// line. Runs on: main; waits at most for a command's result.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "node/engine_thread.hpp"
#include "node/node_time.hpp"
#include "node/recovery.hpp"
#include "node/rights.hpp"
#include "node/status.hpp"

namespace vedette::node {

class Requests {
 public:
  static constexpr std::uint64_t kDenied = 10;  // refused commands recorded a second

  Requests(Rooms& rooms, const Recovery& folder, StatusPage& status, const EngineThread& engine,
           const Journalling& journalling, Commands& commands, NodeTime& time, const Rights& rights)
      : rooms_(rooms),
        folder_(folder),
        status_(status),
        engine_(engine),
        journalling_(journalling),
        commands_(commands),
        time_(time),
        rights_(rights) {}

  std::string answer(std::string_view line, const platform::Account& who);

 private:
  struct Answering;  // one overload a request
  request::Answer requeue(std::uint64_t sequence);
  request::Answer deny(const request::Request& asked, const platform::Account& who, Right right);
  request::Answer alarms();

  Rooms& rooms_;
  const Recovery& folder_;
  StatusPage& status_;
  const EngineThread& engine_;
  const Journalling& journalling_;
  Commands& commands_;
  NodeTime& time_;
  const Rights& rights_;
  std::int64_t second_ns_ = 0;
  std::uint64_t denied_ = 0;  // within that second
};

}  // namespace vedette::node
