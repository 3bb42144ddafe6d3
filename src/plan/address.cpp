#include "plan/address.hpp"

#include <algorithm>

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

namespace {

// RFC 1123 section 2.1, and RFC 1035 section 2.3.4: labels of letters, digits and hyphens. The last
// is not all digits, because that is a mistyped address.
bool is_host_name(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::size_t kNameMost = 253, kLabelMost = 63;
  if (text.empty() || text.size() > kNameMost || text.back() == '.') {
    return false;
  }
  std::string_view label;
  for (std::string_view rest = text; !rest.empty();) {
    label = rest.substr(0, rest.find('.'));
    const bool letters = std::all_of(label.begin(), label.end(), [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
             kDigits.find(c) != std::string_view::npos;
    });
    if (label.empty() || label.size() > kLabelMost || !letters || label.front() == '-' ||
        label.back() == '-') {
      return false;
    }
    rest.remove_prefix(std::min(rest.size(), label.size() + 1));
  }
  return label.find_first_not_of(kDigits) != std::string_view::npos;
}

}  // namespace

std::string parse_end(std::string_view text, bool names) {
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
  if (parse_ipv4(host, address)) {
    return {};
  }
  return !names ? "is no address" : is_host_name(host) ? "" : "is neither an address nor a name";
}

bool is_loopback(std::string_view end) {
  const std::string_view host = end.substr(0, end.rfind(':'));
  std::uint32_t address = 0;
  return host == "localhost" || host == "[::1]" ||
         (parse_ipv4(host, address) && address >> 24 == 127);
}

std::string parse_topic(std::string_view filter) {
  if (filter.empty() || filter.size() > 65535) {
    return "is empty or too long";
  }
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const bool begins = i == 0 || filter[i - 1] == '/';
    const bool ends = i + 1 == filter.size() || filter[i + 1] == '/';
    if (filter[i] == '#' && (!begins || i + 1 != filter.size())) {
      return "has # elsewhere than as its whole last level";
    }
    if (filter[i] == '+' && (!begins || !ends)) {
      return "has + beside other letters of a level";
    }
    if (filter[i] == '\0') {
      return "contains a zero byte";
    }
  }
  return {};
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
