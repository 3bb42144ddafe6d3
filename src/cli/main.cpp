#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "cli/command.hpp"
#include "plan/problem.hpp"

using namespace vedette::cli;

namespace {

// CLI11's own words for a wrong command line, with a suggestion it does not make.
int usage(CLI::App& app, const CLI::ParseError& error, const std::string& first) {
  if (error.get_exit_code() == 0) {
    return app.exit(error);  // --help, --version
  }
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  bool known = false;
  for (const std::string& name : names) {
    known = known || name == first;
  }
  if (!first.empty() && first[0] != '-' && !known) {
    const std::string best = vedette::plan::nearest(first, names);
    std::fprintf(
        stderr, "vedette: there is no command \"%s\"%s\n", first.c_str(),
        best.empty() ? "; see vedette --help" : (", did you mean \"" + best + "\"?").c_str());
  } else {
    std::fprintf(stderr, "vedette: %s\n", error.what());
  }
  return kUsage;
}

int dispatch(int argc, char** argv) {
  CLI::App app{
      "Vedette: a watch post in one program. It senses, judges, decides, acts, and can say why."};
  app.set_version_flag("--version", "vedette " VEDETTE_VERSION);
  app.require_subcommand(1);
  int code = kOk;
  bool json = false;
  SiteOptions site;
  RunCommand run_command;
  JournalCommand journal_command;
  std::string out, codec, file, page, sysroot, data;
  const auto add_json = [&](CLI::App* c) {
    c->add_flag("--json", json, "One JSON document on stdout");
  };
  const auto add_site = [&](CLI::App* c) {
    c->add_option("SITE", site.path, "Site file, or compiled plan")->required();
    c->add_option("--env", site.environment, "Apply the overrides of [env.NAME]");
    add_json(c);
  };
  const auto add_data = [&](CLI::App* c) {
    c->add_option("DIR", journal_command.data, "Data folder of a node")->required();
    add_json(c);
  };

  auto* c = app.add_subcommand("check", "Check a site file and report every error");
  add_site(c);
  c->callback([&] { code = check(site, json); });
  c = app.add_subcommand("plan", "Print what a site compiles to: stages, deadlines, memory");
  add_site(c);
  c->callback([&] { code = show_plan(site, json); });
  c = app.add_subcommand("compile", "Compile a site file to a plan");
  add_site(c);
  c->add_option("-o,--out", out, "The plan's file")->required();
  c->callback([&] { code = compile(site, out, json); });
  c = app.add_subcommand("run", "Watch, until told to stop or the recordings end");
  add_site(c);
  c->add_option("--for", run_command.for_text, "Stop after so long: 30s, \"5 min\"");
  c->add_option("--data", run_command.data, "Data folder (default vedette-data)");
  c->add_option("--recordings", run_command.recordings,
                "Folder of recordings (default: the site's)");
  c->add_flag("--alerts", run_command.alerts, "Every action also as a JSON line on stdout");
  c->callback([&] {
    run_command.site = site;
    run_command.json = json;
    code = run(run_command);
  });
  c = app.add_subcommand("replay", "Feed a journal to its plan again and compare batch by batch");
  add_data(c);
  c->add_flag("--verify", journal_command.verify, "Compare with the journal (always done)");
  c->callback([&] {
    journal_command.json = json;
    code = replay(journal_command);
  });
  c = app.add_subcommand("journal", "List the events of a journal, one JSON line each");
  add_data(c);
  c->callback([&] {
    journal_command.json = json;
    code = journal(journal_command);
  });
  c = app.add_subcommand("explain", "From an event back to the bytes that caused it");
  add_data(c);
  c->add_option("EVENT", journal_command.event, "Number of the event")->required();
  c->callback([&] {
    journal_command.json = json;
    code = explain(journal_command);
  });
  c = app.add_subcommand("decode", "Decode a file outside any node, one JSON line a record");
  c->add_option("CODEC", codec, "nmea0183, ais, n2k, mavlink or adsb")->required();
  c->add_option("FILE", file, "The recording")->required();
  add_json(c);
  c->callback([&] { code = decode(codec, file, json); });
  c = app.add_subcommand("status", "Ask a running node");
  data = "vedette-data";
  c->add_option("--data", data, "Data folder of the node");
  add_json(c);
  c->callback([&] { code = status(data, json); });
  c = app.add_subcommand("doctor", "What this host lacks for hard real time");
  c->add_option("--sysroot", sysroot, "Read /proc and /sys below this folder");
  add_json(c);
  c->callback([&] { code = doctor(json, sysroot); });
  c = app.add_subcommand("docs", "Print a generated page");
  c->add_option("PAGE", page, "site-file or site-schema")
      ->required()
      ->check(CLI::IsMember({"site-file", "site-schema"}));
  c->callback([&] { code = docs(page); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage(app, error, argc > 1 ? argv[1] : "");
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const std::exception& error) {
    std::fputs("vedette: internal fault: ", stderr);
    std::fputs(error.what(), stderr);
    std::fputs("\n", stderr);
  } catch (...) {
    std::fputs("vedette: internal fault\n", stderr);
  }
  return kInternal;
}
