// Purpose: how a start or a run of the node fails: the program's exit code and what to say.
#pragma once

#include <string>

namespace vedette::node {

struct Failure {
  int exit_code = 0;  // 0: none (docs/reference/cli.md)
  std::string message;
};

}  // namespace vedette::node
