// Purpose: who belongs to a fleet: keys, requests, certificates and lists of revoked ones, as PEM
// texts, and the judgement of a peer's certificates. In: texts from files and peers, the time.
// Out: texts, identities, or a Problem. Bound: kPemBytes of a text, kChain certificates of a peer.
// When full: refused. Fails as: Problem, which names the rule. Runs on: cold and warm threads that
// may allocate; a signature takes about 1 ms.
//
// Standards: X.509 and its lists, RFC 5280; requests, PKCS #10 (RFC 2986); keys on P-256
// (FIPS 186-4), in SEC1 form (RFC 5915); ECDSA with SHA-256 everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vedette::trust {

inline constexpr std::size_t kPemBytes = std::size_t{1} << 20;
inline constexpr std::size_t kChain = 4;       // certificates that a peer shows
inline constexpr std::size_t kNameBytes = 32;  // of a fleet, node, role or scope
inline constexpr std::size_t kRoles = 8;       // of a node
inline constexpr std::size_t kRevoked = 4096;  // certificates in a list

enum class Refusal : std::uint8_t {
  none,
  unreadable,      // a file cannot be read or written
  not_private,     // others than its owner may read a key file
  wrong_content,   // not what was asked for, or damaged
  wrong_key_type,  // no ECDSA key on P-256
  wrong_key,       // the certificate is for another key
  no_certificate,  // the peer shows none
  unknown_issuer,  // no chain to the fleet's root
  expired,
  not_yet_valid,
  revoked,
  no_identity,  // signed by the fleet, but without a name of it
  wrong_fleet,
  wrong_role,
  no_list,     // of an issuer, so nobody knows whom it has revoked
  older_list,  // than the one that is known
  bad_name,
  exists,  // nothing is overwritten
  too_many,
  system,  // no random numbers, no memory
  count
};
std::string_view name_of(Refusal refusal);

// What was seen, and what to do; for people.
struct Problem {
  Refusal refusal = Refusal::none;
  std::string what;
  std::string help;
};

Failure<Problem> failed(Refusal refusal, std::string what, std::string help = {});

// Of a certificate, in its subjectAltName:
//   vedette://FLEET/NAME?roles=ROLE+ROLE&scope=SCOPE
// Each is kNameBytes of a-z, 0-9, - and _; a scope may be absent.
struct Identity {
  std::string fleet;
  std::string name;
  std::vector<std::string> roles;
  std::string scope;

  bool has_role(std::string_view role) const;
  bool operator==(const Identity&) const = default;
};
bool is_name(std::string_view text);
std::string to_uri(const Identity& identity);
Result<Identity, Problem> parse_uri(std::string_view uri);

// Seconds since 1970.
struct Validity {
  std::int64_t from_s = 0;
  std::int64_t until_s = 0;
};

struct Certificate {
  Identity identity;   // of a node; of a root or CA fleet and name only
  std::string serial;  // hexadecimal
  std::string issuer;  // its name
  Validity valid;
  bool issues = false;  // a root or CA
  bool self_signed = false;
};

// A key with its own secret in it.
Result<std::string, Problem> new_key();
Result<std::string, Problem> public_key(std::string_view key);

// A request for a certificate, signed with its key.
Result<std::string, Problem> make_request(std::string_view key, std::string_view name);
struct Request {
  std::string name;
  std::string public_key;
};
// Of a public key, for people who compare two: "1f2e-3d4c-5b6a-7988", of its SHA-256.
std::string fingerprint(std::string_view public_key);
Result<Request, Problem> read_request(std::string_view request);

struct Issuer {
  std::string certificate;
  std::string key;
};
// `issuer` without a certificate: self-signed with its key, a root.
enum class Kind : std::uint8_t { root, ca, node };
Result<std::string, Problem> certify(const Issuer& issuer, Kind kind, const Identity& identity,
                                     std::string_view public_key, Validity valid);
// The first certificate of a text.
Result<Certificate, Problem> read_certificate(std::string_view certificate);
// Whether a certificate is for this key.
bool belongs(std::string_view certificate, std::string_view key);

// A list of revoked certificates, signed by who issued them.
struct Revoked {
  std::string serial;
  std::int64_t at_s = 0;
};
struct RevocationList {
  std::string issuer;
  std::string issuer_id;     // its whole name in DER, which differs with its key
  std::uint64_t number = 0;  // each list has the next
  std::int64_t at_s = 0;
  std::vector<Revoked> revoked;
};
Result<std::string, Problem> make_list(const Issuer& issuer, const RevocationList& list);
Result<RevocationList, Problem> read_list(std::string_view list);

// The certificates from `first` up to a root, of those in `certificates`, by names and signatures;
// ends before what is not there.
std::vector<std::string> path_of(std::string_view first, std::string_view certificates);
bool same_certificate(std::string_view one, std::string_view other);

// The parts of a text that holds several: "CERTIFICATE", "X509 CRL", "EC PRIVATE KEY"...
std::vector<std::string> parts(std::string_view text, std::string_view label);

// What a peer's certificates are judged by.
struct Rules {
  std::string roots;  // certificates
  std::string lists;  // revocation lists
  std::string fleet;  // empty: any
  std::string role;   // that the peer must have; empty: any
  std::int64_t now_s = 0;
  // Without it nothing is "not yet valid", because a signed time is later than the machine's.
  bool time_trusted = false;
  // Each issuer must have its list in `lists`: a list that is missing may have been taken away.
  bool lists_required = false;
};
// `chain`: the peer's certificates in DER, its own first. Checks each signature up to a root, key
// types, times, lists, and the name.
Result<Certificate, Problem> judge(std::span<const Bytes> chain, const Rules& rules);
Result<Certificate, Problem> judge(std::string_view chain, const Rules& rules);
// Whether a list is signed by a root or CA of the fleet, whose certificate is in `certificates`.
Problem judge_list(std::string_view list, std::string_view certificates, const Rules& rules);

}  // namespace vedette::trust
