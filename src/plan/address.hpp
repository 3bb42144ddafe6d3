// Purpose: network addresses as a site file writes them, parsed without socket headers, which
// belong to another room. In: text. Out: host order. Fails as: false, or the error. Runs on: cold
// threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::plan {

bool parse_ipv4(std::string_view text, std::uint32_t& address);
// "192.0.2.7:10110".
bool parse_endpoint(std::string_view text, std::uint32_t& address, std::uint16_t& port);
// Checks "192.0.2.7:30005", "[2001:db8::7]:30005" or, with `names`, "host.example:30005". Returns
// the error, to append to the text; empty on success.
std::string parse_end(std::string_view text, bool names);
// Checks an MQTT topic filter by section 4.7.1 of MQTT 3.1.1. Returns the error, to append to it.
std::string parse_topic(std::string_view filter);
// Whether the end that parse_end() accepts is this machine.
bool is_loopback(std::string_view end);
// Parses "192.0.2.0/24" or one address. Returns the error, to append to the text; empty on success.
std::string parse_network(std::string_view text, std::uint32_t& address, std::uint32_t& mask);

}  // namespace vedette::plan
