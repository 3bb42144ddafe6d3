// Purpose: the other side of enrolment: a fleet's root and its CAs, each a folder on a machine or
// stick that is kept apart. In: requests that somebody carries there. Out: answers and lists to
// carry back. Bound: kRegisterBytes of issued certificates. When full: refused. Fails as: Problem;
// then nobody has the answer or list, though the register may hold its certificate. Runs on: cold
// threads.
//
//   key.pem           only its owner reads it
//   certificates.pem  its own first, up to the root's
//   issued.pem        every certificate that it has signed
//   list.pem          the newest list of those it has revoked
//   others.pem        the newest lists of the root and other CAs that are known here, and the
//                     certificates of those CAs
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "edge/trust/trust.hpp"

namespace vedette::trust {

inline constexpr std::size_t kRegisterBytes = std::size_t{16} << 20;
inline constexpr std::int64_t kDay_s = 86'400;
// A certificate is valid from this long before it is made, because clocks differ.
inline constexpr std::int64_t kSkew_s = 3600;
// A clock farther ahead of the last signature is not signed with unasked: what it dates would be
// refused, or would make everything else look expired.
inline constexpr std::int64_t kUnused_s = 400 * kDay_s;

// The machine's clock; `believed`: it counts although it is far from the last signature.
struct When {
  std::int64_t clock_s = 0;
  bool believed = false;
};

class Authority {
 public:
  explicit Authority(std::string folder) : folder_(std::move(folder)) {}

  Result<Certificate, Problem> make_root(std::string_view fleet, std::string_view name,
                                         std::int64_t clock_s, std::int64_t days);
  Result<Certificate, Problem> make_ca(const Authority& root, std::string_view name, When when,
                                       std::int64_t days);
  // What a request gets: `terms` with the request's name unless they have one. The text holds the
  // certificate, those up to the root, and the newest list.
  Result<std::string, Problem> answer(std::string_view request, Identity terms, When when,
                                      std::int64_t days);
  // By serial number, or every certificate of a name. The text holds the list and who signed it.
  Result<std::string, Problem> revoke(std::string_view which, When when);
  // A list of the root or another CA, to go with each answer.
  Result<Unit, Problem> take_list(std::string_view list);
  // What it has signed for a name and neither revoked nor outlived.
  Result<std::vector<Certificate>, Problem> living(std::string_view name, std::int64_t now_s) const;
  Result<std::vector<Certificate>, Problem> issued() const;
  Result<RevocationList, Problem> list() const;
  Result<Certificate, Problem> own() const;

 private:
  struct Loaded {
    Issuer issuer;
    std::string certificates;  // its own first
    std::string issued;
    RevocationList list;
    std::string list_pem;
    std::string others;
    std::int64_t now_s = 0;
  };
  Result<Loaded, Problem> load(When when) const;
  Result<Certificate, Problem> begin(const std::string& key, const std::string& certificates,
                                     const std::string& others, std::int64_t now_s);
  std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }

  std::string folder_;
};

}  // namespace vedette::trust
