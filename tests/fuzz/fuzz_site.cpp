// Site and board files: any text gives a plan that loads, a board, or a list of problems; a board
// completes a site.
#include "base/check.hpp"
#include "plan/plan.hpp"

using namespace vedette;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const plan::Compiled compiled = plan::compile_site(as_text(Bytes(data, size)), "");
  if (compiled.problems.empty()) {
    std::string error;
    CHECK(plan::load_plan(compiled.buffer, error) != nullptr, "what compiles also loads");
  }
  const plan::ReadBoard read = plan::read_board(as_text(Bytes(data, size)));
  if (read.problems.empty()) {
    CHECK(!plan::isolation_arguments(read.board).empty() && plan::batch_bound(read.board) > 0,
          "a board that is read can be used");
  }
  return 0;
}
