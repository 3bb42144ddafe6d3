// Benchmark dispatch-10k: ten thousand ready instances leave the ready set in one release, and each
// runs one step; beside a copy of as many ids, a loop without a scheduler, TBB's task_group and
// Taskflow.
// Prints one JSON line a figure: bench, metric, value, unit, floor, ratio, bar, holds.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "core/engine/ready_set.hpp"
#include "platform/clock.hpp"

#if defined(VEDETTE_HAS_TBB)
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_group.h>
#endif
#if defined(VEDETTE_HAS_TASKFLOW)
#include <taskflow/taskflow.hpp>
#endif

using namespace vedette;
using namespace vedette::engine;

namespace {

constexpr std::uint32_t kReady = 10'000;
constexpr int kRuns = 10'000;

// One cache line, as a stored instance: a step counts, and moves its deadline and state.
struct alignas(64) Instance {
  std::uint64_t state;
  std::int64_t deadline_ns;
  std::int64_t period_ns;
  std::uint32_t steps;
  std::uint32_t misses;
  std::uint64_t rest[4];
};
static_assert(sizeof(Instance) == 64);

inline void step(Instance& i, std::int64_t now_ns) {
  i.misses += i.deadline_ns < now_ns ? 1 : 0;
  i.deadline_ns = now_ns + i.period_ns;
  i.state = i.state + (std::uint64_t{1} << 32);
  ++i.steps;
}

double median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

double us_since(std::int64_t start_ns) {
  return static_cast<double>(platform::monotonic_ns() - start_ns) * 1e-3;
}

void figure(const std::string& metric, double value, double floor, double bar, bool holds) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("bench", "dispatch-10k").member("metric", std::string_view(metric));
  json.member("value", value, 3).member("unit", "us").member("floor", floor, 3);
  json.member("ratio", floor > 0 ? value / floor : 0.0, 3).member("bar", bar, 3);
  json.member("holds", holds).end_object();
  std::printf("%s\n", text.c_str());
}

class Bench {
 public:
  Bench(std::uint32_t capacity, const char* of) : capacity_(capacity), of_(of) {
    memory_.resize(ReadySet::bytes_needed(capacity) / 8 + 8);
    Arena arena(memory_.data(), memory_.size() * 8);
    set_.init(arena, capacity);
    std::vector<std::uint32_t> ids(capacity);
    for (std::uint32_t i = 0; i < capacity; ++i) {
      ids[i] = i;
    }
    std::shuffle(ids.begin(), ids.end(), std::mt19937(1));
    ids_.assign(ids.begin(), ids.begin() + kReady);
    instances_.resize(capacity);
    queue_.resize(kReady + ReadySet::kSlack);
    copy_.resize(queue_.size());
  }

  void run() {
    for (const ReleaseKernel kernel : release_kernels()) {
      set_.use(kernel);
      std::vector<double> release, stepped, copied, looped;
      for (int r = 0; r < kRuns; ++r) {
        for (const std::uint32_t id : ids_) {
          set_.set(id);
        }
        std::int64_t start = platform::monotonic_ns();
        const std::size_t released = set_.release(queue_);
        release.push_back(us_since(start));
        for (std::size_t i = 0; i < released; ++i) {
          step(instances_[queue_[i]], start);
        }
        stepped.push_back(us_since(start));
        if (released != kReady) {
          std::fprintf(stderr, "bench: %zu were released\n", released);
          std::exit(70);
        }
        start = platform::monotonic_ns();
        std::memcpy(copy_.data(), queue_.data(), kReady * sizeof queue_[0]);
        asm volatile("" ::"r"(copy_.data()) : "memory");
        copied.push_back(us_since(start));
        start = platform::monotonic_ns();
        for (std::size_t i = 0; i < released; ++i) {
          step(instances_[copy_[i]], start);
        }
        looped.push_back(us_since(start));
      }
      constexpr const char* kNames[] = {"scalar", "sse", "avx512", "neon"};
      const std::string name = std::string(of_) + "-" + kNames[static_cast<std::size_t>(kernel)];
      // With ready ids spread over many words most vector lanes are empty, so the scalar bar
      // applies.
      const double bar = kernel == ReleaseKernel::scalar || capacity_ != kReady ? 6.0 : 1.5;
      const double value = median(release);
      figure(name + "-release", value, median(copied), bar, value <= bar);
      const double all = median(stepped);
      figure(name + "-release-and-step", all, median(looped), 30.0, all <= 30.0);
    }
  }

#if defined(VEDETTE_HAS_TBB)
  // A comparison, not a floor: the same steps as tasks.
  void tasks() {
    std::vector<double> took;
    tbb::task_group group;
    for (int r = 0; r < kRuns / 20; ++r) {
      const std::int64_t start = platform::monotonic_ns();
      for (const std::uint32_t id : ids_) {
        group.run([this, id, start] { step(instances_[id], start); });
      }
      group.wait();
      took.push_back(us_since(start));
    }
    const double value = median(took);
    figure("tbb-task-group", value, 0.0, value, true);
  }
#endif

#if defined(VEDETTE_HAS_TASKFLOW)
  // Another comparison: the task graph is built once and run repeatedly.
  void flow() {
    std::vector<double> took;
    std::int64_t start = 0;
    tf::Executor executor;
    tf::Taskflow flow;
    for (const std::uint32_t id : ids_) {
      flow.emplace([this, id, &start] { step(instances_[id], start); });
    }
    for (int r = 0; r < kRuns / 20; ++r) {
      start = platform::monotonic_ns();
      executor.run(flow).wait();
      took.push_back(us_since(start));
    }
    const double value = median(took);
    figure("taskflow", value, 0.0, value, true);
  }
#endif

 private:
  std::uint32_t capacity_;
  const char* of_;
  std::vector<std::uint64_t> memory_;
  ReadySet set_;
  std::vector<std::uint32_t> ids_;
  std::vector<Instance> instances_;
  std::vector<std::uint16_t> queue_, copy_;
};

}  // namespace

int main() {
  Bench(kReady, "all").run();
  Bench sparse(ReadySet::kCapacity, "of-65536");
  sparse.run();
#if defined(VEDETTE_HAS_TBB)
  sparse.tasks();
#else
  std::fprintf(stderr, "bench: dispatch-10k without TBB (libtbb-dev is not installed)\n");
#endif
#if defined(VEDETTE_HAS_TASKFLOW)
  sparse.flow();
#else
  std::fprintf(stderr, "bench: dispatch-10k without Taskflow (libtaskflow-cpp-dev)\n");
#endif
  return 0;
}
