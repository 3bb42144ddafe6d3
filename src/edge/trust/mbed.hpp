// Purpose: mbedTLS's structures with destructors, for this room alone.
#pragma once

#include <mbedtls/bignum.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include <string>
#include <string_view>

#include "edge/trust/trust.hpp"

namespace vedette::trust {

template <typename T, void (*kInit)(T*), void (*kFree)(T*)>
struct Owned : T {
  Owned() { kInit(this); }
  ~Owned() { kFree(this); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
};
using Key = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using Crt = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using Crl = Owned<mbedtls_x509_crl, mbedtls_x509_crl_init, mbedtls_x509_crl_free>;
using Csr = Owned<mbedtls_x509_csr, mbedtls_x509_csr_init, mbedtls_x509_csr_free>;
using CrtWriter =
    Owned<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free>;
using CsrWriter =
    Owned<mbedtls_x509write_csr, mbedtls_x509write_csr_init, mbedtls_x509write_csr_free>;
using Number = Owned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free>;

// mbedTLS's source of random bytes.
int random_bytes(void*, unsigned char* out, std::size_t bytes);

// Secret or public; false unless it is one on P-256.
bool load_secret(Key& key, std::string_view pem);
bool load_public(Key& key, std::string_view pem);
bool is_p256(const mbedtls_pk_context& key);
std::int64_t unix_seconds(const mbedtls_x509_time& time);
// YYYYMMDDhhmmss
std::string time_digits(std::int64_t unix_s);
std::string hex_of(const mbedtls_x509_buf& bytes);
// Of a subject or issuer: its common name.
std::string common_name(const mbedtls_x509_name& name);
Result<Certificate, Problem> describe(const mbedtls_x509_crt& crt);

}  // namespace vedette::trust
