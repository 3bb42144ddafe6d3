// `vedette keys`: a fleet's root and CAs, and a node's own place in it.
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/trust/authority.hpp"
#include "edge/trust/store.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"

namespace vedette::cli {
namespace {

using trust::Authority;
using trust::Certificate;
using trust::Problem;
using trust::Refusal;
using trust::Store;

int exit_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::unreadable:
      return kIo;
    case Refusal::system:
      return kSystem;
    case Refusal::bad_name:
      return kUsage;
    case Refusal::wrong_content:
      return kBadData;
    default:
      return kNotAllowed;
  }
}

int fail(const KeysCommand& c, const Problem& problem) {
  return cli::fail(c.json, "keys", exit_of(problem.refusal), std::string(name_of(problem.refusal)),
                   problem.what, problem.help);
}

constexpr std::int64_t kNodeDays = 366, kCaDays = 5 * kNodeDays, kRootDays = 20 * kNodeDays;

std::int64_t days_or(const KeysCommand& c, std::int64_t usual) {
  return c.days == 0 ? usual : c.days;
}

trust::When when(const KeysCommand& c) {
  return {platform::realtime_ns() / 1'000'000'000, c.any_time};
}

trust::Clock clock_now() {
  return {platform::realtime_ns() / 1'000'000'000, platform::realtime_is_synchronised()};
}

std::string roles_of(const trust::Identity& identity) {
  std::string all;
  for (const std::string& role : identity.roles) {
    all += (all.empty() ? "" : ", ") + role;
  }
  return all.empty() ? "none" : all;
}

void put(Json& json, const Certificate& c) {
  json.begin_object().member("fleet", std::string_view(c.identity.fleet));
  json.member("name", std::string_view(c.identity.name)).key("roles").begin_array();
  for (const std::string& role : c.identity.roles) {
    json.value(std::string_view(role));
  }
  json.end_array().member("scope", std::string_view(c.identity.scope));
  json.member("serial", std::string_view(c.serial)).member("issuer", std::string_view(c.issuer));
  json.member("issues", c.issues).member("from", std::string_view(date_text(c.valid.from_s)));
  json.member("until", std::string_view(date_text(c.valid.until_s))).end_object();
}

void print_certificate(const Certificate& c) {
  print_text((c.issues ? c.self_signed ? "root " : "CA " : "node ") + c.identity.name +
             " of fleet " + c.identity.fleet + "\n");
  if (!c.issues) {
    print_text("  roles " + roles_of(c.identity) +
               (c.identity.scope.empty() ? "" : "; scope " + c.identity.scope) + "\n");
  }
  print_text("  certificate " + c.serial + ", by " + c.issuer + ", valid " +
             date_text(c.valid.from_s) + " to " + date_text(c.valid.until_s) + "\n");
}

int show(const KeysCommand& command, const Certificate& c, const std::string& next) {
  if (command.json) {
    std::string text;
    Json json(text);
    put(json, c);
    print_data("keys", text);
    return kOk;
  }
  print_certificate(c);
  print_text(next.empty() ? "" : next + "\n");
  return kOk;
}

// Writes a text to be carried, and says where it is.
int hand_over(const KeysCommand& command, const std::string& path, const std::string& text,
              const std::string& next) {
  if (const auto written = trust::write_text(path, text, false, true); !written) {
    return fail(command, written.error());
  }
  if (command.json) {
    std::string out;
    Json json(out);
    json.begin_object().member("file", std::string_view(path)).end_object();
    print_data("keys", out);
  } else {
    print_text("wrote " + path + "\n" + next + "\n");
  }
  return kOk;
}

int make_root(const KeysCommand& c) {
  Authority root(c.file);
  const auto made = root.make_root(c.fleet, c.name.empty() ? "root" : c.name, clock_now().now_s,
                                   days_or(c, kRootDays));
  return made ? show(c, *made,
                     "next: `vedette keys ca FOLDER --root " + c.file +
                         " --name NAME`; then keep " + c.file + " apart, locked away")
              : fail(c, made.error());
}

int make_ca(const KeysCommand& c) {
  Authority ca(c.file);
  const auto made = ca.make_ca(Authority(c.root), c.name, when(c), days_or(c, kCaDays));
  return made
             ? show(c, *made, "next: `vedette keys enroll REQUEST --ca " + c.file + " --role post`")
             : fail(c, made.error());
}

Store store_of(const KeysCommand& c) {
  return Store(c.data + "/trust");
}

int ask(const KeysCommand& c, const std::string& name) {
  Store store = store_of(c);
  const auto request = store.ask(name);
  if (!request) {
    return fail(c, request.error());
  }
  const std::string path = c.out.empty() ? store.folder() + "/request.pem" : c.out;
  const auto read = trust::read_request(*request);
  return hand_over(c, path, *request,
                   "key " + trust::fingerprint(read ? read->public_key : "") +
                       "\nnext: carry it to the CA, and there: `vedette keys enroll REQUEST --ca "
                       "FOLDER --role post`; compare the key");
}

int begin_node(const KeysCommand& c) {
  const auto held = store_of(c).load();
  if (!held) {
    return fail(c, held.error());
  }
  if (!held->key.empty()) {
    return fail(c, {Refusal::exists, c.data + " has a key and a certificate already",
                    "`vedette keys rotate --data " + c.data + "` makes the next one"});
  }
  return ask(c, c.name);
}

int rotate(const KeysCommand& c) {
  const auto held = store_of(c).load();
  if (!held) {
    return fail(c, held.error());
  }
  const auto present = trust::read_certificate(held->certificates);
  return present ? ask(c, present->identity.name)
                 : fail(c, {Refusal::no_certificate, c.data + " belongs to no fleet yet",
                            "`vedette keys node --data " + c.data + " --name NAME` begins"});
}

int show_list(const KeysCommand& c, const trust::RevocationList& list) {
  if (c.json) {
    std::string out;
    Json json(out);
    json.begin_object().member("issuer", std::string_view(list.issuer));
    json.member("number", list.number);
    json.member("revoked", std::uint64_t{list.revoked.size()}).end_object();
    print_data("keys", out);
  } else {
    print("list %llu of %s; certificates that it revokes: %zu\n",
          static_cast<unsigned long long>(list.number), list.issuer.c_str(), list.revoked.size());
  }
  return kOk;
}

int answer_request(const KeysCommand& c, const std::string& text) {
  Authority ca(c.ca);
  const auto request = trust::read_request(text);
  if (!request) {
    return fail(c, request.error());
  }
  const std::string name = c.name.empty() ? request->name : c.name;
  const auto living = ca.living(name, clock_now().now_s);
  const auto answer =
      ca.answer(text, {{}, c.name, c.roles, c.scope}, when(c), days_or(c, kNodeDays));
  if (!answer || !living) {
    return fail(c, answer ? living.error() : answer.error());
  }
  std::string next = "next: carry it back, and there: `vedette keys enroll ANSWER --data FOLDER`";
  for (const Certificate& other : *living) {
    next += "\nnote: \"" + name + "\" has the certificate " + other.serial + " too, until " +
            date_text(other.valid.until_s) + "; revoke it if this replaces a machine";
  }
  return hand_over(c, c.out.empty() ? c.file + ".answer" : c.out, *answer,
                   "key " + trust::fingerprint(request->public_key) + "\n" + next);
}

int enroll(const KeysCommand& c) {
  const auto text = trust::read_text(c.file);
  if (!text) {
    return fail(c, text.error());
  }
  if (c.ca.empty()) {
    Store store = store_of(c);
    const auto taken = store.take_answer(*text, clock_now(), c.any_time);
    return taken ? show(c, *taken, "") : fail(c, taken.error());
  }
  return answer_request(c, *text);
}

int give_list_to_ca(const KeysCommand& c, const std::string& text) {
  const auto taken = Authority(c.ca).take_list(text);
  if (!taken) {
    return fail(c, taken.error());
  }
  const auto list = trust::read_list(text);
  return list ? show_list(c, *list) : fail(c, list.error());
}

int revoke(const KeysCommand& c) {
  if (!c.ca.empty() && platform::is_plain_file(c.file)) {
    const auto text = trust::read_text(c.file);
    return text ? give_list_to_ca(c, *text) : fail(c, text.error());
  }
  if (!c.ca.empty()) {
    const auto list = Authority(c.ca).revoke(c.file, when(c));
    return list ? hand_over(c, c.out.empty() ? "revoked.pem" : c.out, *list,
                            "next: carry it to each node, and there: `vedette keys revoke FILE "
                            "--data FOLDER`")
                : fail(c, list.error());
  }
  const auto text = trust::read_text(c.file);
  if (!text) {
    return fail(c, text.error());
  }
  Store store = store_of(c);
  const auto taken = store.take_list(*text, clock_now(), c.any_time);
  if (!taken) {
    return fail(c, taken.error());
  }
  return show_list(c, *taken);
}

int restore(const KeysCommand& c) {
  const auto text = trust::read_text(c.file);
  if (!text) {
    return fail(c, text.error());
  }
  const auto own = store_of(c).restore(*text, clock_now());
  return own ? show(c, *own,
                    "next: `vedette keys node --name " + own->identity.name + " --data " + c.data +
                        "`")
             : fail(c, own.error());
}

int back_up(const KeysCommand& c) {
  const auto text = store_of(c).backup();
  return text ? hand_over(
                    c, c.out, *text,
                    "it holds no key; `vedette keys restore FILE --data FOLDER` brings it back")
              : fail(c, text.error());
}

int show_authority(const KeysCommand& c) {
  Authority ca(c.ca);
  const auto own = ca.own();
  const auto issued = ca.issued();
  const auto list = ca.list();
  if (!own || !issued || !list) {
    return fail(c, !own ? own.error() : !issued ? issued.error() : list.error());
  }
  const auto revoked = [&](const std::string& serial) {
    for (const trust::Revoked& r : list->revoked) {
      if (r.serial == serial) {
        return true;
      }
    }
    return false;
  };
  if (c.json) {
    std::string text;
    Json json(text);
    json.begin_object().key("own");
    put(json, *own);
    json.member("list", list->number).key("issued").begin_array();
    for (const Certificate& each : *issued) {
      json.begin_object().key("certificate");
      put(json, each);
      json.member("revoked", revoked(each.serial)).end_object();
    }
    json.end_array().end_object();
    print_data("keys", text);
    return kOk;
  }
  print_certificate(*own);
  print("  list %llu of revoked certificates\n", static_cast<unsigned long long>(list->number));
  for (const Certificate& each : *issued) {
    print_text("\n" + std::string(revoked(each.serial) ? "REVOKED " : ""));
    print_certificate(each);
  }
  return kOk;
}

void put_lists(Json& json, const trust::Held& held) {
  json.key("lists").begin_array();
  for (const std::string& pem : trust::parts(held.lists, "X509 CRL")) {
    if (const auto list = trust::read_list(pem)) {
      json.begin_object().member("issuer", std::string_view(list->issuer));
      json.member("number", list->number)
          .member("revoked", std::uint64_t{list->revoked.size()})
          .end_object();
    }
  }
  json.end_array();
}

int show_node(const KeysCommand& c) {
  const auto held = store_of(c).load();
  if (!held) {
    return fail(c, held.error());
  }
  const auto own = trust::read_certificate(held->certificates);
  if (!own) {
    return fail(c, {Refusal::no_certificate, c.data + " belongs to no fleet yet",
                    "`vedette keys node --data " + c.data + " --name NAME` begins"});
  }
  const trust::Time time = Store::time(*held, clock_now());
  const auto judged = trust::judge(
      held->certificates, {held->roots, held->lists, {}, {}, time.now_s, time.trusted, true});
  const std::string problem = judged ? "" : judged.error().what;
  if (c.json) {
    std::string text;
    Json json(text);
    json.begin_object().key("certificate");
    put(json, *own);
    put_lists(json, *held);
    json.member("time_trusted", time.trusted).member("time_why", std::string_view(time.why));
    json.member("problem", std::string_view(problem)).end_object();
    print_data("keys", text);
    return judged ? kOk : kFound;
  }
  print_certificate(*own);
  for (const std::string& pem : trust::parts(held->lists, "X509 CRL")) {
    if (const auto list = trust::read_list(pem)) {
      print("  ");
      show_list({}, *list);
    }
  }
  print_text(time.trusted ? "  time: trusted\n" : "  time: untrusted: " + time.why + "\n");
  print_text(judged ? "" : "  PROBLEM: " + problem + "\n");
  return judged ? kOk : kFound;
}

int show_request(const KeysCommand& c, const trust::Request& request) {
  const std::string key = trust::fingerprint(request.public_key);
  if (c.json) {
    std::string text;
    Json json(text);
    json.begin_object().member("request", std::string_view(request.name));
    json.member("key", std::string_view(key)).end_object();
    print_data("keys", text);
  } else {
    print_text("request of " + request.name + ", key " + key + "\n");
  }
  return kOk;
}

int show_file(const KeysCommand& c) {
  const auto text = trust::read_text(c.file);
  if (!text) {
    return fail(c, text.error());
  }
  if (const auto request = trust::read_request(*text)) {
    return show_request(c, *request);
  }
  if (const auto list = trust::read_list(*text); list && !text->starts_with("-----BEGIN CERT")) {
    return show_list(c, *list);
  }
  const auto first = trust::read_certificate(*text);
  return first ? show(c, *first, "") : fail(c, first.error());
}

}  // namespace

int keys(const KeysCommand& c, const std::string& word) {
  constexpr std::pair<std::string_view, int (*)(const KeysCommand&)> kWords[] = {
      {"root", make_root},  {"ca", make_ca},    {"node", begin_node}, {"enroll", enroll},
      {"restore", restore}, {"rotate", rotate}, {"revoke", revoke},   {"backup", back_up},
  };
  for (const auto& [name, act] : kWords) {
    if (name == word) {
      return act(c);
    }
  }
  return !c.file.empty() ? show_file(c) : c.ca.empty() ? show_node(c) : show_authority(c);
}

}  // namespace vedette::cli
