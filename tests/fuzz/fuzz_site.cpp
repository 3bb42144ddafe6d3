// Site files: any text is a plan that loads, or a list of problems.
#include "base/check.hpp"
#include "plan/plan.hpp"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const plan::Compiled compiled = plan::compile_site(as_text(Bytes(data, size)), "");
  if (compiled.problems.empty()) {
    std::string error;
    CHECK(plan::load_plan(compiled.buffer, error) != nullptr, "what compiles also loads");
  }
  return 0;
}
