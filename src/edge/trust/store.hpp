// Purpose: a node's own place in its fleet, on disk: its key and certificates, the fleet's root,
// the lists of revoked certificates, and the newest time that the fleet has signed. In: answers and
// lists that somebody carries here. Out: requests, and what TLS needs. Bound: trust.hpp's. Fails
// as: Problem; then key and certificate are as before, because they are written last. Runs on: cold
// threads.
//
//   node.pem      key and certificates, its own first; only its owner reads it
//   pending.pem   the key of a request that has no answer yet; the same
//   request.pem   that request
//   roots.pem     the fleet's root certificate
//   lists.pem     the newest list of each issuer
//   time          the newest signed time
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "edge/trust/trust.hpp"

namespace vedette::trust {

// No time before this is believed; raised with each release.
inline constexpr std::int64_t kBuilt_s = 1'795'910'400;  // 2026-11-29
// What is signed for a time farther ahead than this is not taken unasked: its CA's clock is wrong.
inline constexpr std::int64_t kSignedAhead_s = std::int64_t{31} * 86'400;
// The same where the clock here is wrong itself, as on a machine that starts in 1970.
inline constexpr std::int64_t kSignedAheadOfNoClock_s = std::int64_t{3} * 366 * 86'400;
// A clock farther ahead of the newest signed time is not trusted, whoever disciplines it.
inline constexpr std::int64_t kClockAhead_s = kSignedAheadOfNoClock_s;

struct Clock {
  std::int64_t now_s = 0;
  bool synchronised = false;  // by NTP, GNSS or PTP
};

// The time that certificates are judged at.
struct Time {
  std::int64_t now_s = 0;
  bool trusted = false;
  std::string why;  // it is not
};

struct Held {
  std::string key;           // empty: no identity
  std::string certificates;  // its own first
  std::string roots, lists;
  std::int64_t signed_s = 0;  // the newest signed time
};

class Store {
 public:
  explicit Store(std::string folder) : folder_(std::move(folder)) {}

  Result<Held, Problem> load() const;
  static Time time(const Held& held, const Clock& clock);
  // A new key beside the present one, and its request; the same again while that has no answer.
  Result<std::string, Problem> ask(std::string_view name);
  // The fleet's answer to the request. `any_time`: also one that is signed far ahead.
  Result<Certificate, Problem> take_answer(std::string_view answer, const Clock& clock,
                                           bool any_time);
  // A backup, of roots and lists; the key is made anew.
  Result<Certificate, Problem> restore(std::string_view backup, const Clock& clock);
  Result<RevocationList, Problem> take_list(std::string_view list, const Clock& clock,
                                            bool any_time);
  // Everything but the key.
  Result<std::string, Problem> backup() const;
  const std::string& folder() const { return folder_; }

 private:
  std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  struct File {
    std::string_view name;
    std::string text;
    bool secret = false;
  };
  // One after the other; the first that fails ends it.
  Result<Unit, Problem> put(std::initializer_list<File> files);

  std::string folder_;
};

// The newest list of each issuer, of those held and those given, each of which a CA of the fleet
// must have signed. An older one than the one held is refused, because whoever brings it may want
// to hide a revocation, or left out where `keep_newer`.
struct ListRules {
  std::string certificates;  // that may have signed them
  std::string roots;
  std::int64_t now_s = 0;
  std::int64_t signed_until_s = 0;  // later ones are refused
  bool keep_newer = false;
  bool drop_unknown = false;  // leaves out a list whose CA is not among the certificates
};
Result<std::string, Problem> merge_lists(std::string_view held, std::string_view given,
                                         const ListRules& rules);

// For both ends: a key or text of at most kPemBytes. A secret must be its owner's alone.
Result<std::string, Problem> read_text(const std::string& path);
Result<std::string, Problem> read_secret(const std::string& path);
// Overwrites nothing unless `replace`, and no key nor what is no plain file even then.
Result<Unit, Problem> write_text(const std::string& path, std::string_view text, bool secret,
                                 bool replace);

}  // namespace vedette::trust
