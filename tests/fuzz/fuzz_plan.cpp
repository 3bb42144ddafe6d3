// Plans from strangers: refused, or safe to step.
#include <cstring>
#include <vector>

#include "plan/plan.hpp"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  std::memcpy(aligned.data(), data, size);
  std::string error;
  plan::load_plan(Bytes(reinterpret_cast<const std::uint8_t*>(aligned.data()), size), error);
  return 0;
}
