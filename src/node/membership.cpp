#include "node/membership.hpp"

#include "platform/clock.hpp"

namespace vedette::node {
namespace {

trust::Time time_of(const trust::Held& held) {
  return trust::Store::time(
      held, {platform::realtime_ns() / 1'000'000'000, platform::realtime_is_synchronised()});
}

}  // namespace

std::string Membership::begin(const std::string& data) {
  store_ = trust::Store(data + "/trust");
  read();
  return problem_.empty() ? "" : "identity: " + problem_;
}

void Membership::read() {
  if (auto held = store_.load()) {
    held_ = std::move(held).value();
    problem_.clear();
  } else {
    problem_ = held.error().what;
  }
}

void Membership::look(std::int64_t now_ns) {
  if (now_ns - looked_ns_ >= kLookNs) {
    looked_ns_ = now_ns;
    read();
  }
}

tls::Time Membership::time() const {
  const trust::Time time = time_of(held_);
  return {time.now_s, time.trusted};
}

void Membership::members(JsonWriter<std::string>& json) const {
  const trust::Time time = time_of(held_);
  json.member("time_trusted", time.trusted);
  if (!time.trusted) {
    json.member("time_why", std::string_view(time.why));
  }
  std::string problem = problem_;
  if (!held_.certificates.empty()) {
    const auto own = trust::judge(
        held_.certificates, {held_.roots, held_.lists, {}, {}, time.now_s, time.trusted, true});
    if (own) {
      json.member("fleet", std::string_view(own->identity.fleet));
      json.member("name", std::string_view(own->identity.name));
      json.member("serial", std::string_view(own->serial));
      json.member_time("until", own->valid.until_s * 1'000'000'000);
    } else {
      problem = own.error().what;
    }
  }
  if (!problem.empty()) {
    json.member("problem", std::string_view(problem));
  }
}

}  // namespace vedette::node
