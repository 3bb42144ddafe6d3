// Purpose: finds NMEA 0183 sentences in a line (NMEA 0183 v4.10, 5.3). In: text. Out: where a
// sentence starts, whether its checksum holds. Runs on: the ingress thread; no allocation; total on
// any text.
#pragma once

#include <cstddef>
#include <string_view>

namespace vedette::codec {

// The first start of a sentence from `from` on, with its tag block; npos if there is none.
std::size_t sentence_start(std::string_view line, std::size_t from = 0);

// Where the line's first sentence ends, behind its checksum; npos if that is missing or wrong.
std::size_t sentence_end(std::string_view line);

}  // namespace vedette::codec
