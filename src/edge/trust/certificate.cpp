#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <mbedtls/sha256.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "edge/trust/mbed.hpp"

namespace vedette::trust {
namespace {

constexpr std::size_t kText = 4096;
constexpr std::size_t kSerialBytes = 8;
constexpr std::size_t kUriBytes = 512;
constexpr unsigned char kUriTag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 6;  // RFC 5280, 4.2.1.6

const unsigned char* bytes_of_text(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.c_str());
}

Failure<Problem> not_one(const char* what) {
  return failed(Refusal::wrong_content, std::string("the text holds no ") + what + " in PEM",
                "give the file that `vedette keys` wrote");
}

// The names of roots and CAs differ with their keys, because a list is found by its issuer's name.
std::string subject_of(Kind kind, const Identity& identity, mbedtls_pk_context& key) {
  std::string subject = "CN=" + identity.name;
  if (kind == Kind::node) {
    return subject;
  }
  std::array<unsigned char, 256> der{};
  const int n = mbedtls_pk_write_pubkey_der(&key, der.data(), der.size());
  std::array<unsigned char, 32> hash{};
  mbedtls_sha256_ret(der.data() + der.size() - (n > 0 ? n : 0),
                     n > 0 ? static_cast<std::size_t>(n) : 0, hash.data(), 0);
  subject += ",O=" + identity.fleet + ",serialNumber=";
  append_hex(subject, std::span<const std::uint8_t>(hash.data(), 4));
  return subject;
}

bool set_alternative_name(CrtWriter& out, const std::string& uri) {
  std::array<unsigned char, kUriBytes> der{};
  unsigned char* at = der.data() + der.size();
  std::size_t bytes = uri.size();
  if (mbedtls_asn1_write_raw_buffer(&at, der.data(), bytes_of_text(uri), uri.size()) < 0) {
    return false;
  }
  for (const unsigned char tag :
       {kUriTag, static_cast<unsigned char>(MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)}) {
    const int length = mbedtls_asn1_write_len(&at, der.data(), bytes);
    const int head = length < 0 ? length : mbedtls_asn1_write_tag(&at, der.data(), tag);
    if (head < 0) {
      return false;
    }
    bytes += static_cast<std::size_t>(length + head);
  }
  return mbedtls_x509write_crt_set_extension(&out, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                             MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, at,
                                             bytes) == 0;
}

bool set_use(CrtWriter& out, Kind kind) {
  const bool issues = kind != Kind::node;
  const int below = kind == Kind::root ? 1 : 0;  // CAs below it
  const unsigned use = issues ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
                              : MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
  return mbedtls_x509write_crt_set_basic_constraints(&out, issues ? 1 : 0, issues ? below : -1) ==
             0 &&
         mbedtls_x509write_crt_set_key_usage(&out, use) == 0;
}

bool set_serial(CrtWriter& out) {
  std::array<unsigned char, kSerialBytes> bytes{};
  Number serial;
  if (random_bytes(nullptr, bytes.data(), bytes.size()) != 0) {
    return false;
  }
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x3F) | 0x40);  // positive, always as long
  return mbedtls_mpi_read_binary(&serial, bytes.data(), bytes.size()) == 0 &&
         mbedtls_x509write_crt_set_serial(&out, &serial) == 0;
}

Result<std::string, Problem> written(CrtWriter& out) {
  std::string text(kText, '\0');
  if (mbedtls_x509write_crt_pem(&out, reinterpret_cast<unsigned char*>(text.data()), text.size(),
                                random_bytes, nullptr) != 0) {
    return failed(Refusal::system, "the certificate cannot be signed");
  }
  text.resize(std::strlen(text.c_str()));
  return text;
}

bool well_named(const Identity& identity) {
  const auto parsed = parse_uri(to_uri(identity));
  return parsed.ok();
}

}  // namespace

Result<std::string, Problem> make_request(std::string_view secret, std::string_view name) {
  Key key;
  CsrWriter out;
  if (!is_name(name)) {
    return failed(Refusal::bad_name, "\"" + std::string(name) + "\" is no name",
                  "use 1 to 32 of a-z, 0-9, - and _");
  }
  if (!load_secret(key, secret)) {
    return failed(Refusal::wrong_key_type, "the file holds no private key on P-256");
  }
  mbedtls_x509write_csr_set_key(&out, &key);
  mbedtls_x509write_csr_set_md_alg(&out, MBEDTLS_MD_SHA256);
  std::string text(kText, '\0');
  if (mbedtls_x509write_csr_set_subject_name(&out, ("CN=" + std::string(name)).c_str()) != 0 ||
      mbedtls_x509write_csr_pem(&out, reinterpret_cast<unsigned char*>(text.data()), text.size(),
                                random_bytes, nullptr) != 0) {
    return failed(Refusal::system, "the request cannot be signed");
  }
  text.resize(std::strlen(text.c_str()));
  return text;
}

Result<Request, Problem> read_request(std::string_view request) {
  const std::string text(request);
  Csr csr;
  if (mbedtls_x509_csr_parse(&csr, bytes_of_text(text), text.size() + 1) != 0) {
    return not_one("certificate request");
  }
  if (!is_p256(csr.pk)) {
    return failed(Refusal::wrong_key_type, "the request is for a key that is not on P-256",
                  "`vedette keys node` makes the right one");
  }
  std::array<unsigned char, 32> hash{};
  mbedtls_sha256_ret(csr.cri.p, csr.cri.len, hash.data(), 0);
  if (csr.sig_md != MBEDTLS_MD_SHA256 ||
      mbedtls_pk_verify(&csr.pk, MBEDTLS_MD_SHA256, hash.data(), hash.size(), csr.sig.p,
                        csr.sig.len) != 0) {
    return failed(Refusal::wrong_content, "the request is not signed with the key that it is for",
                  "carry it again: it was changed on the way");
  }
  std::string pem(kText, '\0');
  if (mbedtls_pk_write_pubkey_pem(&csr.pk, reinterpret_cast<unsigned char*>(pem.data()),
                                  pem.size()) != 0) {
    return failed(Refusal::system, "the request's key cannot be read");
  }
  pem.resize(std::strlen(pem.c_str()));
  return Request{common_name(csr.subject), pem};
}

Result<std::string, Problem> certify(const Issuer& issuer, Kind kind, const Identity& identity,
                                     std::string_view public_pem, Validity valid) {
  if (!well_named(identity)) {
    return failed(Refusal::bad_name, "\"" + to_uri(identity).substr(0, 200) + "\" is no identity",
                  "fleet, name, roles and scope are each 1 to 32 of a-z, 0-9, - and _");
  }
  Key signer, subject;
  Crt parent;
  CrtWriter out;
  if (!load_secret(signer, issuer.key) || !load_public(subject, public_pem)) {
    return failed(Refusal::wrong_key_type, "a key is missing, or not on P-256");
  }
  const std::string name = subject_of(kind, identity, subject);
  std::string issuer_name = name;
  if (!issuer.certificate.empty()) {
    if (mbedtls_x509_crt_parse(&parent, bytes_of_text(issuer.certificate),
                               issuer.certificate.size() + 1) != 0) {
      return not_one("certificate of the issuer");
    }
    std::array<char, 512> buffer{};
    if (mbedtls_x509_dn_gets(buffer.data(), buffer.size(), &parent.subject) < 0) {
      return not_one("certificate of the issuer");
    }
    issuer_name = buffer.data();
  }
  mbedtls_x509write_crt_set_version(&out, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&out, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&out, &subject);
  mbedtls_x509write_crt_set_issuer_key(&out, &signer);
  if (!set_serial(out) || mbedtls_x509write_crt_set_subject_name(&out, name.c_str()) != 0 ||
      mbedtls_x509write_crt_set_issuer_name(&out, issuer_name.c_str()) != 0 ||
      mbedtls_x509write_crt_set_validity(&out, time_digits(valid.from_s).c_str(),
                                         time_digits(valid.until_s).c_str()) != 0 ||
      !set_use(out, kind) || !set_alternative_name(out, to_uri(identity))) {
    return failed(Refusal::system, "the certificate cannot be made");
  }
  return written(out);
}

namespace {

std::string uri_of(const mbedtls_x509_crt& crt) {
  for (const mbedtls_x509_sequence* s = &crt.subject_alt_names; s != nullptr; s = s->next) {
    if (s->buf.tag == kUriTag && s->buf.p != nullptr) {
      return {reinterpret_cast<const char*>(s->buf.p), s->buf.len};
    }
  }
  return {};
}

}  // namespace

Result<Certificate, Problem> describe(const mbedtls_x509_crt& crt) {
  Certificate out;
  out.serial = hex_of(crt.serial);
  out.issuer = common_name(crt.issuer);
  out.valid = {unix_seconds(crt.valid_from), unix_seconds(crt.valid_to)};
  out.issues = crt.ca_istrue != 0;
  out.self_signed = crt.issuer_raw.len == crt.subject_raw.len &&
                    std::memcmp(crt.issuer_raw.p, crt.subject_raw.p, crt.issuer_raw.len) == 0;
  auto identity = parse_uri(uri_of(crt));
  if (!identity) {
    return Failure{identity.error()};
  }
  out.identity = std::move(identity).value();
  return out;
}

Result<Certificate, Problem> read_certificate(std::string_view certificate) {
  const std::string text(certificate);
  Crt crt;
  if (mbedtls_x509_crt_parse(&crt, bytes_of_text(text), text.size() + 1) != 0 ||
      crt.raw.p == nullptr) {
    return not_one("certificate");
  }
  return describe(crt);
}

bool belongs(std::string_view certificate, std::string_view secret) {
  const std::string text(certificate);
  Crt crt;
  Key key;
  return mbedtls_x509_crt_parse(&crt, bytes_of_text(text), text.size() + 1) == 0 &&
         load_secret(key, secret) && mbedtls_pk_check_pair(&crt.pk, &key) == 0;
}

std::int64_t unix_seconds(const mbedtls_x509_time& t) {
  const std::int64_t minutes = std::int64_t{t.hour} * 60 + t.min;
  return days_from_civil(t.year, t.mon, t.day) * 86'400 + minutes * 60 + t.sec;
}

std::string hex_of(const mbedtls_x509_buf& bytes) {
  std::string out;
  append_hex(out, std::span<const std::uint8_t>(bytes.p, bytes.len));
  return out;
}

std::string common_name(const mbedtls_x509_name& name) {
  for (const mbedtls_x509_name* n = &name; n != nullptr; n = n->next) {
    if (n->oid.len == MBEDTLS_OID_SIZE(MBEDTLS_OID_AT_CN) &&
        std::memcmp(n->oid.p, MBEDTLS_OID_AT_CN, n->oid.len) == 0) {
      std::string text(reinterpret_cast<const char*>(n->val.p), n->val.len);
      // Of somebody else, so control characters are no part of it.
      std::replace_if(
          text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
      return text;
    }
  }
  return {};
}

std::vector<std::string> parts(std::string_view text, std::string_view label) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  std::vector<std::string> out;
  for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
    const std::size_t stop = text.find(end, at);
    if (stop == std::string_view::npos) {
      break;
    }
    out.emplace_back(text.substr(at, stop + end.size() - at));
    out.back() += '\n';
    at = stop;
  }
  return out;
}

}  // namespace vedette::trust
