#include "plan/address.hpp"

#include "base/text.hpp"

namespace vedette::plan {
namespace {

std::string to_text(std::uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address >> shift & 255) + (shift != 0 ? "." : "");
  }
  return text;
}

}  // namespace

bool parse_ipv4(std::string_view text, std::uint32_t& address) {
  address = 0;
  for (int i = 0; i < 4; ++i) {
    const auto part = parse_unsigned(next_field(text, '.'));
    if (!part || *part > 255) {
      return false;
    }
    address = address << 8 | static_cast<std::uint32_t>(*part);
  }
  return text.empty();
}

bool parse_endpoint(std::string_view text, std::uint32_t& address, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  const auto p =
      colon == std::string_view::npos ? std::nullopt : parse_unsigned(text.substr(colon + 1));
  port = static_cast<std::uint16_t>(p.value_or(0));
  return p && *p <= 65535 && parse_ipv4(text.substr(0, colon), address);
}

std::string parse_network(std::string_view text, std::uint32_t& address, std::uint32_t& mask) {
  const std::size_t slash = text.find('/');
  const auto bits = slash == std::string_view::npos ? std::optional<std::uint64_t>(32)
                                                    : parse_unsigned(text.substr(slash + 1));
  mask = 0;
  if (!parse_ipv4(text.substr(0, slash), address) || !bits || *bits > 32) {
    return "is not an IPv4 address or network";
  }
  if (*bits == 0) {
    return "would let everybody send: leave \"from\" out for that";
  }
  mask = ~std::uint32_t{0} << (32 - *bits);
  if ((address & ~mask) != 0) {
    return "names neither a network nor an address: write " + to_text(address & mask) + "/" +
           std::to_string(*bits) + " for the network, " + to_text(address) + " for the address";
  }
  return {};
}

}  // namespace vedette::plan
