// The options of `vedette keys`.
#include "cli/command_line.hpp"

namespace vedette::cli {

namespace {

struct Adder {
  CommandLine& l;
  CLI::App* all;

  CLI::App* add(const char* word, const char* help) const {
    CLI::App* c = all->add_subcommand(word, help);
    add_json(l, c);
    c->callback([this_l = &l, word] {
      this_l->keys.json = this_l->json;
      this_l->code = keys(this_l->keys, word);
    });
    return c;
  }
  void days(CLI::App* c, const char* help) const {
    c->add_option("--days", l.keys.days, help)->check(CLI::Range(1, 36'525));
  }
  CLI::Option* data(CLI::App* c) const {
    return c->add_option("--data", l.keys.data, "Data folder of the node (default: vedette-data)");
  }
  void any_time(CLI::App* c) const {
    c->add_flag("--any-time", l.keys.any_time, "Although its time is far from the time here");
  }
  void authorities() const;
  void both_ends() const;
  void node() const;
};

void Adder::authorities() const {
  KeysCommand& k = l.keys;
  CLI::App* c = add("root", "Make a fleet's root: a key that signs CAs, to be kept apart");
  c->add_option("FOLDER", k.file, "Folder to make")->required();
  c->add_option("--fleet", k.fleet, "Name of the fleet")->required();
  c->add_option("--name", k.name, "Name of the root (default: root)");
  days(c, "How long it is valid (default: 20 years)");

  c = add("ca", "Make a CA: a key that signs nodes");
  c->add_option("FOLDER", k.file, "Folder to make")->required();
  c->add_option("--root", k.root, "Folder of the root")->required();
  c->add_option("--name", k.name, "Name of the CA")->required();
  any_time(c);
  days(c, "How long it is valid (default: 5 years)");
}

void Adder::both_ends() const {
  KeysCommand& k = l.keys;
  CLI::App* c =
      add("enroll", "At the CA: answer a request (--ca). At the node: take the answer (--data)");
  c->add_option("FILE", k.file, "The request, or the answer")->required();
  CLI::Option* ca = c->add_option("--ca", k.ca, "Folder of the CA");
  c->add_option("--role", k.roles, "A role of the node, such as post; may be given again")
      ->needs(ca);
  c->add_option("--scope", k.scope, "What it belongs to, such as a harbour")->needs(ca);
  c->add_option("--name", k.name, "Another name than the request's")->needs(ca);
  c->add_option("--out", k.out, "Where to write the answer (default: FILE.answer)")->needs(ca);
  days(c, "How long it is valid (default: a year)");
  data(c)->excludes(ca);
  any_time(c);

  c = add("rotate", "Make this node's next key and its request; the present one stays in use");
  c->add_option("--out", k.out, "Where to write the request (default: the data folder)");
  data(c);

  c = add("revoke",
          "At the CA: revoke a name or serial number (--ca). At the node: take the list (--data)");
  c->add_option("WHAT", k.file, "A name, a serial number, or the list")->required();
  ca = c->add_option("--ca", k.ca, "Folder of the CA, or of the root");
  c->add_option("--out", k.out, "Where to write the list (default: revoked.pem)")->needs(ca);
  data(c)->excludes(ca);
  any_time(c);
}

void Adder::node() const {
  KeysCommand& k = l.keys;
  CLI::App* c = add("node", "Make this node's key, and a request that is carried to the CA");
  c->add_option("--name", k.name, "Name of the node: 1 to 32 of a-z, 0-9, - and _")->required();
  c->add_option("--out", k.out, "Where to write the request (default: the data folder)");
  data(c);

  c = add("backup", "Write the node's certificates, roots and lists to a file, without its key");
  c->add_option("FILE", k.out, "File to write")->required();
  data(c);

  c = add("restore", "Bring a backup back; the key is made anew with `vedette keys node`");
  c->add_option("FILE", k.file, "The backup")->required();
  data(c);
  any_time(c);

  c = add("show", "Show a node's identity and lists, a CA and what it has signed, or a file");
  c->add_option("FILE", k.file, "A certificate, answer or request");
  c->add_option("--ca", k.ca, "Folder of a CA or root");
  data(c);
}

}  // namespace

void add_keys_commands(CommandLine& l) {
  CLI::App* all =
      l.app.add_subcommand("keys", "Make, enrol, rotate and revoke the identities of a fleet");
  all->require_subcommand(1);
  const Adder adder{l, all};
  adder.authorities();
  adder.node();
  adder.both_ends();

  CLI::App* links = l.app.add_subcommand("link", "Try a connection to another machine");
  links->require_subcommand(1);
  CLI::App* c = links->add_subcommand("probe", "Do a TLS handshake and show what was seen");
  c->add_option("ADDRESS", l.link.address, "host:port")->required();
  CLI::Option* ca = c->add_option("--ca", l.link.ca, "Certificates that the server's must lead to");
  c->add_option("--name", l.link.name, "The name its certificate must have (default: the host)");
  c->add_option("--data", l.link.data, "A node's data folder: be that node, and expect its fleet")
      ->excludes(ca);
  add_json(l, c);
  c->callback([&l] {
    l.link.json = l.json;
    l.code = link_probe(l.link);
  });
}

}  // namespace vedette::cli
