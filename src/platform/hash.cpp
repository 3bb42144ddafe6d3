#include "platform/hash.hpp"

#include <mbedtls/sha256.h>

#include "base/check.hpp"

namespace vedette::platform {

Sha256 sha256(Bytes bytes) {
  Sha256 out;
  CHECK(mbedtls_sha256_ret(bytes.data(), bytes.size(), out.data(), 0) == 0, "SHA-256 cannot fail");
  return out;
}

}  // namespace vedette::platform
