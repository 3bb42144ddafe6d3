// Purpose: verifies a message's signature with a public key, by mbedTLS. Runs on: cold threads.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace vedette::platform {

enum class Signature { good, bad, no_key };  // no_key: the text holds no public key on P-256

// ECDSA over SHA-256 (FIPS 186-4), the signature in DER (RFC 3279, 2.2.3); the key in PEM.
Signature verify_signature(std::string_view public_key_pem, Bytes message, Bytes signature);

// Whether the text is a public key on P-256, in PEM.
bool is_update_key(std::string_view public_key_pem);

}  // namespace vedette::platform
