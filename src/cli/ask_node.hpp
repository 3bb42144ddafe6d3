// Purpose: sends one request to a running node over its control socket. In: a request. Out: the
// answer. Fails as: an exit code, with the reason printed. Runs on: cold threads.
#pragma once

#include <optional>
#include <string>

#include "model/request.hpp"

namespace vedette::cli {

// Sends a command; prints what a person does not expect. Returns the exit code.
int order(const std::string& data, const request::Request& wanted, const std::string& schema,
          bool json);
// Returns no refusal: it prints one and sets kTryLater, as for a node that does not answer.
std::optional<request::Answer> ask(const std::string& data, const request::Request& wanted,
                                   const std::string& schema, bool json, int& code);

}  // namespace vedette::cli
