// Benchmarks of the engine inside one process, each beside a floor of the same run.
//
// usage: vedette_bench engine-throughput RECORDINGS SITE FOLDER | mirror-rate FOLDER SECONDS
//                      | preemption | service-tail EVENTS
//                      | service-instructions EVENTS (under callgrind; instructions.py reads it)
#include "bench.hpp"

using namespace vedette;

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "engine-throughput" && argc == 5) {
    return bench::engine_throughput(argv[2], argv[3], argv[4]);
  }
  if (name == "mirror-rate" && argc == 4) {
    return bench::mirror_rate(argv[2], std::strtod(argv[3], nullptr));
  }
  if (name == "preemption" && argc == 2) {
    return bench::preemption();
  }
  if (name == "service-instructions" && argc == 3) {
    return bench::service_instructions(std::strtoull(argv[2], nullptr, 10));
  }
  if (name == "service-tail" && argc == 3) {
    return bench::service_tail(std::strtoull(argv[2], nullptr, 10));
  }
  std::fprintf(stderr,
               "usage: vedette_bench engine-throughput RECORDINGS SITE FOLDER | mirror-rate FOLDER "
               "SECONDS | preemption | service-tail EVENTS | service-instructions EVENTS\n");
  return 64;
}
