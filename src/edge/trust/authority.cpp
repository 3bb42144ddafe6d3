#include "edge/trust/authority.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "edge/trust/store.hpp"
#include "platform/file.hpp"

namespace vedette::trust {
namespace {

constexpr std::string_view kKey = "key.pem";
constexpr std::string_view kCertificates = "certificates.pem";
constexpr std::string_view kIssued = "issued.pem";
constexpr std::string_view kList = "list.pem";
constexpr std::string_view kOthers = "others.pem";

Failure<Problem> no_authority(const std::string& folder) {
  return failed(Refusal::unreadable, folder + " holds no root and no CA",
                "`vedette keys root` and `vedette keys ca` make them");
}

Validity valid_for(std::int64_t now_s, std::int64_t days, std::int64_t at_most_s) {
  return {now_s - kSkew_s, std::min(now_s + days * kDay_s, at_most_s)};
}

// Empty only if it is not there: what cannot be read must not be begun anew.
Result<std::string, Problem> read_register(const std::string& path) {
  if (!platform::exists(path)) {
    return std::string();
  }
  const auto bytes = platform::read_file(path, kRegisterBytes);
  return bytes ? Result<std::string, Problem>(std::string(bytes->begin(), bytes->end()))
               : failed(Refusal::unreadable, path + ": " + platform::error_text(bytes.error()));
}

std::int64_t newest_of(std::string_view certificates, std::int64_t than_s) {
  for (const std::string& pem : parts(certificates, "CERTIFICATE")) {
    const auto c = read_certificate(pem);
    than_s = std::max(than_s, c ? c->valid.from_s + kSkew_s : 0);
  }
  return than_s;
}

}  // namespace

// A clock behind what is signed already is wrong; the next signature is at least as late.
Result<Authority::Loaded, Problem> Authority::load(When when) const {
  if (!platform::exists(path(kKey))) {
    return no_authority(folder_);
  }
  Loaded out;
  auto key = read_secret(path(kKey));
  auto certificates = read_text(path(kCertificates));
  auto list = read_text(path(kList));
  auto others = platform::exists(path(kOthers)) ? read_text(path(kOthers)) : std::string();
  auto issued = read_register(path(kIssued));
  for (const auto* text : {&key, &certificates, &list, &others, &issued}) {
    if (!*text) {
      return Failure{text->error()};
    }
  }
  auto read = read_list(*list);
  if (!read) {
    return Failure{read.error()};
  }
  const auto own = parts(*certificates, "CERTIFICATE");
  if (own.empty() || !belongs(own.front(), *key)) {
    return failed(Refusal::wrong_key,
                  path(kCertificates) + " does not begin with the certificate of " + path(kKey),
                  "restore the folder from its copy");
  }
  out.issuer = {own.front(), *key};
  out.certificates = std::move(certificates).value();
  out.issued = std::move(issued).value();
  out.list = std::move(read).value();
  out.list_pem = std::move(list).value();
  out.others = std::move(others).value();
  const std::int64_t last_s =
      newest_of(out.issued + out.certificates, std::max(kBuilt_s, out.list.at_s));
  if (when.clock_s > last_s + kUnused_s && !when.believed) {
    return failed(Refusal::not_yet_valid,
                  "the clock here says " + date_text(when.clock_s) +
                      ", and the last signature is of " + date_text(last_s),
                  "set the clock; if it is right, add --any-time");
  }
  out.now_s = when.believed ? std::max(when.clock_s, kBuilt_s) : std::max(when.clock_s, last_s);
  return out;
}

Result<Certificate, Problem> Authority::begin(const std::string& key,
                                              const std::string& certificates,
                                              const std::string& others, std::int64_t now_s) {
  const std::string own = parts(certificates, "CERTIFICATE").front();
  const auto list = make_list({own, key}, {{}, {}, 1, now_s, {}});
  if (!list) {
    return Failure{list.error()};
  }
  const std::pair<std::string_view, const std::string*> files[] = {
      {kCertificates, &certificates}, {kList, &*list}, {kOthers, &others}, {kKey, &key}};
  for (const auto& [name, text] : files) {
    if (const auto done = write_text(path(name), *text, name == kKey, false); !done) {
      return Failure{done.error()};
    }
  }
  return read_certificate(own);
}

namespace {

// A folder for a new key.
Problem make_place(const std::string& folder, const std::string& key) {
  if (platform::exists(key)) {
    return {Refusal::exists, folder + " holds a key already",
            "give another folder; nothing is overwritten"};
  }
  const int error = platform::make_folders(folder);
  return error == 0 ? Problem{}
                    : Problem{Refusal::unreadable, folder + ": " + platform::error_text(error), {}};
}

}  // namespace

Result<Certificate, Problem> Authority::make_root(std::string_view fleet, std::string_view name,
                                                  std::int64_t clock_s, std::int64_t days) {
  if (Problem problem = make_place(folder_, path(kKey)); problem.refusal != Refusal::none) {
    return Failure{std::move(problem)};
  }
  const std::int64_t now_s = std::max(clock_s, kBuilt_s);
  const auto key = new_key();
  if (!key) {
    return Failure{key.error()};
  }
  const auto open = public_key(*key);
  const auto certificate =
      open ? certify({{}, *key}, Kind::root, {std::string(fleet), std::string(name), {}, {}}, *open,
                     valid_for(now_s, days, INT64_MAX))
           : Result<std::string, Problem>(Failure{open.error()});
  return certificate ? begin(*key, *certificate, {}, now_s)
                     : Result<Certificate, Problem>(Failure{certificate.error()});
}

Result<Certificate, Problem> Authority::make_ca(const Authority& root, std::string_view name,
                                                When when, std::int64_t days) {
  if (Problem problem = make_place(folder_, path(kKey)); problem.refusal != Refusal::none) {
    return Failure{std::move(problem)};
  }
  const auto above = root.load(when);
  if (!above) {
    return Failure{above.error()};
  }
  const auto issuer = read_certificate(above->issuer.certificate);
  const auto key = new_key();
  const auto open = key ? public_key(*key) : key;
  if (!issuer || !open) {
    return Failure{issuer ? open.error() : issuer.error()};
  }
  const auto certificate =
      certify(above->issuer, Kind::ca, {issuer->identity.fleet, std::string(name), {}, {}}, *open,
              valid_for(above->now_s, days, issuer->valid.until_s));
  if (!certificate) {
    return Failure{certificate.error()};
  }
  if (const auto kept = write_text(root.path(kIssued), above->issued + *certificate, false, true);
      !kept) {
    return Failure{kept.error()};
  }
  return begin(*key, *certificate + above->certificates, above->list_pem + above->others,
               above->now_s);
}

Result<std::string, Problem> Authority::answer(std::string_view request, Identity terms, When when,
                                               std::int64_t days) {
  const auto ca = load(when);
  const auto asked = read_request(request);
  if (!ca || !asked) {
    return Failure{ca ? asked.error() : ca.error()};
  }
  const auto issuer = read_certificate(ca->issuer.certificate);
  if (!issuer) {
    return Failure{issuer.error()};
  }
  if (issuer->valid.until_s <= ca->now_s) {
    return failed(Refusal::expired,
                  "this CA's own certificate expired on " + date_text(issuer->valid.until_s),
                  "make a new CA with `vedette keys ca`");
  }
  terms.fleet = issuer->identity.fleet;
  terms.name = terms.name.empty() ? asked->name : terms.name;
  const auto certificate = certify(ca->issuer, Kind::node, terms, asked->public_key,
                                   valid_for(ca->now_s, days, issuer->valid.until_s));
  if (!certificate) {
    return certificate;
  }
  if (ca->issued.size() + certificate->size() > kRegisterBytes) {
    return failed(Refusal::too_many, path(kIssued) + " is full",
                  "make a new CA with `vedette keys ca`");
  }
  // The register first: what is not in it cannot be revoked by name.
  const auto kept = write_text(path(kIssued), ca->issued + *certificate, false, true);
  return kept ? Result<std::string, Problem>(*certificate + ca->certificates + ca->list_pem +
                                             ca->others)
              : Failure{kept.error()};
}

Result<std::string, Problem> Authority::revoke(std::string_view which, When when) {
  auto ca = load(when);
  const auto all = issued();
  if (!ca || !all) {
    return Failure{ca ? all.error() : ca.error()};
  }
  RevocationList list = ca->list;
  const auto listed = [&](const std::string& serial) {
    return std::any_of(list.revoked.begin(), list.revoked.end(),
                       [&](const Revoked& r) { return r.serial == serial; });
  };
  bool found = false;
  const auto add = [&](const std::string& serial) {
    found = true;
    if (!listed(serial)) {
      list.revoked.push_back({serial, ca->now_s});
    }
  };
  for (const Certificate& c : *all) {
    if (c.serial == which || c.identity.name == which) {
      add(c.serial);
    }
  }
  if (!found) {
    return failed(Refusal::wrong_content,
                  "this CA has signed no certificate of \"" + std::string(which) + "\"",
                  "`vedette keys show --ca " + folder_ + "` lists them");
  }
  ++list.number;
  list.at_s = ca->now_s;
  const auto pem = make_list(ca->issuer, list);
  if (!pem) {
    return pem;
  }
  const auto kept = write_text(path(kList), *pem, false, true);
  return kept ? Result<std::string, Problem>(*pem + ca->certificates) : Failure{kept.error()};
}

Result<std::vector<Certificate>, Problem> Authority::issued() const {
  const auto text = read_register(path(kIssued));
  if (!text) {
    return Failure{text.error()};
  }
  std::vector<Certificate> out;
  for (const std::string& pem : parts(*text, "CERTIFICATE")) {
    const auto c = read_certificate(pem);
    if (!c) {
      return Failure{c.error()};
    }
    out.push_back(*c);
  }
  return out;
}

Result<std::vector<Certificate>, Problem> Authority::living(std::string_view name,
                                                            std::int64_t now_s) const {
  auto all = issued();
  const auto revoked = list();
  if (!all || !revoked) {
    return Failure{all ? revoked.error() : all.error()};
  }
  std::erase_if(all.value(), [&](const Certificate& c) {
    return c.identity.name != name || c.valid.until_s < now_s ||
           std::any_of(revoked->revoked.begin(), revoked->revoked.end(),
                       [&](const Revoked& r) { return r.serial == c.serial; });
  });
  return all;
}

Result<Unit, Problem> Authority::take_list(std::string_view given) {
  const auto ca = load({0, false});
  if (!ca) {
    return Failure{ca.error()};
  }
  const auto chain = parts(ca->certificates, "CERTIFICATE");
  const auto merged = merge_lists(
      ca->others, given,
      {std::string(given) + ca->certificates, chain.back(), ca->now_s, INT64_MAX, false});
  if (!merged) {
    return Failure{merged.error()};
  }
  // With the certificates of those who signed, so that nodes can check them.
  std::string text = *merged;
  for (const std::string& pem : parts(ca->others + std::string(given), "CERTIFICATE")) {
    const auto c = read_certificate(pem);
    if (c && c->issues && !c->self_signed && text.find(pem) == std::string::npos) {
      text += pem;
    }
  }
  return write_text(path(kOthers), text, false, true);
}

Result<RevocationList, Problem> Authority::list() const {
  const auto text = read_text(path(kList));
  return text ? read_list(*text) : Result<RevocationList, Problem>(Failure{text.error()});
}

Result<Certificate, Problem> Authority::own() const {
  const auto text = read_text(path(kCertificates));
  return text ? read_certificate(*text) : Result<Certificate, Problem>(Failure{text.error()});
}

}  // namespace vedette::trust
