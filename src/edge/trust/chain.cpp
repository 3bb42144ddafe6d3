#include <mbedtls/sha256.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "edge/trust/mbed.hpp"

namespace vedette::trust {
namespace {

// ECDSA on P-256 with SHA-256 and nothing else.
constexpr mbedtls_x509_crt_profile kProfile{
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256),
    MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA),
    MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1), 0};

// Times are judged here, because mbedTLS asks the machine's clock.
constexpr std::uint32_t kTimes = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE |
                                 MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE;

struct Times {
  const Rules* rules;
  Problem problem;
  std::vector<std::string> issuers;  // names in DER of whoever signed a certificate of the chain
};

std::string moment(std::int64_t unix_s) {
  return date_text(unix_s, true);
}

std::string named(const mbedtls_x509_crt& crt) {
  return "the certificate of \"" + common_name(crt.subject) + "\" (" + hex_of(crt.serial) + ")";
}

void check_times(const mbedtls_x509_crt& crt, Times& times) {
  const std::int64_t from_s = unix_seconds(crt.valid_from), until_s = unix_seconds(crt.valid_to);
  const std::string now = "; the time here is " + moment(times.rules->now_s);
  if (until_s < times.rules->now_s) {
    times.problem = {Refusal::expired, named(crt) + " expired on " + moment(until_s) + now,
                     "`vedette keys rotate` on its node, then enrol it again"};
  } else if (times.rules->time_trusted && times.rules->now_s < from_s) {
    times.problem = {Refusal::not_yet_valid, named(crt) + " is valid from " + moment(from_s) + now,
                     "check the clock of this node, and that of the CA's machine"};
  }
}

int each(void* context, mbedtls_x509_crt* crt, int, std::uint32_t* flags) {
  auto& times = *static_cast<Times*>(context);
  *flags &= ~kTimes;
  times.issuers.emplace_back(reinterpret_cast<const char*>(crt->issuer_raw.p), crt->issuer_raw.len);
  if (times.problem.refusal == Refusal::none) {
    check_times(*crt, times);
  }
  return 0;
}

Problem signatures(const mbedtls_x509_crt& own, std::uint32_t flags) {
  if ((flags & (MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY |
                MBEDTLS_X509_BADCERT_BAD_MD)) != 0) {
    return {Refusal::wrong_key_type,
            named(own) + ", or one above it, is not ECDSA on P-256 with SHA-256",
            "`vedette keys` makes the right ones"};
  }
  if ((flags & MBEDTLS_X509_BADCERT_REVOKED) != 0) {
    return {Refusal::revoked, named(own) + ", or one above it, is revoked",
            "enrol the node anew if that was a mistake"};
  }
  if ((flags & (MBEDTLS_X509_BADCRL_NOT_TRUSTED | MBEDTLS_X509_BADCRL_BAD_MD |
                MBEDTLS_X509_BADCRL_BAD_PK | MBEDTLS_X509_BADCRL_BAD_KEY)) != 0) {
    return {Refusal::wrong_content,
            "the list of revoked certificates is not signed by their issuer",
            "bring the list again, with `vedette keys revoke`"};
  }
  return {Refusal::unknown_issuer,
          named(own) + " leads to no root of this fleet; its issuer is \"" +
              common_name(own.issuer) + "\"",
          "it is of another fleet, or its CA's certificate is missing in what it shows"};
}

Problem name_and_role(const Certificate& c, const Rules& rules) {
  if (!rules.fleet.empty() && c.identity.fleet != rules.fleet) {
    return {Refusal::wrong_fleet,
            "\"" + c.identity.name + "\" is of the fleet \"" + c.identity.fleet + "\", not \"" +
                rules.fleet + "\"",
            {}};
  }
  if (!rules.role.empty() && !c.identity.has_role(rules.role)) {
    return {Refusal::wrong_role,
            "\"" + c.identity.name + "\" does not have the role \"" + rules.role + "\"",
            "enrol it with --role " + rules.role};
  }
  return {};
}

Problem missing_list(const std::vector<std::string>& issuers, const Rules& rules) {
  std::vector<std::string> listed;
  for (const std::string& pem : parts(rules.lists, "X509 CRL")) {
    if (const auto list = read_list(pem)) {
      listed.push_back(list->issuer_id);
    }
  }
  const bool all = std::all_of(issuers.begin(), issuers.end(), [&](const std::string& issuer) {
    return std::find(listed.begin(), listed.end(), issuer) != listed.end();
  });
  return all || !rules.lists_required
             ? Problem{}
             : Problem{Refusal::no_list,
                       "there is no list here of the certificates that its issuer has revoked",
                       "bring the list of each CA and of the root: `vedette keys revoke FILE "
                       "--data FOLDER`"};
}

Result<Certificate, Problem> judge(Crt& own, const Rules& rules) {
  if (!is_p256(own.pk)) {
    return failed(Refusal::wrong_key_type, named(own) + " has no ECDSA key on P-256",
                  "`vedette keys` makes the right ones");
  }
  Crt roots;
  Crl lists;
  if (mbedtls_x509_crt_parse(&roots, reinterpret_cast<const unsigned char*>(rules.roots.c_str()),
                             rules.roots.size() + 1) != 0) {
    return failed(Refusal::wrong_content, "the fleet's root certificate cannot be read",
                  "enrol this node again");
  }
  if (!rules.lists.empty() &&
      mbedtls_x509_crl_parse(&lists, reinterpret_cast<const unsigned char*>(rules.lists.c_str()),
                             rules.lists.size() + 1) != 0) {
    return failed(Refusal::wrong_content, "the list of revoked certificates cannot be read",
                  "bring it again, with `vedette keys revoke`");
  }
  Times times{&rules, {}, {}};
  std::uint32_t flags = 0;
  const int end =
      mbedtls_x509_crt_verify_with_profile(&own, &roots, rules.lists.empty() ? nullptr : &lists,
                                           &kProfile, nullptr, &flags, each, &times);
  if (end != 0) {
    return Failure{signatures(own, flags)};
  }
  if (times.problem.refusal != Refusal::none) {
    return Failure{times.problem};
  }
  if (Problem problem = missing_list(times.issuers, rules); problem.refusal != Refusal::none) {
    return Failure{std::move(problem)};
  }
  auto described = describe(own);
  if (described) {
    if (Problem problem = name_and_role(*described, rules); problem.refusal != Refusal::none) {
      return Failure{std::move(problem)};
    }
  }
  return described;
}

Failure<Problem> no_certificate() {
  return failed(Refusal::no_certificate, "no certificate was shown");
}

Failure<Problem> too_many() {
  return failed(Refusal::too_many,
                "more than " + std::to_string(kChain) + " certificates were shown");
}

Failure<Problem> bad_certificate() {
  return failed(Refusal::wrong_content, "a certificate that was shown cannot be read");
}

}  // namespace

Result<Certificate, Problem> judge(std::span<const Bytes> chain, const Rules& rules) {
  if (chain.empty() || chain.size() > kChain) {
    return chain.empty() ? no_certificate() : too_many();
  }
  Crt own;
  for (const Bytes der : chain) {
    if (mbedtls_x509_crt_parse_der(&own, der.data(), der.size()) != 0) {
      return bad_certificate();
    }
  }
  return judge(own, rules);
}

Result<Certificate, Problem> judge(std::string_view chain, const Rules& rules) {
  const std::string text(chain);
  const std::size_t shown = parts(text, "CERTIFICATE").size();
  if (shown == 0 || shown > kChain) {
    return shown == 0 ? no_certificate() : too_many();
  }
  Crt own;
  if (mbedtls_x509_crt_parse(&own, reinterpret_cast<const unsigned char*>(text.c_str()),
                             text.size() + 1) != 0) {
    return bad_certificate();
  }
  return judge(own, rules);
}

namespace {

bool signed_by(const mbedtls_x509_crl& crl, mbedtls_x509_crt& crt) {
  std::array<unsigned char, 32> hash{};
  mbedtls_sha256_ret(crl.tbs.p, crl.tbs.len, hash.data(), 0);
  return crt.subject_raw.len == crl.issuer_raw.len &&
         std::memcmp(crt.subject_raw.p, crl.issuer_raw.p, crl.issuer_raw.len) == 0 &&
         crl.sig_md == MBEDTLS_MD_SHA256 && is_p256(crt.pk) &&
         mbedtls_pk_verify(&crt.pk, MBEDTLS_MD_SHA256, hash.data(), hash.size(), crl.sig.p,
                           crl.sig.len) == 0;
}

}  // namespace

Problem judge_list(std::string_view list, std::string_view certificates, const Rules& rules) {
  const auto shown = parts(list, "X509 CRL");
  const std::string text = shown.empty() ? "" : shown.front();
  Crl crl;
  if (mbedtls_x509_crl_parse(&crl, reinterpret_cast<const unsigned char*>(text.c_str()),
                             text.size() + 1) != 0) {
    return {Refusal::wrong_content, "the text holds no revocation list in PEM", {}};
  }
  Problem why{
      Refusal::unknown_issuer,
      "the list is not signed by a CA of this fleet; its issuer is \"" + common_name(crl.issuer) +
          "\"",
      "bring the file that `vedette keys revoke` wrote; it holds the CA's certificate, too"};
  for (const std::string& pem : parts(certificates, "CERTIFICATE")) {
    Crt crt;
    if (mbedtls_x509_crt_parse(&crt, reinterpret_cast<const unsigned char*>(pem.c_str()),
                               pem.size() + 1) == 0 &&
        crt.ca_istrue != 0 && signed_by(crl, crt)) {
      Rules of_issuer = rules;
      of_issuer.role.clear();
      const auto issuer = judge(pem, of_issuer);
      if (issuer) {
        return {};
      }
      why = issuer.error();
    }
  }
  return why;
}

namespace {

bool load(Crt& crt, const std::string& pem) {
  return mbedtls_x509_crt_parse(&crt, reinterpret_cast<const unsigned char*>(pem.c_str()),
                                pem.size() + 1) == 0 &&
         crt.raw.p != nullptr;
}

bool equal(const mbedtls_x509_buf& a, const mbedtls_x509_buf& b) {
  return a.len == b.len && std::memcmp(a.p, b.p, a.len) == 0;
}

bool signs(mbedtls_x509_crt& parent, const mbedtls_x509_crt& child) {
  std::array<unsigned char, 32> hash{};
  mbedtls_sha256_ret(child.tbs.p, child.tbs.len, hash.data(), 0);
  return equal(parent.subject_raw, child.issuer_raw) && parent.ca_istrue != 0 &&
         child.sig_md == MBEDTLS_MD_SHA256 && is_p256(parent.pk) &&
         mbedtls_pk_verify(&parent.pk, MBEDTLS_MD_SHA256, hash.data(), hash.size(), child.sig.p,
                           child.sig.len) == 0;
}

}  // namespace

std::vector<std::string> path_of(std::string_view first, std::string_view certificates) {
  std::vector<std::string> path{std::string(first)};
  while (path.size() < kChain) {
    Crt child;
    if (!load(child, path.back()) || equal(child.subject_raw, child.issuer_raw)) {
      break;
    }
    const std::size_t before = path.size();
    for (const std::string& pem : parts(certificates, "CERTIFICATE")) {
      Crt parent;
      if (load(parent, pem) && signs(parent, child)) {
        path.push_back(pem);
        break;
      }
    }
    if (path.size() == before) {
      break;
    }
  }
  return path;
}

bool same_certificate(std::string_view one, std::string_view other) {
  Crt a, b;
  return load(a, std::string(one)) && load(b, std::string(other)) && equal(a.raw, b.raw);
}

}  // namespace vedette::trust
