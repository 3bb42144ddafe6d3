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

// The latest signature that is taken.
std::int64_t signed_until(const Time& time, const Clock& clock, bool any_time) {
  const bool no_clock = clock.now_s < time.now_s;
  return any_time ? INT64_MAX : time.now_s + (no_clock ? kSignedAheadOfNoClock_s : kSignedAhead_s);
}

Failure<Problem> far_ahead(std::int64_t at_s, std::int64_t now_s) {
  return failed(
      Refusal::not_yet_valid,
      "it was signed on " + date_text(at_s) + ", and the time here is " + date_text(now_s),
      "check the clock of the CA's machine; if it is right, add --any-time");
}

// Certificates with one of these keys, the first of them.
std::string certificate_for(std::string_view certificates, const std::string& key) {
  for (const std::string& pem : parts(certificates, "CERTIFICATE")) {
    if (!key.empty() && belongs(pem, key)) {
      return pem;
    }
  }
  return {};
}

// The first that is a node's.
std::string node_of(std::string_view certificates) {
  for (const std::string& pem : parts(certificates, "CERTIFICATE")) {
    if (const auto c = read_certificate(pem); c && !c->issues) {
      return pem;
    }
  }
  return {};
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
  if (platform::exists(path)) {
    const auto present = platform::read_file(path, kPemBytes);
    const std::string_view content =
        present ? std::string_view(reinterpret_cast<const char*>(present->data()), present->size())
                : std::string_view();
    if (!replace || !present ||
        (!secret && content.find("PRIVATE KEY") != std::string_view::npos)) {
      return failed(Refusal::exists, path + " is there already",
                    "give another name; nothing is overwritten");
    }
  }
  const int error = platform::write_file_durably(path, as_bytes(text), secret);
  return error == 0 ? Result<Unit, Problem>(Unit{}) : Failure{of_file(path, error)};
}

Result<Unit, Problem> Store::put(std::initializer_list<File> files) {
  if (const int error = platform::make_folders(folder_); error != 0) {
    return Failure{of_file(folder_, error)};
  }
  for (const File& file : files) {
    if (auto done = write_text(path(file.name), file.text, file.secret, true); !done) {
      return done;
    }
  }
  return Unit{};
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
  if (!held.certificates.empty() && !belongs(held.certificates, held.key)) {
    return failed(Refusal::wrong_key, path(kNode) + " holds a certificate without its key",
                  "`vedette keys node` after removing it, then enrol the node again");
  }
  // A damaged file only lowers the time to what the certificates prove.
  if (const auto text = platform::read_text_file(path(kTime), 32)) {
    constexpr std::int64_t kLatest_s = kBuilt_s + std::int64_t{100} * 366 * 86'400;
    const auto at_s = parse_integer(std::string_view(*text).substr(0, text->find('\n')));
    held.signed_s = at_s && *at_s > 0 && *at_s < kLatest_s ? *at_s : 0;
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
    time.why = "the clock says " + date_text(clock.now_s) + ", before " + date_text(floor_s) +
               (held.signed_s > kBuilt_s ? ", when the fleet last signed something known here"
                                         : ", when this program was made");
  } else if (clock.now_s > floor_s + kClockAhead_s) {
    time.why = "the clock says " + date_text(clock.now_s) +
               ", years after the newest signed time, " + date_text(floor_s);
  } else if (!clock.synchronised) {
    time.why = "no NTP, GNSS or PTP disciplines the clock";
  } else {
    time.trusted = true;
  }
  return time;
}

Result<std::string, Problem> Store::ask(std::string_view name) {
  const auto pending = read_if_there(path(kPending), true);
  const auto asked = read_if_there(path(kRequest), false);
  if (pending && asked && !pending->empty()) {
    const auto present = read_request(*asked);
    const auto open = public_key(*pending);
    if (present && open && present->name == name &&
        fingerprint(present->public_key) == fingerprint(*open)) {
      return *asked;
    }
  }
  auto key = new_key();
  auto request = key ? make_request(*key, name) : key;
  if (!request) {
    return request;
  }
  const auto done = put({{kPending, *key, true}, {kRequest, *request}});
  return done ? request : Failure{done.error()};
}

Result<Certificate, Problem> Store::take_answer(std::string_view answer, const Clock& clock,
                                                bool any_time) {
  const auto held = load();
  const auto pending = read_if_there(path(kPending), true);
  if (!held || !pending) {
    return Failure{held ? pending.error() : held.error()};
  }
  const std::string waiting = certificate_for(answer, *pending);
  const std::string& key = waiting.empty() ? held->key : *pending;
  const std::string own = waiting.empty() ? certificate_for(answer, held->key) : waiting;
  if (own.empty()) {
    return node_of(answer).empty()
               ? failed(Refusal::wrong_content,
                        "the file holds no answer: a certificate and those up to its root",
                        "`vedette keys enroll REQUEST --ca FOLDER` writes one")
               : failed(Refusal::wrong_key, "the certificate is not for a key of this node",
                        "give the CA this node's own " + path(kRequest));
  }
  // What else the file holds counts for nothing.
  std::vector<std::string> path_up = path_of(own, answer);
  const std::string root = path_up.back();
  path_up.pop_back();
  if (!held->roots.empty() && !same_certificate(held->roots, root)) {
    return failed(Refusal::wrong_fleet, "the answer is of another fleet than this node's",
                  "remove " + folder_ + " first if the node changes its fleet");
  }
  const Time time = Store::time(*held, clock);
  const std::int64_t until_s = signed_until(time, clock, any_time);
  const std::string chain = joined(path_up);
  const auto lists = merge_lists(
      held->lists, answer, {chain + root + std::string(answer), root, time.now_s, until_s, true});
  if (!lists) {
    return Failure{lists.error()};
  }
  const auto judged = judge(chain, {root, *lists, {}, {}, time.now_s, false, true});
  if (!judged) {
    return judged;
  }
  if (judged->valid.from_s > until_s) {
    return far_ahead(judged->valid.from_s, time.now_s);
  }
  const std::int64_t signed_s = std::max(held->signed_s, judged->valid.from_s);
  // The key last: until it is there the node is what it was.
  const auto done = put({{kRoots, root},
                         {kLists, *lists},
                         {kTime, std::to_string(signed_s) + "\n"},
                         {kNode, key + chain, true}});
  if (!done) {
    return Failure{done.error()};
  }
  if (!waiting.empty()) {
    (void)platform::remove_file(path(kPending));
    (void)platform::remove_file(path(kRequest));
  }
  return judged;
}

Result<Certificate, Problem> Store::restore(std::string_view backup, const Clock& clock) {
  const auto held = load();
  if (!held) {
    return Failure{held.error()};
  }
  if (!held->roots.empty()) {
    return failed(Refusal::exists, folder_ + " belongs to a fleet already",
                  "restore into a new data folder");
  }
  const auto path_up = path_of(node_of(backup), backup);
  const auto own = read_certificate(path_up.front());
  const std::string& root = path_up.back();
  const auto top = read_certificate(root);
  if (!own || !top || !top->self_signed) {
    return failed(Refusal::wrong_content, "the file holds no backup of a node",
                  "`vedette keys backup` writes one");
  }
  // It may be years old, and expired.
  const Time time = Store::time(*held, clock);
  const auto lists = merge_lists({}, backup, {std::string(backup), root, 0, INT64_MAX, true, true});
  if (!lists) {
    return Failure{lists.error()};
  }
  const std::int64_t signed_s = std::min(own->valid.from_s, time.now_s);
  const auto done =
      put({{kRoots, root}, {kLists, *lists}, {kTime, std::to_string(signed_s) + "\n"}});
  return done ? own : Failure{done.error()};
}

Result<std::string, Problem> merge_lists(std::string_view held, std::string_view given,
                                         const ListRules& rules) {
  std::vector<std::string> all = parts(held, "X509 CRL");
  for (const std::string& pem : parts(given, "X509 CRL")) {
    const auto list = read_list(pem);
    if (!list) {
      return Failure{list.error()};
    }
    const Rules judged{rules.roots, {}, {}, {}, rules.now_s, false, false};
    if (Problem problem = judge_list(pem, rules.certificates, judged);
        problem.refusal != Refusal::none) {
      if (rules.drop_unknown && problem.refusal == Refusal::unknown_issuer) {
        continue;
      }
      return Failure{std::move(problem)};
    }
    if (list->at_s > rules.signed_until_s) {
      return far_ahead(list->at_s, rules.now_s);
    }
    const auto known = std::find_if(all.begin(), all.end(), [&](const std::string& other) {
      const auto present = read_list(other);
      return present && present->issuer_id == list->issuer_id;
    });
    if (known == all.end()) {
      all.push_back(pem);
      continue;
    }
    const std::uint64_t number = read_list(*known)->number;
    if (number > list->number && !rules.keep_newer) {
      return failed(Refusal::older_list,
                    "the list has the number " + std::to_string(list->number) + "; number " +
                        std::to_string(number) + " is here",
                    "bring the newest list of the CA");
    }
    *known = number > list->number ? *known : pem;
  }
  return joined(all);
}

Result<RevocationList, Problem> Store::take_list(std::string_view list, const Clock& clock,
                                                 bool any_time) {
  const auto held = load();
  const auto given = read_list(list);
  if (!held || !given) {
    return Failure{held ? given.error() : held.error()};
  }
  if (held->roots.empty()) {
    return failed(Refusal::no_certificate, "this node belongs to no fleet yet",
                  "enrol it first: `vedette keys node`");
  }
  const Time time = Store::time(*held, clock);
  const auto lists = merge_lists(held->lists, list,
                                 {std::string(list) + held->certificates + held->roots, held->roots,
                                  time.now_s, signed_until(time, clock, any_time), false});
  if (!lists) {
    return Failure{lists.error()};
  }
  const std::int64_t signed_s = std::max(held->signed_s, given->at_s);
  const auto done = put({{kLists, *lists}, {kTime, std::to_string(signed_s) + "\n"}});
  return done ? given : Failure{done.error()};
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
