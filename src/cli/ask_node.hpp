// Purpose: one request to a running node over its control socket. In: a request. Out: the answer.
// Fails as: an exit code, and it is printed why. Runs on: cold threads.
#pragma once

#include <optional>
#include <string>

#include "model/request.hpp"

namespace vedette::cli {

// Not a refusal: that is printed and ends in kTryLater, as none, like a node that is not there.
std::optional<request::Answer> ask(const std::string& data, const request::Request& wanted,
                                   const std::string& schema, bool json, int& code);

}  // namespace vedette::cli
