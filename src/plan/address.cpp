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

namespace {

// Up to eight groups of hexadecimal digits; one "::" stands for those left out.
bool is_ipv6(std::string_view text) {
  std::size_t groups = 0;
  const std::size_t gap = text.find("::");
  const bool short_form = gap != std::string_view::npos;
  if (short_form && text.find("::", gap + 1) != std::string_view::npos) {
    return false;
  }
  const std::string_view halves[] = {text.substr(0, gap),
                                     short_form ? text.substr(gap + 2) : std::string_view()};
  for (std::string_view half : halves) {
    while (!half.empty()) {
      const std::string_view group = half.substr(0, half.find(':'));
      if (group.empty() || group.size() > 4 ||
          group.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
        return false;
      }
      ++groups;
      half.remove_prefix(group.size());
      if (half == ":") {
        return false;
      }
      half.remove_prefix(half.empty() ? 0 : 1);
    }
  }
  return short_form ? groups < 8 : groups == 8;
}

}  // namespace

std::string parse_end(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : parse_unsigned(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) {
    return "has no port";
  }
  const std::string_view host = text.substr(0, colon);
  std::uint32_t address = 0;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return is_ipv6(host.substr(1, host.size() - 2)) ? "" : "is no IPv6 address";
  }
  return parse_ipv4(host, address) ? "" : "is no address";
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
