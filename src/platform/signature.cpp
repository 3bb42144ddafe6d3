#include "platform/signature.hpp"

#include <mbedtls/pk.h>

#include <string>

#include "platform/hash.hpp"

namespace vedette::platform {

Signature verify_signature(std::string_view public_key_pem, Bytes message, Bytes signature) {
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  const std::string text(public_key_pem);  // the parser counts the terminating zero
  Signature result = Signature::no_key;
  if (mbedtls_pk_parse_public_key(&key, reinterpret_cast<const unsigned char*>(text.c_str()),
                                  text.size() + 1) == 0) {
    const bool p256 = mbedtls_pk_get_type(&key) == MBEDTLS_PK_ECKEY &&
                      mbedtls_pk_ec(key)->grp.id == MBEDTLS_ECP_DP_SECP256R1;
    const Sha256 digest = sha256(message);
    result = !p256 ? Signature::no_key
             : mbedtls_pk_verify(&key, MBEDTLS_MD_SHA256, digest.data(), digest.size(),
                                 signature.data(), signature.size()) == 0
                 ? Signature::good
                 : Signature::bad;
  }
  mbedtls_pk_free(&key);
  return result;
}

bool is_update_key(std::string_view public_key_pem) {
  return verify_signature(public_key_pem, {}, {}) != Signature::no_key;
}

}  // namespace vedette::platform
