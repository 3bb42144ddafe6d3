// Purpose: compiles a site's text to a plan, for tests and benches.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.hpp"

namespace vedette::tests {

// `bytes` holds the plan to which the result points. Null, with the reason on standard error, if it
// does not compile or load.
inline const plan::Plan* load_site(std::string_view text, std::vector<std::uint8_t>& bytes,
                                   std::string_view env = "") {
  plan::Compiled compiled = plan::compile_site(text, env);
  for (const plan::Problem& p : compiled.problems) {
    std::fprintf(stderr, "site, line %zu: %s\n", static_cast<std::size_t>(p.line),
                 p.message.c_str());
  }
  bytes = std::move(compiled.buffer);
  std::string error;
  const plan::Plan* plan = plan::load_plan(bytes, error);
  if (plan == nullptr) {
    std::fprintf(stderr, "plan: %s\n", error.c_str());
  }
  return plan;
}

}  // namespace vedette::tests
