// Purpose: times as loggers write them into lines. In: the text of one time, or a line. Out: Unix
// ns, or ns since midnight; nothing for any other text. Runs on: the ingress thread; no allocation;
// total on any text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vedette::codec {

// Date and time: "2011-04-25T10:16:43.004" or "20110425T101643", with "/" in the date, a blank, "-"
// or "," for the T, "," for the point, and behind it nothing (UTC is meant), "Z" or an offset
// ("-07:00", "+0200").
std::optional<std::int64_t> written_time(std::string_view text);

// Unix time in seconds, milliseconds or microseconds, by its size; nothing outside 2000 to 2100.
std::optional<std::int64_t> unix_ns_of(std::string_view text);

// "10:16:43.004" or "101643.004", ns since midnight.
std::optional<std::int64_t> time_of_day(std::string_view text);

}  // namespace vedette::codec
