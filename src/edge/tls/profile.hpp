// Purpose: the insides of a profile and the peer's judgement, for this room alone.
#pragma once

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <vector>

#include "edge/tls/tls.hpp"

namespace vedette::tls {

template <typename T, void (*kInit)(T*), void (*kFree)(T*)>
struct Owned : T {
  Owned() { kInit(this); }
  ~Owned() { kFree(this); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
};

struct Profile::State {
  Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free> config;
  Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free> own, roots;
  Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free> key;
  Judge judge;  // fleet
};

// What is found of a peer while its certificates are verified, from the top down.
struct Examination {
  const Profile::Judge* judge = nullptr;
  Time time;
  std::string host;
  std::vector<std::vector<std::uint8_t>> chain;  // its own first
  End problem;
};
std::string describe(const std::vector<std::vector<std::uint8_t>>& chain);
int examine(void* examination, mbedtls_x509_crt* crt, int depth, std::uint32_t* flags);

}  // namespace vedette::tls
