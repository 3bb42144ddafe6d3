// Purpose: IPv4 addresses as a site file writes them: numbers alone, without the socket headers of
// another room. In: text. Out: host order. Fails as: false, or what is wrong. Runs on: cold
// threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::plan {

bool parse_ipv4(std::string_view text, std::uint32_t& address);
// "192.0.2.7:10110".
bool parse_endpoint(std::string_view text, std::uint32_t& address, std::uint16_t& port);
// "192.0.2.0/24", or one address. What is wrong, to be put behind the text; empty: nothing.
std::string parse_network(std::string_view text, std::uint32_t& address, std::uint32_t& mask);

}  // namespace vedette::plan
