#include "edge/trust/store.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "edge/trust/mbed.hpp"
#include "platform/file.hpp"

namespace vedette::trust {
namespace {

constexpr std::string_view kNode = "node.pem";
constexpr std::string_view kPending = "pending.pem";
constexpr std::string_view kRequest = "request.pem";
constexpr std::string_view kRoots = "roots.pem";
constexpr std::string_view kLists = "lists.pem";
constexpr std::string_view kTime = "time";

Problem of_file(const std::string& path, int error) {
  return {Refusal::unreadable, path + ": " + platform::error_text(error), {}};
}

// Empty for a file that is not there.
Result<std::string, Problem> read_if_there(const std::string& path, bool secret) {
  if (!platform::exists(path)) {
    return std::string();
  }
  return secret ? read_secret(path) : read_text(path);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) {
    all += part;
  }
  return all;
}

std::string date_of(std::int64_t unix_s) {
  std::string text;
  append_time(text, unix_s * 1'000'000'000);
  return text.substr(0, 10);
}

Failure<Problem> far_ahead(std::int64_t at_s, const Time& time) {
  return failed(
      Refusal::not_yet_valid,
      "it was signed on " + date_of(at_s) + ", and the time here is " + date_of(time.now_s),
      "check the clock of the CA's machine; if it is right, add --any-time");
}

bool too_far_ahead(std::int64_t at_s, const Time& time, bool any_time) {
  return !any_time && at_s > time.now_s + kSignedAhead_s;
}

// The roots of an answer: what signs itself.
std::string roots_of(const std::vector<std::string>& certificates) {
  std::string roots;
  for (const std::string& pem : certificates) {
    const auto c = read_certificate(pem);
    roots += c && c->self_signed && c->issues ? pem : "";
  }
  return roots;
}

std::string chain_of(const std::vector<std::string>& certificates) {
  std::string chain;
  for (const std::string& pem : certificates) {
    const auto c = read_certificate(pem);
    chain += c && !c->self_signed ? pem : "";
  }
  return chain;
}

}  // namespace

Result<std::string, Problem> read_text(const std::string& path) {
  const auto bytes = platform::read_file(path, kPemBytes);
  if (!bytes) {
    return Failure{of_file(path, bytes.error())};
  }
  return std::string(bytes->begin(), bytes->end());
}

Result<std::string, Problem> read_secret(const std::string& path) {
  if (platform::open_to_others(path)) {
    return failed(Refusal::not_private,
                  path + " holds a key, and others than its owner may read it",
                  "`chmod 600 " + path + "`; if others have had access, make a new key");
  }
  return read_text(path);
}

Result<Unit, Problem> write_text(const std::string& path, std::string_view text, bool secret,
                                 bool replace) {
  if (!replace && platform::exists(path)) {
    return failed(Refusal::exists, path + " is there already",
                  "give another name; nothing is overwritten");
  }
  const int error = platform::write_file_durably(path, as_bytes(text), secret);
  return error == 0 ? Result<Unit, Problem>(Unit{}) : Failure{of_file(path, error)};
}

Result<Unit, Problem> Store::put(std::string_view name, std::string_view text, bool secret) {
  if (const int error = platform::make_folders(folder_); error != 0) {
    return Failure{of_file(folder_, error)};
  }
  return write_text(path(name), text, secret, true);
}

Result<Held, Problem> Store::load() const {
  Held held;
  auto node = read_if_there(path(kNode), true);
  auto roots = read_if_there(path(kRoots), false);
  auto lists = read_if_there(path(kLists), false);
  for (const auto* text : {&node, &roots, &lists}) {
    if (!*text) {
      return Failure{text->error()};
    }
  }
  const auto keys = parts(*node, "EC PRIVATE KEY");
  held.key = keys.empty() ? "" : keys.front();
  held.certificates = joined(parts(*node, "CERTIFICATE"));
  held.roots = std::move(roots).value();
  held.lists = std::move(lists).value();
  // A damaged file only lowers the time to what the certificates prove.
  if (const auto text = platform::read_text_file(path(kTime), 32)) {
    held.signed_s = parse_integer(std::string_view(*text).substr(0, text->find('\n'))).value_or(0);
  }
  for (const std::string& pem : parts(held.certificates, "CERTIFICATE")) {
    const auto c = read_certificate(pem);
    held.signed_s = std::max(held.signed_s, c ? c->valid.from_s : 0);
  }
  for (const std::string& pem : parts(held.lists, "X509 CRL")) {
    const auto list = read_list(pem);
    held.signed_s = std::max(held.signed_s, list ? list->at_s : 0);
  }
  return held;
}

Time Store::time(const Held& held, const Clock& clock) {
  const std::int64_t floor_s = std::max(kBuilt_s, held.signed_s);
  Time time{std::max(floor_s, clock.now_s), false, {}};
  if (clock.now_s < floor_s) {
    time.why = "the clock says " + date_of(clock.now_s) + ", before " + date_of(floor_s) +
               (held.signed_s > kBuilt_s ? ", when the fleet last signed something known here"
                                         : ", when this program was made");
  } else if (clock.now_s > floor_s + kClockAhead_s) {
    time.why = "the clock says " + date_of(clock.now_s) + ", years after the newest signed time, " +
               date_of(floor_s);
  } else if (!clock.synchronised) {
    time.why = "no NTP, GNSS or PTP disciplines the clock";
  } else {
    time.trusted = true;
  }
  return time;
}

Result<std::string, Problem> Store::ask(std::string_view name) {
  auto key = new_key();
  if (!key) {
    return key;
  }
  auto request = make_request(*key, name);
  if (!request) {
    return request;
  }
  for (const auto& done : {put(kPending, *key, true), put(kRequest, *request)}) {
    if (!done) {
      return Failure{done.error()};
    }
  }
  return request;
}

Result<Certificate, Problem> Store::take_answer(std::string_view answer, const Clock& clock,
                                                bool any_time) {
  auto held = load();
  auto pending = read_if_there(path(kPending), true);
  if (!held || !pending) {
    return Failure{held ? pending.error() : held.error()};
  }
  const auto shown = parts(answer, "CERTIFICATE");
  const std::string chain = chain_of(shown), roots = roots_of(shown);
  if (chain.empty() || roots.empty()) {
    return failed(Refusal::wrong_content, "the file holds no answer: a certificate and its root",
                  "`vedette keys enroll REQUEST --ca FOLDER` writes one");
  }
  if (!held->roots.empty() && held->roots != roots) {
    return failed(Refusal::wrong_fleet, "the answer is of another fleet than this node's",
                  "remove " + folder_ + " first if the node changes its fleet");
  }
  const std::string& key = belongs(chain, *pending) ? *pending : held->key;
  const bool backup = key.empty() && pending->empty();
  if (!backup && !belongs(chain, key)) {
    return failed(Refusal::wrong_key, "the certificate is not for a key of this node",
                  "give the CA this node's own " + path(kRequest));
  }
  const Time time = Store::time(*held, clock);
  auto lists = merged(joined(parts(answer, "X509 CRL")), *held);
  if (!lists) {
    return Failure{lists.error()};
  }
  const auto judged = judge(chain, {roots, *lists, {}, {}, time.now_s, false});
  if (!judged) {
    return judged;
  }
  if (too_far_ahead(judged->valid.from_s, time, any_time)) {
    return far_ahead(judged->valid.from_s, time);
  }
  const std::int64_t signed_s = std::max(held->signed_s, judged->valid.from_s);
  for (const auto& done :
       {put(kRoots, roots), put(kLists, *lists), put(kTime, std::to_string(signed_s) + "\n"),
        backup ? Result<Unit, Problem>(Unit{}) : put(kNode, key + chain, true)}) {
    if (!done) {
      return Failure{done.error()};
    }
  }
  if (!backup && key == *pending) {
    (void)platform::remove_file(path(kPending));
    (void)platform::remove_file(path(kRequest));
  }
  return judged;
}

// The newest list of each issuer, of those held and those given. One that is older than what is
// held is refused, because whoever carries it may want to hide a revocation.
Result<std::string, Problem> Store::merged(std::string_view lists, const Held& held) const {
  std::vector<std::string> all = parts(held.lists, "X509 CRL");
  for (const std::string& pem : parts(lists, "X509 CRL")) {
    const auto given = read_list(pem);
    if (!given) {
      return Failure{given.error()};
    }
    bool known = false;
    for (std::string& other : all) {
      const auto present = read_list(other);
      if (!present || present->issuer_id != given->issuer_id) {
        continue;
      }
      known = true;
      if (present->number > given->number) {
        return failed(Refusal::older_list,
                      "the list has the number " + std::to_string(given->number) +
                          "; this node has number " + std::to_string(present->number),
                      "bring the newest list of the CA");
      }
      other = pem;
    }
    if (!known) {
      all.push_back(pem);
    }
  }
  return joined(all);
}

Result<RevocationList, Problem> Store::take_list(std::string_view list, const Clock& clock,
                                                 bool any_time) {
  const auto held = load();
  if (!held) {
    return Failure{held.error()};
  }
  auto given = read_list(list);
  if (!given) {
    return given;
  }
  if (held->roots.empty()) {
    return failed(Refusal::no_certificate, "this node belongs to no fleet yet",
                  "enrol it first: `vedette keys node`");
  }
  const Time time = Store::time(*held, clock);
  const std::string known = std::string(list) + held->certificates + held->roots;
  if (Problem problem =
          judge_list(list, known, {held->roots, held->lists, {}, {}, time.now_s, false});
      problem.refusal != Refusal::none) {
    return Failure{std::move(problem)};
  }
  if (too_far_ahead(given->at_s, time, any_time)) {
    return far_ahead(given->at_s, time);
  }
  const auto lists = merged(list, *held);
  if (!lists) {
    return Failure{lists.error()};
  }
  const std::int64_t signed_s = std::max(held->signed_s, given->at_s);
  for (const auto& done : {put(kLists, *lists), put(kTime, std::to_string(signed_s) + "\n")}) {
    if (!done) {
      return Failure{done.error()};
    }
  }
  return given;
}

Result<std::string, Problem> Store::backup() const {
  const auto held = load();
  if (!held) {
    return Failure{held.error()};
  }
  if (held->certificates.empty()) {
    return failed(Refusal::no_certificate,
                  "this node belongs to no fleet yet, so there is nothing to keep");
  }
  return held->certificates + held->roots + held->lists;
}

}  // namespace vedette::trust
