#include "node/node_time.hpp"

#include <algorithm>

namespace vedette::node {

void NodeTime::start(std::int64_t last_ns, std::vector<std::string>& without) {
  bool stepped = false;
  double speed = 1.0;
  for (const plan::Source* s : *rooms_.plan.sources()) {
    if (s->driver() == plan::DriverKind::recording) {
      stepped = stepped || s->max_speed();
      speed = s->speed();
    }
  }
  // The recording goes on where it stopped.
  const std::int64_t recorded_ns = rooms_.ingress.recorded_start_ns();
  const bool as_recorded = stepped || (rooms_.ingress.has_recordings() && recorded_ns != 0);
  const std::int64_t base_ns = as_recorded && recorded_ns != 0
                                   ? recorded_ns
                                   : keeper_.begin(platform::realtime_ns(), last_ns);
  live_ = !as_recorded && speed == 1.0;
  if (stepped) {
    rooms_.clock.start_stepped(std::max(base_ns, last_ns));
  } else {
    rooms_.clock.start_scaled(std::max(base_ns, last_ns), speed);
  }
  rooms_.ingress.set_node_start(base_ns);
  if (!keeper_.believed()) {
    rooms_.board.note(Cause::clock, true);
    without.push_back("the machine's clock: it " + keeper_.what());
  }
}

void NodeTime::look() {
  if (!live_) {
    return;
  }
  const std::int64_t node_ns = rooms_.clock.now_ns();
  const auto to_ns = keeper_.look(platform::realtime_ns(), node_ns, platform::monotonic_ns(),
                                  platform::realtime_is_synchronised());
  if (to_ns) {
    move_to(*to_ns, node_ns);
  }
  rooms_.board.note(Cause::clock, !keeper_.believed());
}

request::Answer NodeTime::admit(std::optional<std::int64_t> told_ns) {
  if (!live_) {
    return request::Refused{"this node takes its time from a recording; its time cannot be set"};
  }
  const std::int64_t time_ns = told_ns.value_or(platform::realtime_ns());
  const std::int64_t node_ns = rooms_.clock.now_ns();
  if (std::string problem = keeper_.admit(time_ns, node_ns); !problem.empty()) {
    return request::Refused{std::move(problem)};
  }
  move_to(time_ns, node_ns);
  rooms_.board.note(Cause::clock, !keeper_.believed());
  return request::TimeAccepted{time_ns};
}

void NodeTime::move_to(std::int64_t to_ns, std::int64_t node_ns) {
  rooms_.clock.go_on_by(sub_ns(to_ns, node_ns));
  commands_.post(Commands::of_kind(CommandKind::time, static_cast<std::uint64_t>(to_ns)));
}

}  // namespace vedette::node
