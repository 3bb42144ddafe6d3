// Purpose: how the node fares: its causes, and the document of `vedette status`. In: what each
// thread publishes. Out: JSON, lines of causes, a snapshot a second. Runs on: main.
#pragma once

#include <functional>
#include <string>

#include "base/json.hpp"
#include "node/confinement.hpp"
#include "node/control.hpp"
#include "node/engine_thread.hpp"
#include "node/membership.hpp"
#include "node/mirror_watch.hpp"
#include "node/node_time.hpp"
#include "node/standing.hpp"

namespace vedette::node {

// What the document shows beside the rooms.
struct StatusOf {
  const Rooms& rooms;
  const EngineThread& engine;
  const Journalling& journalling;
  const StartReport& start;
  const NodeTime& time;
  const Control& control;
  const Confinement& confinement;
  const Membership& membership;
  std::function<std::string()> firmware;  // a JSON object; null: none
};

class StatusPage {
 public:
  // `say`: gets each cause that begins or ends; may be null.
  StatusPage(StatusOf of, std::function<void(const CauseLine&)> say)
      : of_(std::move(of)), say_(std::move(say)) {}

  // Before the threads run, after recovery.
  void begin(std::uint32_t epoch);
  // Once a turn.
  Causes look_at_causes();  // those that stand; `source` and `sink` for any of them
  std::string json();
  Health health() const;

 private:
  using Json = JsonWriter<std::string>;
  CauseBook::Seen seen() const;
  std::string detail(Cause cause, std::size_t index) const;
  void belief_members(Json& json) const;
  void table_members(Json& json) const;
  void thread_members(Json& json) const;
  void peer_members(std::size_t s, JsonWriter<std::string>& json) const;
  void source_members(std::size_t source, Json& json) const;
  void sink_members(std::size_t sink, Json& json) const;
  void journal_members(Json& json) const;

  StatusOf of_;
  std::function<void(const CauseLine&)> say_;
  CauseBook causes_;
  MirrorWatch mirror_watch_;
  std::uint32_t epoch_ = 0;
  bool held_at_start_ = false;
};

}  // namespace vedette::node
