#include <mbedtls/ecp.h>
#include <mbedtls/sha256.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "edge/trust/mbed.hpp"
#include "platform/random.hpp"

namespace vedette::trust {
namespace {

constexpr std::size_t kKeyText = 1024;

Failure<Problem> no_random() {
  return failed(Refusal::system, "the system gives no random numbers, so no key can be made");
}

}  // namespace

int random_bytes(void*, unsigned char* out, std::size_t bytes) {
  while (bytes != 0) {
    const auto bits = platform::random_bits();
    if (!bits) {
      return MBEDTLS_ERR_PK_ALLOC_FAILED;
    }
    const std::size_t n = std::min(bytes, sizeof *bits);
    std::memcpy(out, &*bits, n);
    out += n;
    bytes -= n;
  }
  return 0;
}

bool is_p256(const mbedtls_pk_context& key) {
  return mbedtls_pk_get_type(&key) == MBEDTLS_PK_ECKEY &&
         mbedtls_pk_ec(key)->grp.id == MBEDTLS_ECP_DP_SECP256R1;
}

// The parsers count the terminating zero of a PEM text.
bool load_secret(Key& key, std::string_view pem) {
  const std::string text(pem);
  return mbedtls_pk_parse_key(&key, reinterpret_cast<const unsigned char*>(text.c_str()),
                              text.size() + 1, nullptr, 0) == 0 &&
         is_p256(key);
}

bool load_public(Key& key, std::string_view pem) {
  const std::string text(pem);
  return mbedtls_pk_parse_public_key(&key, reinterpret_cast<const unsigned char*>(text.c_str()),
                                     text.size() + 1) == 0 &&
         is_p256(key);
}

Result<std::string, Problem> new_key() {
  Key key;
  if (mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0 ||
      mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), random_bytes, nullptr) !=
          0) {
    return no_random();
  }
  std::string text(kKeyText, '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(text.data());
  if (mbedtls_pk_write_key_pem(&key, bytes, text.size()) != 0) {
    return no_random();
  }
  text.resize(std::strlen(text.c_str()));
  return text;
}

Result<std::string, Problem> public_key(std::string_view secret) {
  Key key;
  if (!load_secret(key, secret)) {
    return failed(Refusal::wrong_key_type, "the file holds no private key on P-256",
                  "`vedette keys` makes one");
  }
  std::string text(kKeyText, '\0');
  if (mbedtls_pk_write_pubkey_pem(&key, reinterpret_cast<unsigned char*>(text.data()),
                                  text.size()) != 0) {
    return failed(Refusal::system, "the public key cannot be written");
  }
  text.resize(std::strlen(text.c_str()));
  return text;
}

std::string fingerprint(std::string_view public_pem) {
  constexpr std::size_t kShown = 8;
  Key key;
  std::array<unsigned char, 256> der{};
  std::array<unsigned char, 32> hash{};
  const int n =
      load_public(key, public_pem) ? mbedtls_pk_write_pubkey_der(&key, der.data(), der.size()) : 0;
  if (n <= 0) {
    return "?";
  }
  mbedtls_sha256_ret(der.data() + der.size() - n, static_cast<std::size_t>(n), hash.data(), 0);
  std::string text;
  for (std::size_t i = 0; i < kShown; i += 2) {
    text += i == 0 ? "" : "-";
    append_hex(text, std::span<const std::uint8_t>(hash.data() + i, 2));
  }
  return text;
}

}  // namespace vedette::trust
