// Recordings as sources: schedules their frames and takes them without loss.
#include <algorithm>
#include <limits>

#include "base/math.hpp"
#include "edge/ingress/ingress.hpp"

namespace vedette::ingress {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kFramesAStep = platform::Ring::kHarvest;
constexpr std::int64_t kIntervalNs = 100'000'000;  // where the site says none

std::int64_t interval_of(const plan::Source& source) {
  return source.interval_ns() != 0 ? source.interval_ns() : kIntervalNs;
}

}  // namespace

std::string Ingress::open_recording(Source& source, const std::string& folder) {
  const std::string name = source.plan->file()->str();
  const std::string path =
      name.empty() || name[0] == '/' || folder.empty() ? name : folder + "/" + name;
  auto content = read_recording(path);
  if (!content) {
    const bool absent = content.error().kind == platform::Unread::Kind::absent;
    unfit_ = content.error().kind == platform::Unread::Kind::unfit;
    return path + ": " + content.error().text +
           (absent ? " (name the folder of the recordings with --recordings)" : "");
  }
  Recording::Options options;
  options.format = static_cast<RecordingFormat>(source.plan->format());
  options.has_interval = source.plan->interval_ns() != 0;
  options.port = source.plan->udp_port();
  options.codec = source.decoder.kind();
  options.senders = source.senders;
  const std::string problem = source.recording.open(std::move(content).value(), path, options);
  unfit_ = !problem.empty();
  const std::string who = "source " + source.plan->name()->str();
  if (problem.empty() && !source.recording.has_times() && source.plan->interval_ns() == 0) {
    played_otherwise_.push_back(who +
                                ": its recording carries no times, a frame comes every 100 ms "
                                "(interval says otherwise)");
  } else if (problem.empty() && source.recording.has_times() && !source.recording.has_date()) {
    played_otherwise_.push_back(who + ": its recording carries times without a date");
  }
  return problem.empty() ? problem : path + ": " + problem;
}

// Recordings of one day or two share a clock: the earliest begins it. One of another time begins
// with it.
void Ingress::find_recorded_start() {
  std::int64_t reference_ns = 0;
  for (const auto& source : sources_) {
    const std::int64_t first_ns = dated_start_ns(*source);
    if (first_ns == 0) {
      continue;
    }
    const bool joins = !source->plan->align_start();
    recorded_start_ns_ = recorded_start_ns_ == 0 ? first_ns : recorded_start_ns_;
    if (joins && reference_ns == 0) {
      reference_ns = recorded_start_ns_ = first_ns;
    }
    source->on_clock = joins && recordings_together(reference_ns, first_ns);
    if (source->on_clock) {
      recorded_start_ns_ = std::min(recorded_start_ns_, first_ns);
    } else if (joins) {
      played_otherwise_.push_back(
          "source " + source->plan->name()->str() +
          ": recorded at another time than the first recording, it starts together "
          "with it (align = \"start\" says so)");
    }
  }
}

// 0 for a source that is no recording with dates.
std::int64_t Ingress::dated_start_ns(Source& source) {
  return source.driver == plan::DriverKind::recording && source.recording.has_date()
             ? source.recording.first_ns()
             : 0;
}

void Ingress::set_node_start(std::int64_t ns) {
  node_start_ns_ = ns;
  for (const auto& source : sources_) {
    if (source->driver != plan::DriverKind::recording) {
      continue;
    }
    const std::int64_t begin = add_ns(ns, source->plan->start_ns());
    const std::int64_t origin_ns =
        source->on_clock ? recorded_start_ns_ : source->recording.first_ns();
    source->shift_ns = sub_ns(begin, origin_ns);
    source->untimed_ns = begin;
    source->recorded_ns = 0;
    find_due(*source);
  }
}

void Ingress::find_due(Source& source) {
  const auto next = source.recording.peek();
  if (!next) {
    source.due_ns = kNever;
  } else if (source.recording.has_times() && next->time_ns != 0) {
    // After a jump of the recording's clock, later frames keep their own pace.
    const std::int64_t leap_ns = sub_ns(next->time_ns, source.recorded_ns);
    if (source.recorded_ns != 0 &&
        (leap_ns > limits::kClockLeapNs || leap_ns < -limits::kClockLeapNs)) {
      source.shift_ns = sub_ns(source.shift_ns, leap_ns);
      bump(source.counters.leaps);
    }
    source.recorded_ns = next->time_ns;
    // Frames whose times go back are released late, not reordered.
    source.due_ns = std::max(source.due_ns,
                             std::min(add_ns(next->time_ns, source.shift_ns), limits::kTimeMostNs));
  } else if (source.recording.has_times()) {
    source.due_ns = std::max(source.due_ns, add_ns(node_start_ns_, source.plan->start_ns()));
  } else {
    source.due_ns = source.untimed_ns;
  }
}

std::int64_t Ingress::next_due_ns() const {
  std::int64_t due = kNever;
  for (const auto& source : sources_) {
    if (source->driver == plan::DriverKind::recording && !source->ended) {
      due = std::min(due, source->due_ns);
    }
  }
  return due;
}

bool Ingress::all_recordings_ended() const {
  return has_recordings_ && std::all_of(sources_.begin(), sources_.end(), [](const auto& s) {
           return s->driver == plan::DriverKind::recording && s->ended;
         });
}

std::size_t Ingress::step_recording(Source& source, const platform::NodeClock& clock) {
  if (source.ended) {
    return 0;
  }
  const platform::NodeClock::Reading now = clock.read();
  std::size_t taken = 0;
  if (source.record == 0) {
    announce(source, SourceStatus::up, 0, now.now_ns);
  }
  while (source.due_ns <= now.now_ns && taken < kFramesAStep) {
    // Lossless: takes a frame only when all its possible events fit.
    if (source.lane.reserve(kEventsAFrame / 8 * kEventBytes) == nullptr ||
        source.lane.size() + kEventsAFrame / 8 > source.lane.capacity()) {
      return taken;
    }
    const auto frame = source.recording.peek();
    if (!frame) {
      break;
    }
    source.record = frame->number;
    if (frame->cause != RefusalCause::none) {
      refuse_whole(source, frame->cause, frame->bytes, source.due_ns);
    } else {
      take(source, source.decoder, frame->bytes, false, {source.due_ns, now.arrival_ns});
    }
    source.recording.pop();
    source.untimed_ns =
        std::min(add_ns(source.untimed_ns, interval_of(*source.plan)), limits::kTimeMostNs);
    find_due(source);
    ++taken;
  }
  if (source.due_ns == kNever) {
    announce(source, SourceStatus::ended, 0, now.now_ns);
    source.ended.store(source.counters.status.load(std::memory_order_relaxed) ==
                           static_cast<std::uint8_t>(SourceStatus::ended),
                       std::memory_order_release);
  }
  return taken;
}

}  // namespace vedette::ingress
