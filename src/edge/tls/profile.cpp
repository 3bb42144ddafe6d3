#include "edge/tls/profile.hpp"

#include <mbedtls/aesni.h>
#include <mbedtls/ssl_ciphersuites.h>

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "platform/random.hpp"

namespace vedette::tls {
namespace {

// AES without instructions for it is slow, and its tables can be timed.
#if defined(__x86_64__)
bool has_aes() {
  return mbedtls_aesni_has_support(MBEDTLS_AESNI_AES) != 0;
}
#else
bool has_aes() {
  return false;  // mbedTLS 2.28 does not use those of ARM
}
#endif

constexpr int kAesFirst[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, 0};
constexpr int kChaChaFirst[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
constexpr int kOutside[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                            MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                            MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                            MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 0};
constexpr mbedtls_ecp_group_id kP256[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_NONE};
constexpr mbedtls_ecp_group_id kCurves[] = {MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,
                                            MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
constexpr int kSha256[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_NONE};
constexpr int kHashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                           MBEDTLS_MD_NONE};
// Of a server's certificates: RSA of 2,048 bits or more.
constexpr mbedtls_x509_crt_profile kOutsideCertificates{
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    0xFFFFFFF, 0xFFFFFFF, 2048};

int random_bytes(void*, unsigned char* out, std::size_t bytes) {
  while (bytes != 0) {
    const auto bits = platform::random_bits();
    if (!bits) {
      return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    }
    const std::size_t n = std::min(bytes, sizeof *bits);
    std::memcpy(out, &*bits, n);
    out += n;
    bytes -= n;
  }
  return 0;
}

bool parse(mbedtls_x509_crt& crt, const std::string& pem) {
  return mbedtls_x509_crt_parse(&crt, reinterpret_cast<const unsigned char*>(pem.c_str()),
                                pem.size() + 1) == 0;
}

std::string parse_own(mbedtls_x509_crt& own, mbedtls_pk_context& key,
                      const std::string& certificates, const std::string& secret) {
  if (!parse(own, certificates)) {
    return "the certificate to show cannot be read; it must be PEM";
  }
  if (mbedtls_pk_parse_key(&key, reinterpret_cast<const unsigned char*>(secret.c_str()),
                           secret.size() + 1, nullptr, 0) != 0) {
    return "the key cannot be read; it must be PEM, without a passphrase";
  }
  return mbedtls_pk_check_pair(&own.pk, &key) == 0 ? ""
                                                   : "the certificate to show is not for this key";
}

void refuse_old_ways(mbedtls_ssl_config& config) {
  mbedtls_ssl_conf_rng(&config, random_bytes, nullptr);
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  mbedtls_ssl_conf_legacy_renegotiation(&config, MBEDTLS_SSL_LEGACY_NO_RENEGOTIATION);
  mbedtls_ssl_conf_session_tickets(&config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
  mbedtls_ssl_conf_encrypt_then_mac(&config, MBEDTLS_SSL_ETM_DISABLED);
}

Failure<End> bad(std::string what) {
  return Failure{End{Cause::credentials, std::move(what)}};
}

}  // namespace

Profile::Profile() = default;
Profile::~Profile() = default;
Profile::Profile(Profile&&) noexcept = default;
Profile& Profile::operator=(Profile&&) noexcept = default;

Result<Profile, End> Profile::fleet(Fleet with) {
  Profile out;
  out.state_ = std::make_unique<State>();
  State& s = *out.state_;
  if (!parse(s.roots, with.roots)) {
    return bad("the fleet's root certificate cannot be read");
  }
  if (std::string problem = parse_own(s.own, s.key, with.certificates, with.key);
      !problem.empty()) {
    return bad(std::move(problem));
  }
  s.judge = std::move(with.judge);
  const int side = with.side == Side::server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
  if (mbedtls_ssl_config_defaults(&s.config, side, MBEDTLS_SSL_TRANSPORT_STREAM,
                                  MBEDTLS_SSL_PRESET_DEFAULT) != 0 ||
      mbedtls_ssl_conf_own_cert(&s.config, &s.own, &s.key) != 0) {
    return Failure{End{Cause::memory, "there is not enough memory for TLS"}};
  }
  refuse_old_ways(s.config);
  mbedtls_ssl_conf_ciphersuites(&s.config, has_aes() ? kAesFirst : kChaChaFirst);
  mbedtls_ssl_conf_curves(&s.config, kP256);
  mbedtls_ssl_conf_sig_hashes(&s.config, kSha256);
  mbedtls_ssl_conf_ca_chain(&s.config, &s.roots, nullptr);
  return out;
}

Result<Profile, End> Profile::outside(const Outside& with) {
  Profile out;
  out.state_ = std::make_unique<State>();
  State& s = *out.state_;
  if (!with.roots.empty() && !parse(s.roots, with.roots)) {
    return bad("the server's roots cannot be read; `ca_file` must hold certificates in PEM");
  }
  if (mbedtls_ssl_config_defaults(&s.config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                  MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
    return Failure{End{Cause::memory, "there is not enough memory for TLS"}};
  }
  if (!with.certificates.empty()) {
    std::string problem = parse_own(s.own, s.key, with.certificates, with.key);
    if (!problem.empty() || mbedtls_ssl_conf_own_cert(&s.config, &s.own, &s.key) != 0) {
      return bad(problem.empty() ? "there is not enough memory for TLS" : std::move(problem));
    }
  }
  refuse_old_ways(s.config);
  mbedtls_ssl_conf_ciphersuites(&s.config, kOutside);
  mbedtls_ssl_conf_curves(&s.config, kCurves);
  mbedtls_ssl_conf_sig_hashes(&s.config, kHashes);
  mbedtls_ssl_conf_cert_profile(&s.config, &kOutsideCertificates);
  mbedtls_ssl_conf_ca_chain(&s.config, &s.roots, nullptr);
  return out;
}

namespace {

constexpr std::uint32_t kTimes = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;

std::int64_t unix_seconds(const mbedtls_x509_time& t) {
  const std::int64_t minutes = std::int64_t{t.hour} * 60 + t.min;
  return days_from_civil(t.year, t.mon, t.day) * 86'400 + minutes * 60 + t.sec;
}

std::string moment(std::int64_t unix_s) {
  return date_text(unix_s, true);
}

// Of somebody else, so control characters are no part of it.
std::string plain(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return text;
}

std::string named(const mbedtls_x509_name& name) {
  char text[256] = {};
  mbedtls_x509_dn_gets(text, sizeof text, &name);
  return "\"" + plain(text) + "\"";
}

// The names that a certificate is for.
std::string hosts_of(const mbedtls_x509_crt& crt) {
  std::string all;
  for (const mbedtls_x509_sequence* s = &crt.subject_alt_names; s != nullptr && s->buf.p != nullptr;
       s = s->next) {
    if ((s->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_DNS_NAME) {
      all += (all.empty() ? "" : ", ") +
             std::string(reinterpret_cast<const char*>(s->buf.p), s->buf.len);
    }
  }
  return all.empty() ? named(crt.subject) : plain(all);
}

End times_of(const mbedtls_x509_crt& crt, const Time& time) {
  const std::int64_t from_s = unix_seconds(crt.valid_from), until_s = unix_seconds(crt.valid_to);
  const std::string now = "; the time here is " + moment(time.now_s);
  if (until_s < time.now_s) {
    return {Cause::expired,
            "the certificate of " + named(crt.subject) + " expired on " + moment(until_s) + now};
  }
  if (time.trusted && time.now_s < from_s) {
    return {Cause::not_yet_valid,
            "the certificate of " + named(crt.subject) + " is valid from " + moment(from_s) + now};
  }
  return {};
}

End flags_of(const mbedtls_x509_crt& crt, std::uint32_t flags, const std::string& host) {
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
    return {Cause::wrong_host,
            "the server's certificate is for " + hosts_of(crt) + ", not for \"" + host + "\""};
  }
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
    return {Cause::untrusted, "the certificate of " + named(crt.subject) + " is signed by " +
                                  named(crt.issuer) + ", whom no root that was given leads to"};
  }
  return {Cause::untrusted, "the certificate of " + named(crt.subject) +
                                " breaks a rule: its key, signature or use is not accepted"};
}

}  // namespace

std::string describe(const std::vector<std::vector<std::uint8_t>>& chain) {
  std::string all;
  for (const auto& der : chain) {
    Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free> crt;
    if (mbedtls_x509_crt_parse_der(&crt, der.data(), der.size()) == 0) {
      all += named(crt.subject) + " for " + hosts_of(crt) + ", by " + named(crt.issuer) + ", " +
             moment(unix_seconds(crt.valid_from)) + " to " + moment(unix_seconds(crt.valid_to)) +
             ", " + mbedtls_pk_get_name(&crt.pk) + " " +
             std::to_string(mbedtls_pk_get_bitlen(&crt.pk)) + "\n";
    }
  }
  return all;
}

int examine(void* examination, mbedtls_x509_crt* crt, int depth, std::uint32_t* flags) {
  auto& e = *static_cast<Examination*>(examination);
  e.chain.insert(e.chain.begin(), {crt->raw.p, crt->raw.p + crt->raw.len});
  if (e.judge != nullptr && *e.judge) {
    *flags = 0;  // the judge looks at all of it
    if (depth == 0) {
      const std::vector<Bytes> chain(e.chain.begin(), e.chain.end());
      if (std::string refusal = (*e.judge)(chain); !refusal.empty()) {
        e.problem = {Cause::refused_by_us, std::move(refusal)};
        *flags = MBEDTLS_X509_BADCERT_OTHER;
      }
    }
    return 0;
  }
  *flags &= ~kTimes;
  if (e.problem.cause == Cause::none) {
    e.problem = *flags != 0 ? flags_of(*crt, *flags, e.host) : times_of(*crt, e.time);
  }
  if (e.problem.cause != Cause::none) {
    *flags |= MBEDTLS_X509_BADCERT_OTHER;
  }
  return 0;
}

}  // namespace vedette::tls
