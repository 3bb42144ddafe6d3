// Whom a node believes: each refusal has its cause alone.
#include "edge/trust/trust.hpp"

#include "edge/trust/store.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::trust;

namespace {

constexpr std::int64_t kNow = kBuilt_s + 1000;
constexpr std::int64_t kYear = std::int64_t{365} * 86'400;

template <typename T>
T must(Result<T, Problem> result) {
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().what));
  return std::move(result).value();
}

struct Party {
  std::string key = must(new_key());
  std::string open = must(public_key(key));
  std::string certificate;
  Issuer issuer() const { return {certificate, key}; }
};

struct Fleet {
  Party root, ca, node;
  explicit Fleet(std::vector<std::string> roles = {"post"}, Validity valid = {kNow, kNow + kYear}) {
    root.certificate = must(certify({{}, root.key}, Kind::root, {"fleet", "root", {}, {}},
                                    root.open, {kNow, kNow + 20 * kYear}));
    ca.certificate = must(certify(root.issuer(), Kind::ca, {"fleet", "ca", {}, {}}, ca.open,
                                  {kNow, kNow + 5 * kYear}));
    node.certificate = must(certify(
        ca.issuer(), Kind::node, {"fleet", "pier", std::move(roles), "north"}, node.open, valid));
  }
  std::string chain() const { return node.certificate + ca.certificate; }
  Rules rules() const { return {root.certificate, {}, "fleet", "post", kNow + 1, true}; }
};

Refusal refusal(const std::string& chain, const Rules& rules) {
  const auto judged = judge(chain, rules);
  return judged ? Refusal::none : judged.error().refusal;
}

}  // namespace

TEST_CASE("a peer of the fleet is believed, by its name, roles and scope") {
  const Fleet fleet;
  const Certificate peer = must(judge(fleet.chain(), fleet.rules()));
  CHECK(peer.identity == Identity{"fleet", "pier", {"post"}, "north"});
  CHECK_FALSE(peer.issues);
  CHECK(belongs(fleet.node.certificate, fleet.node.key));
  CHECK_FALSE(belongs(fleet.node.certificate, fleet.ca.key));
}

TEST_CASE("a peer is refused by the name of what is wrong") {
  const Fleet fleet, other;
  Rules rules = fleet.rules();
  CHECK(refusal("", rules) == Refusal::no_certificate);
  CHECK(refusal(other.chain(), rules) == Refusal::unknown_issuer);
  CHECK(refusal(fleet.node.certificate, rules) == Refusal::unknown_issuer);  // without its CA
  rules.fleet = "another";
  CHECK(refusal(fleet.chain(), rules) == Refusal::wrong_fleet);
  rules = fleet.rules();
  rules.role = "console";
  CHECK(refusal(fleet.chain(), rules) == Refusal::wrong_role);
  const Fleet without(std::vector<std::string>{});
  CHECK(refusal(without.chain(), without.rules()) == Refusal::wrong_role);
  std::string many;
  for (std::size_t i = 0; i <= kChain; ++i) {
    many += fleet.node.certificate;
  }
  CHECK(refusal(many, fleet.rules()) == Refusal::too_many);
}

TEST_CASE("who signs itself with the right names is no member") {
  const Fleet fleet;
  Party self;
  self.certificate = must(certify({{}, self.key}, Kind::node, {"fleet", "pier", {"post"}, "north"},
                                  self.open, {kNow, kNow + kYear}));
  CHECK(refusal(self.certificate, fleet.rules()) == Refusal::unknown_issuer);
  CHECK(refusal(self.certificate + fleet.ca.certificate, fleet.rules()) == Refusal::unknown_issuer);
}

TEST_CASE("a node's key signs nobody") {
  const Fleet fleet;
  Party child;
  child.certificate =
      must(certify(fleet.node.issuer(), Kind::node, {"fleet", "child", {"post"}, ""}, child.open,
                   {kNow, kNow + kYear}));
  CHECK(refusal(child.certificate + fleet.chain(), fleet.rules()) != Refusal::none);
}

TEST_CASE("times are judged at the time that counts, and nothing is too early without a clock") {
  const Fleet fleet;
  Rules rules = fleet.rules();
  rules.now_s = kNow + kYear + 1;
  CHECK(refusal(fleet.chain(), rules) == Refusal::expired);
  rules.now_s = kNow - 1;
  CHECK(refusal(fleet.chain(), rules) == Refusal::not_yet_valid);
  rules.time_trusted = false;
  CHECK(refusal(fleet.chain(), rules) == Refusal::none);
  SUBCASE("an expired CA takes its nodes with it") {
    const Fleet lasting({"post"}, {kNow, kNow + 10 * kYear});
    rules = lasting.rules();
    rules.now_s = kNow + 6 * kYear;
    CHECK(refusal(lasting.chain(), rules) == Refusal::expired);
  }
}

TEST_CASE("a list revokes a node, and a root's list its CA with all its nodes") {
  const Fleet fleet, other;
  Rules rules = fleet.rules();
  const auto list_of = [](const Party& by, const Party& whom) {
    const std::string serial = must(read_certificate(whom.certificate)).serial;
    return must(make_list(by.issuer(), {{}, {}, 7, kNow, {{serial, kNow}}}));
  };
  rules.lists = list_of(fleet.ca, fleet.node);
  CHECK(refusal(fleet.chain(), rules) == Refusal::revoked);
  rules.lists = list_of(fleet.root, fleet.ca);
  CHECK(refusal(fleet.chain(), rules) == Refusal::revoked);
  rules.lists = must(make_list(fleet.ca.issuer(), {{}, {}, 7, kNow, {{"4001", kNow}}}));
  CHECK(refusal(fleet.chain(), rules) == Refusal::none);
  CHECK(judge_list(rules.lists, fleet.chain(), rules).refusal == Refusal::none);
  rules.lists = list_of(other.ca, other.node);  // of others, with the same names
  CHECK(refusal(fleet.chain(), rules) == Refusal::none);
  CHECK(judge_list(rules.lists, fleet.chain() + other.chain(), rules).refusal ==
        Refusal::unknown_issuer);
}

TEST_CASE("without the list of an issuer nobody is believed, where lists are required") {
  const Fleet fleet;
  Rules rules = fleet.rules();
  rules.lists_required = true;
  CHECK(refusal(fleet.chain(), rules) == Refusal::no_list);
  const std::string of_ca = must(make_list(fleet.ca.issuer(), {{}, {}, 1, kNow, {}}));
  rules.lists = of_ca;
  CHECK(refusal(fleet.chain(), rules) == Refusal::no_list);
  rules.lists = of_ca + must(make_list(fleet.root.issuer(), {{}, {}, 1, kNow, {}}));
  CHECK(refusal(fleet.chain(), rules) == Refusal::none);
}

TEST_CASE("a list keeps its number, its time and every entry") {
  const Fleet fleet;
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{127}, std::uint64_t{128},
                                     std::uint64_t{65'535}, std::uint64_t{1} << 62}) {
    RevocationList list{{}, {}, number, kNow, {}};
    for (int i = 0; i < 300; ++i) {
      list.revoked.push_back({"40" + std::to_string(1000 + i), kNow + i});
    }
    const RevocationList read = must(read_list(must(make_list(fleet.ca.issuer(), list))));
    CHECK(read.number == number);
    CHECK(read.at_s == kNow);
    REQUIRE(read.revoked.size() == 300);
    CHECK(read.revoked[299].serial == "401299");
    CHECK(read.revoked[299].at_s == kNow + 299);
  }
}

TEST_CASE("an identity has exactly one text") {
  const Identity identity{"fleet", "pier", {"post", "console"}, ""};
  CHECK(to_uri(identity) == "vedette://fleet/pier?roles=post+console&scope=");
  CHECK(must(parse_uri(to_uri(identity))) == identity);
  for (const char* bad :
       {"", "vedette://fleet/pier", "vedette://Fleet/pier?roles=a&scope=",
        "vedette://fleet/pier?roles=a+a&scope=", "vedette://fleet/pier?roles=a+&scope=",
        "vedette://fleet/pier/x?roles=a&scope=", "vedette://fleet/?roles=a&scope=",
        "https://fleet/pier?roles=a&scope=", "vedette://fleet/pier?roles=a&scope=\n"}) {
    CHECK_FALSE(parse_uri(bad).ok());
  }
}

TEST_CASE("the time that counts is never before what the fleet has signed") {
  Held held;
  held.signed_s = kNow;
  Time time = Store::time(held, {0, true});
  CHECK(time.now_s == kNow);
  CHECK_FALSE(time.trusted);
  time = Store::time(held, {kNow + 10, true});
  CHECK(time.now_s == kNow + 10);
  CHECK(time.trusted);
  CHECK_FALSE(Store::time(held, {kNow + 10, false}).trusted);
  CHECK_FALSE(Store::time(held, {kNow + 10 * kYear, true}).trusted);
}
