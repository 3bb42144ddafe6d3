// Purpose: the node's own place in its fleet while it runs, and the time that certificates are
// judged at. In: DIR/trust, which `vedette keys` changes beside it; the machine's clock. Out: key
// and certificates, the time, members of `status`. Bound: trust.hpp's. Fails as: what could not be
// read is told, and the last that could be counts. Runs on: main.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.hpp"
#include "edge/tls/tls.hpp"
#include "edge/trust/store.hpp"

namespace vedette::node {

class Membership {
 public:
  static constexpr std::int64_t kLookNs = 5'000'000'000;  // between two readings of the files

  // Returns what could not be read; empty if all could.
  std::string begin(const std::string& data);
  // Once a turn.
  void look(std::int64_t now_ns);
  tls::Time time() const;
  const trust::Held& held() const { return held_; }
  void members(JsonWriter<std::string>& json) const;

 private:
  void read();

  trust::Store store_{""};
  trust::Held held_;
  std::string problem_;
  std::int64_t looked_ns_ = 0;
};

}  // namespace vedette::node
