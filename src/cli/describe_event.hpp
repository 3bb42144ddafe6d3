// Purpose: an event as members of a JSON object, the same in the journal's list, in explanations
// and in the log.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"

namespace vedette::cli {

using Json = JsonWriter<std::string>;

void event_members(const EventHeader& event, Bytes payload, const plan::Plan& plan, Json& json);

// Of an observation's payload: the frame as it came.
Bytes raw_of(Bytes payload);
bool printable(Bytes bytes);

}  // namespace vedette::cli
