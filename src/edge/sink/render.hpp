// Purpose: one action as the bytes that leave: a JSON line, Cursor-on-Target XML, or an NMEA
// sentence. In: the intent and the plan. Out: text; a function of both alone, so that it can be
// made again. Standards: CoT event schema 2.0 (MITRE MP090284); NMEA 0183 v4.10 ALR; UTF-8 passes,
// in NMEA as `?`. Bound: limits::kTextBytes. When texts are too long for that: the site's words and
// then names are cut at a character, and end with an ellipsis; the message stays valid. Runs on:
// the engine thread; no allocation.
#pragma once

#include "base/text.hpp"
#include "edge/sink/answer.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"

namespace vedette::sink {

// What render() may write to; what it returns of it ends at limits::kTextBytes.
inline constexpr std::size_t kRenderBytes = 8192;

// What the message is known by, which its JSON and CoT forms carry.
MessageKey key_of(const EventHeader& event, const ActionIntent& intent);

// `shortened`: whether texts were cut.
std::string_view render(const plan::Plan& plan, const EventHeader& event,
                        const ActionIntent& intent, std::span<char, kRenderBytes> room,
                        bool* shortened = nullptr);
// The same action as a JSON line whatever its format, for people who watch. Its key, and that of
// every format, is "node-epoch-sequence", hexadecimal node: the same for each attempt.
std::string_view render_line(const plan::Plan& plan, const EventHeader& event,
                             const ActionIntent& intent, std::span<char, kRenderBytes> room,
                             bool* shortened = nullptr);

}  // namespace vedette::sink
