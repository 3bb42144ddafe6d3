#include <algorithm>

#include "edge/trust/mbed.hpp"

namespace vedette::trust {
namespace {

constexpr std::string_view kScheme = "vedette://";
constexpr std::string_view kRolesKey = "?roles=";
constexpr std::string_view kScopeKey = "&scope=";

// Takes what stands before `end`, and `end`; false without it.
bool take_until(std::string_view& rest, std::string_view end, std::string_view& out) {
  const std::size_t at = rest.find(end);
  if (at == std::string_view::npos) {
    return false;
  }
  out = rest.substr(0, at);
  rest.remove_prefix(at + end.size());
  return true;
}

Failure<Problem> bad_uri(std::string_view uri) {
  return failed(Refusal::no_identity,
                "the certificate's name \"" + std::string(uri.substr(0, 200)) +
                    "\" is not of the form vedette://FLEET/NAME?roles=ROLES&scope=SCOPE");
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

bool Identity::has_role(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

std::string to_uri(const Identity& identity) {
  std::string uri = std::string(kScheme) + identity.fleet + "/" + identity.name;
  uri += kRolesKey;
  for (std::size_t i = 0; i < identity.roles.size(); ++i) {
    uri += (i == 0 ? "" : "+") + identity.roles[i];
  }
  return uri + std::string(kScopeKey) + identity.scope;
}

Result<Identity, Problem> parse_uri(std::string_view uri) {
  Identity out;
  std::string_view rest = uri, fleet, name, roles;
  if (!rest.starts_with(kScheme)) {
    return bad_uri(uri);
  }
  rest.remove_prefix(kScheme.size());
  if (!take_until(rest, "/", fleet) || !take_until(rest, kRolesKey, name) ||
      !take_until(rest, kScopeKey, roles) || !is_name(fleet) || !is_name(name) ||
      (!rest.empty() && !is_name(rest))) {
    return bad_uri(uri);
  }
  out.fleet = fleet;
  out.name = name;
  out.scope = rest;
  while (!roles.empty()) {
    std::string_view role;
    if (!take_until(roles, "+", role)) {
      role = roles;
      roles = {};
    }
    if (!is_name(role) || out.roles.size() == kRoles || out.has_role(role)) {
      return bad_uri(uri);
    }
    out.roles.emplace_back(role);
  }
  // Exactly one text for an identity.
  return to_uri(out) == uri ? Result<Identity, Problem>(out) : bad_uri(uri);
}

std::string_view name_of(Refusal refusal) {
  constexpr std::string_view kNames[] = {
      "none",       "unreadable",     "not_private",    "wrong_content", "wrong_key_type",
      "wrong_key",  "no_certificate", "unknown_issuer", "expired",       "not_yet_valid",
      "revoked",    "no_identity",    "wrong_fleet",    "wrong_role",    "no_list",
      "older_list", "bad_name",       "exists",         "too_many",      "system",
  };
  static_assert(std::size(kNames) == static_cast<std::size_t>(Refusal::count));
  return kNames[static_cast<std::size_t>(refusal)];
}

Failure<Problem> failed(Refusal refusal, std::string what, std::string help) {
  return Failure{Problem{refusal, std::move(what), std::move(help)}};
}

}  // namespace vedette::trust
