// CertificateList (RFC 5280, 5.1), version 2; its one extension is the list's number (5.2.3):
//
//   SEQUENCE
//     SEQUENCE             tbsCertList
//       INTEGER 1          version 2
//       SEQUENCE OID       ecdsa-with-SHA256
//       Name               issuer: its certificate's subject
//       Time               thisUpdate
//       SEQUENCE OF        revokedCertificates, absent if there are none
//         SEQUENCE INTEGER Time
//       [0] SEQUENCE OF    crlExtensions
//         SEQUENCE OID 2.5.29.20, OCTET STRING of INTEGER
//     SEQUENCE OID         ecdsa-with-SHA256
//     BIT STRING           signature
//
// It has no nextUpdate, because a post that is alone for a year must not lose its list.
#include <mbedtls/asn1.h>
#include <mbedtls/asn1write.h>
#include <mbedtls/base64.h>
#include <mbedtls/oid.h>
#include <mbedtls/sha256.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "edge/trust/mbed.hpp"

namespace vedette::trust {
namespace {

constexpr unsigned char kSequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
constexpr std::string_view kNumberOid = "\x55\x1d\x14";
constexpr std::size_t kEntryBytes = 64;
constexpr std::int64_t kUtcTimeEnds_s = 2'524'608'000;  // 2050 (RFC 5280, 4.1.2.5)

// Writes DER from its end to its beginning, as mbedTLS does.
class DerWriter {
 public:
  explicit DerWriter(std::size_t bytes) : buffer_(bytes), at_(buffer_.data() + bytes) {}
  std::size_t size() const {
    return static_cast<std::size_t>(buffer_.data() + buffer_.size() - at_);
  }
  Bytes bytes() const { return {at_, size()}; }
  bool ok() const { return ok_; }

  void raw(Bytes bytes) {
    take(mbedtls_asn1_write_raw_buffer(&at_, buffer_.data(), bytes.data(), bytes.size()));
  }
  // Closes what was written since `before` as one element.
  void wrap(unsigned char tag, std::size_t before) {
    take(mbedtls_asn1_write_len(&at_, buffer_.data(), size() - before));
    take(mbedtls_asn1_write_tag(&at_, buffer_.data(), tag));
  }
  void number(std::uint64_t value) {
    const std::size_t before = size();
    do {
      const std::uint8_t low = static_cast<std::uint8_t>(value);
      raw({&low, 1});
      value >>= 8;
      if (value == 0 && (low & 0x80) != 0) {
        const std::uint8_t zero = 0;
        raw({&zero, 1});
      }
    } while (value != 0);
    wrap(MBEDTLS_ASN1_INTEGER, before);
  }
  void oid(std::string_view oid) {
    take(mbedtls_asn1_write_oid(&at_, buffer_.data(), oid.data(), oid.size()));
  }
  void algorithm() {
    const std::size_t before = size();
    oid({MBEDTLS_OID_ECDSA_SHA256, MBEDTLS_OID_SIZE(MBEDTLS_OID_ECDSA_SHA256)});
    wrap(kSequence, before);
  }
  void time(std::int64_t unix_s) {
    const bool utc = unix_s < kUtcTimeEnds_s;
    const std::string digits = time_digits(unix_s).substr(utc ? 2 : 0) + "Z";
    const std::size_t before = size();
    raw(as_bytes(digits));
    wrap(utc ? MBEDTLS_ASN1_UTC_TIME : MBEDTLS_ASN1_GENERALIZED_TIME, before);
  }

 private:
  void take(int written) { ok_ = ok_ && written >= 0; }

  std::vector<unsigned char> buffer_;
  unsigned char* at_;
  bool ok_ = true;
};

bool hex_bytes(std::string_view hex, std::vector<std::uint8_t>& out) {
  out.clear();
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = hex_value(hex[i]), low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return !out.empty() && hex.size() % 2 == 0 && out.size() <= 20;  // RFC 5280, 4.1.2.2
}

void write_extensions(DerWriter& out, std::uint64_t number) {
  const std::size_t all = out.size();
  out.number(number);
  out.wrap(MBEDTLS_ASN1_OCTET_STRING, all);
  out.oid(kNumberOid);
  out.wrap(kSequence, all);
  out.wrap(kSequence, all);
  out.wrap(MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED, all);
}

bool write_entries(DerWriter& out, const std::vector<Revoked>& revoked) {
  if (revoked.empty()) {
    return true;
  }
  const std::size_t all = out.size();
  std::vector<std::uint8_t> serial;
  for (auto entry = revoked.rbegin(); entry != revoked.rend(); ++entry) {
    if (!hex_bytes(entry->serial, serial)) {
      return false;
    }
    const std::size_t before = out.size();
    out.time(entry->at_s);
    const std::size_t integer = out.size();
    out.raw(serial);
    out.wrap(MBEDTLS_ASN1_INTEGER, integer);
    out.wrap(kSequence, before);
  }
  out.wrap(kSequence, all);
  return true;
}

std::string to_pem(Bytes der) {
  std::string text = "-----BEGIN X509 CRL-----\n";
  std::string base64(der.size() * 4 / 3 + 8, '\0');
  std::size_t n = 0;
  mbedtls_base64_encode(reinterpret_cast<unsigned char*>(base64.data()), base64.size(), &n,
                        der.data(), der.size());
  base64.resize(n);
  for (std::size_t at = 0; at < n; at += 64) {
    text += base64.substr(at, 64) + "\n";
  }
  return text + "-----END X509 CRL-----\n";
}

// The list's number, or nothing: it has none, or a longer one.
bool find_number(const mbedtls_x509_buf& extensions, std::uint64_t& number) {
  const std::string_view all(reinterpret_cast<const char*>(extensions.p), extensions.len);
  const std::size_t at = all.find(std::string("\x06\x03") + std::string(kNumberOid));
  if (at == std::string_view::npos) {
    return false;
  }
  unsigned char* p = extensions.p + at + 5;
  const unsigned char* const end = extensions.p + extensions.len;
  std::size_t length = 0;
  if (mbedtls_asn1_get_tag(&p, end, &length, MBEDTLS_ASN1_OCTET_STRING) != 0 ||
      mbedtls_asn1_get_tag(&p, end, &length, MBEDTLS_ASN1_INTEGER) != 0 || length == 0 ||
      length > 8) {
    return false;
  }
  number = 0;
  for (std::size_t i = 0; i < length; ++i) {
    number = number << 8 | p[i];
  }
  return true;
}

}  // namespace

std::string time_digits(std::int64_t unix_s) {
  constexpr std::size_t kDigits = 14;
  std::string text, digits;
  append_time(text, std::clamp<std::int64_t>(unix_s, 0, 9'223'372'035) * 1'000'000'000);
  for (const char c : text) {
    if (c >= '0' && c <= '9' && digits.size() < kDigits) {
      digits += c;
    }
  }
  return digits;
}

Result<std::string, Problem> make_list(const Issuer& issuer, const RevocationList& list) {
  if (list.revoked.size() > kRevoked) {
    return failed(Refusal::too_many,
                  "the list would have more than " + std::to_string(kRevoked) + " certificates",
                  "make a new CA with `vedette keys ca`, and enrol the nodes that remain");
  }
  Key signer;
  Crt crt;
  if (!load_secret(signer, issuer.key) ||
      mbedtls_x509_crt_parse(&crt,
                             reinterpret_cast<const unsigned char*>(issuer.certificate.c_str()),
                             issuer.certificate.size() + 1) != 0) {
    return failed(Refusal::wrong_content, "the issuer's key or certificate cannot be read");
  }
  DerWriter tbs(1024 + list.revoked.size() * kEntryBytes);
  write_extensions(tbs, list.number);
  if (!write_entries(tbs, list.revoked)) {
    return failed(Refusal::wrong_content, "a serial number of the list is no hexadecimal number");
  }
  tbs.time(list.at_s);
  tbs.raw({crt.subject_raw.p, crt.subject_raw.len});
  tbs.algorithm();
  tbs.number(1);
  tbs.wrap(kSequence, 0);

  std::array<unsigned char, 32> hash{};
  std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> signature{};
  std::size_t signed_bytes = 0;
  mbedtls_sha256_ret(tbs.bytes().data(), tbs.size(), hash.data(), 0);
  if (mbedtls_pk_sign(&signer, MBEDTLS_MD_SHA256, hash.data(), hash.size(), signature.data(),
                      &signed_bytes, random_bytes, nullptr) != 0) {
    return failed(Refusal::system, "the list cannot be signed");
  }
  DerWriter out(tbs.size() + 512);
  const std::uint8_t unused_bits = 0;
  out.raw({signature.data(), signed_bytes});
  out.raw({&unused_bits, 1});
  out.wrap(MBEDTLS_ASN1_BIT_STRING, 0);
  out.algorithm();
  out.raw(tbs.bytes());
  out.wrap(kSequence, 0);
  return tbs.ok() && out.ok() ? Result<std::string, Problem>(to_pem(out.bytes()))
                              : failed(Refusal::system, "the list cannot be written");
}

Result<RevocationList, Problem> read_list(std::string_view list) {
  const auto shown = parts(list, "X509 CRL");
  const std::string text = shown.empty() ? "" : shown.front();
  Crl crl;
  RevocationList out;
  if (mbedtls_x509_crl_parse(&crl, reinterpret_cast<const unsigned char*>(text.c_str()),
                             text.size() + 1) != 0 ||
      !find_number(crl.crl_ext, out.number)) {
    return failed(Refusal::wrong_content, "the text holds no numbered revocation list in PEM",
                  "give the file that `vedette keys revoke` wrote");
  }
  out.issuer = common_name(crl.issuer);
  out.issuer_id.assign(reinterpret_cast<const char*>(crl.issuer_raw.p), crl.issuer_raw.len);
  out.at_s = unix_seconds(crl.this_update);
  for (const mbedtls_x509_crl_entry* e = &crl.entry; e != nullptr && e->raw.len != 0; e = e->next) {
    if (out.revoked.size() == kRevoked) {
      return failed(Refusal::too_many,
                    "the list has more than " + std::to_string(kRevoked) + " certificates");
    }
    out.revoked.push_back({hex_of(e->serial), unix_seconds(e->revocation_date)});
  }
  return out;
}

}  // namespace vedette::trust
