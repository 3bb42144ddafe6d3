// Two ends of TLS in memory: who may talk, and what a changed byte does.
#include "edge/tls/tls.hpp"

#include "edge/trust/store.hpp"
#include "edge/trust/trust.hpp"
#include "unit/test.hpp"

using namespace vedette;

namespace {

constexpr std::int64_t kNow = trust::kBuilt_s + 1000;
constexpr std::int64_t kYear = std::int64_t{365} * 86'400;

struct Member {
  std::string key, certificates;
};

struct Fleet {
  std::string root_key, root;
  Fleet() {
    root_key = *trust::new_key();
    root = *trust::certify({{}, root_key}, trust::Kind::root, {"fleet", "root", {}, {}},
                           *trust::public_key(root_key), {kNow, kNow + kYear});
  }
  Member member(const std::string& name, const std::string& role) const {
    const std::string key = *trust::new_key();
    return {key, *trust::certify({root, root_key}, trust::Kind::node, {"fleet", name, {role}, {}},
                                 *trust::public_key(key), {kNow, kNow + kYear})};
  }
  trust::Rules rules(const std::string& role) const {
    return {root, {}, "fleet", role, kNow, true};
  }
};

tls::Profile profile(tls::Profile::Side side, const Member& who, const trust::Rules& rules) {
  auto made = tls::Profile::fleet(
      {side, who.certificates, who.key, rules.roots, [rules](std::span<const Bytes> chain) {
         const auto judged = trust::judge(chain, rules);
         return judged ? std::string() : std::string(name_of(judged.error().refusal));
       }});
  REQUIRE(made.ok());
  return std::move(made).value();
}

// Carries bytes both ways until nothing moves; `change` may change what the client sends.
template <typename Change>
void carry(tls::Session& client, tls::Session& server, Change&& change) {
  for (int i = 0; i < 100; ++i) {
    std::string there(client.to_send()), back(server.to_send());
    client.sent(there.size());
    server.sent(back.size());
    change(there);
    server.feed(as_bytes(there));
    client.feed(as_bytes(back));
    client.turn();
    server.turn();
    if (there.empty() && back.empty()) {
      return;
    }
  }
}
void carry(tls::Session& client, tls::Session& server) {
  carry(client, server, [](std::string&) {});
}

struct Pair {
  tls::Profile ours, theirs;
  tls::Session client, server;
  Pair(const Fleet& fleet, const Member& a, const Member& b, const std::string& role)
      : ours(profile(tls::Profile::Side::client, a, fleet.rules(""))),
        theirs(profile(tls::Profile::Side::server, b, fleet.rules(role))),
        client(ours, {}, {}),
        server(theirs, {}, {}) {}
};

std::string received(tls::Session& session) {
  std::string all;
  std::array<std::uint8_t, 4096> piece;
  while (const std::size_t got = session.read(piece)) {
    all.append(reinterpret_cast<const char*>(piece.data()), got);
  }
  return all;
}

}  // namespace

TEST_CASE("two members of a fleet talk, by the suites of the fleet alone") {
  const Fleet fleet;
  Pair p(fleet, fleet.member("pier", "post"), fleet.member("tower", "post"), "post");
  carry(p.client, p.server);
  REQUIRE(p.client.open());
  REQUIRE(p.server.open());
  CHECK(p.client.protocol().starts_with("TLSv1.2, TLS-ECDHE-ECDSA-WITH-"));
  const std::string text(20'000, 'x');
  CHECK(p.client.write(as_bytes(text)) == tls::Session::kWriteBytes);
  carry(p.client, p.server);
  CHECK(received(p.server) == text.substr(0, tls::Session::kWriteBytes));
  p.server.close();
  carry(p.client, p.server);
  CHECK(received(p.client).empty());
  CHECK(p.client.end().cause == tls::Cause::closed);
}

TEST_CASE("a member of another fleet, or of another role, is refused by name, and told") {
  const Fleet fleet, other;
  SUBCASE("another role") {
    Pair p(fleet, fleet.member("laptop", "console"), fleet.member("tower", "post"), "post");
    carry(p.client, p.server);
    CHECK(p.server.end().cause == tls::Cause::refused_by_us);
    CHECK(p.server.end().what == "wrong_role");
    CHECK(p.client.end().cause == tls::Cause::refused_by_peer);
  }
  SUBCASE("another fleet") {
    Pair p(fleet, other.member("pier", "post"), fleet.member("tower", "post"), "post");
    carry(p.client, p.server);
    CHECK(p.server.end().what == "unknown_issuer");
  }
}

TEST_CASE("one without a certificate is refused") {
  const Fleet fleet;
  tls::Profile theirs =
      profile(tls::Profile::Side::server, fleet.member("tower", "post"), fleet.rules("post"));
  auto ours = tls::Profile::outside({fleet.root, {}, {}});
  REQUIRE(ours.ok());
  tls::Session client(*ours, {}, {kNow, true}), server(theirs, {}, {});
  carry(client, server);
  CHECK(server.end().cause == tls::Cause::no_certificate);
}

TEST_CASE("no changed byte passes: every one ends the connection on either side") {
  const Fleet fleet;
  const Member a = fleet.member("pier", "post"), b = fleet.member("tower", "post");
  for (std::size_t at = 0; at < 650; at += 43) {
    Pair p(fleet, a, b, "post");
    std::size_t seen = 0;
    carry(p.client, p.server, [&](std::string& bytes) {
      if (seen <= at && at < seen + bytes.size()) {
        bytes[at - seen] = static_cast<char>(bytes[at - seen] ^ 1 << at % 8);
      }
      seen += bytes.size();
    });
    REQUIRE_MESSAGE(seen > at, "the client sends fewer bytes than are to be changed");
    CHECK_MESSAGE(!(p.client.open() && p.server.open()), at);
  }
  Pair p(fleet, a, b, "post");
  carry(p.client, p.server);
  p.client.write(as_bytes(std::string_view("an order")));
  carry(p.client, p.server, [](std::string& bytes) {
    if (!bytes.empty()) {
      bytes.back() = static_cast<char>(bytes.back() ^ 1);
    }
  });
  CHECK(received(p.server).empty());
  CHECK(p.server.end().cause == tls::Cause::malformed);
}

TEST_CASE("a record that is sent again ends the connection") {
  const Fleet fleet;
  Pair p(fleet, fleet.member("pier", "post"), fleet.member("tower", "post"), "post");
  carry(p.client, p.server);
  p.client.write(as_bytes(std::string_view("an order")));
  const std::string record(p.client.to_send());
  p.client.sent(record.size());
  p.server.feed(as_bytes(record + record));
  CHECK(received(p.server) == "an order");
  CHECK(p.server.end().cause == tls::Cause::malformed);
}

TEST_CASE("noise is no TLS, and half a hello waits") {
  const Fleet fleet;
  tls::Profile theirs =
      profile(tls::Profile::Side::server, fleet.member("tower", "post"), fleet.rules("post"));
  tls::Session noise(theirs, {}, {});
  noise.feed(as_bytes(std::string_view("GET / HTTP/1.1\r\n\r\n")));
  noise.turn();
  CHECK(noise.end().cause == tls::Cause::malformed);
  tls::Session half(theirs, {}, {});
  half.feed(as_bytes(std::string_view("\x16\x03\x01\x02", 4)));
  half.turn();
  CHECK_FALSE(half.ended());
  half.feed_end();
  half.turn();
  CHECK(half.end().cause == tls::Cause::cut);
}
