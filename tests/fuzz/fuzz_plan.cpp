// Plans from strangers: refused, or safe to size, initialise and step.
#include <vector>

#include "plan/plan.hpp"
#include "plan/seal.hpp"
#include "shard_in_memory.hpp"

using namespace vedette;

namespace {

constexpr std::size_t kMemory = std::size_t{16} << 20;  // for plans worth stepping
constexpr std::int64_t kStart = 1'700'000'000'000'000'000;

void step_through(const plan::Plan& plan) {
  if (tests::ShardInMemory::bytes_needed(plan) > kMemory) {
    return;
  }
  tests::ShardInMemory engine(plan);
  const auto sources = static_cast<std::uint16_t>(plan.sources()->size());
  for (int i = 0; i < 24; ++i) {
    Observation o;
    o.kind = static_cast<IdentityKind>(1 + i % 6);
    o.identity = o.kind == IdentityKind::own ? 0 : static_cast<std::uint64_t>(i % 7);
    o.fields = 0x7FFF;
    o.latitude_e7 = 597'000'000 + i * 1'000;
    o.longitude_e7 = 249'000'000 - i * 1'000;
    o.speed_mm_s = 9000;
    const std::int64_t now = kStart + i * 700'000'000LL;
    engine.put(o, now, sources == 0 ? kNoSource : static_cast<std::uint16_t>(i % sources));
    engine.step(now);
    engine.step(now + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> sealed(data,
                                   data + size);  // an attacker can compute the digest
  plan::seal_plan(sealed);
  std::string error;
  const plan::Plan* plan = plan::load_plan(sealed, error);
  if (plan != nullptr) {
    step_through(*plan);
  }
  return 0;
}
