// Purpose: one action as the bytes that leave: a JSON line, Cursor-on-Target XML, or an NMEA
// sentence. In: the intent and the plan. Out: text; a function of both alone, so that it can be
// made again. Standards: CoT event schema 2.0 (MITRE MP090284); NMEA 0183 v4.10 ALR. Bound:
// limits::kTextBytes. Runs on: the engine thread; no allocation.
#pragma once

#include "base/text.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"

namespace vedette::act {

// What render() may write to; what it returns of it ends at limits::kTextBytes, where text is cut.
inline constexpr std::size_t kRenderBytes = 8192;

std::string_view render(const plan::Plan& plan, const EventHeader& event,
                        const ActionIntent& intent, std::span<char, kRenderBytes> room);
// The same action as a JSON line whatever its format, for people who watch. Its key, and that of
// every format, is "node-epoch-sequence", hexadecimal node: the same for each attempt.
std::string_view render_line(const plan::Plan& plan, const EventHeader& event,
                             const ActionIntent& intent, std::span<char, kRenderBytes> room);

}  // namespace vedette::act
