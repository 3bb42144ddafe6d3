// The simulator: the real node in one process under virtual time, on a virtual disk, driven by a
// seed. The seed decides the plan's bounds, arrivals, requests, who turns when, what the disk
// refuses and loses, and when and how the node is killed.
//
// usage: vedette_sim FOLDER FIRST_SEED COUNT
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "edge/image/image.hpp"
#include "sim/world.hpp"

using namespace vedette;
using sim::World;

namespace {

std::uint64_t g_seed = 0;

// A failed CHECK aborts the process.
void tell_seed(int) {
  std::printf("seed %llu: it aborts\nrepeat with: scripts/sim --seed %llu\n", sim::shown(g_seed),
              sim::shown(g_seed));
  std::fflush(stdout);
  std::_Exit(1);
}

int run(const std::string& folder, std::uint64_t first, std::uint64_t count) {
  sim::Tally tally;
  for (g_seed = first; g_seed < first + count; ++g_seed) {
    std::unique_ptr<World> world;
    try {
      world = std::make_unique<World>(g_seed, folder);
      world->run();
    } catch (const sim::BrokenPromise& failure) {
      std::printf("seed %llu: %s\n%srepeat with: scripts/sim --seed %llu\n", sim::shown(g_seed),
                  failure.what.c_str(), world == nullptr ? "" : world->trace().c_str(),
                  sim::shown(g_seed));
      return 1;
    }
    tally.add(world->tally());
  }
  std::printf("%llu seeds: %s: every promise held\n", sim::shown(count), tally.text().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // The process that reads an image for a recovery is this program.
  if (argc == 4 && std::string_view(argv[1]) == "check-belief") {
    return image::send_image(argv[2]) ? 0 : 1;
  }
  if (argc != 4) {
    std::fprintf(stderr, "usage: vedette_sim FOLDER FIRST_SEED COUNT\n");
    return 64;
  }
  std::signal(SIGABRT, tell_seed);
  // Each life takes as much memory as the last: the process keeps it.
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  return run(argv[1], std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
}
