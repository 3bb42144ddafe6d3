// The command lines of what people ask of a folder and of alarms.
#include "cli/command_line.hpp"

namespace vedette::cli {

void add_json(CommandLine& l, CLI::App* c) {
  c->add_flag("--json", l.json, "Print one JSON document on standard output");
}

void add_data(CommandLine& l, CLI::App* c) {
  c->add_option("DIR", l.past.data, "Data folder of a node")->required();
  add_json(l, c);
}

void add_data_or_default(CommandLine& l, CLI::App* c) {
  c->add_option("DIR,--data", l.past.data, "Data folder of a node (default vedette-data)");
  add_json(l, c);
}

namespace {

// Which events of a journal.
void add_wishes(CommandLine& l, CLI::App* c) {
  c->add_option("--since", l.past.since,
                "Only from this time on: 07:34, \"yesterday 22:00\", 10min");
  c->add_option("--until", l.past.until, "Only up to this time");
  c->add_option("--of", l.past.of,
                "Only of one thing: a vessel's name, MMSI or call sign; own; a zone, source, sink, "
                "assessment, decision or action of the site file");
  c->add_flag("--follow", l.past.follow,
              "List new events as they become durable, until interrupted; with --since also those "
              "from then on");
}

void add_explain(CommandLine& l) {
  CLI::App* c = l.app.add_subcommand(
      "explain", "Tell why an alarm was raised and what came of it, or why any event happened");
  c->add_option(
       "ALARM", l.alarm.what,
       "Its number, as `vedette alarms` shows it, or an event's; the data folder may stand "
       "before it")
      ->required()
      ->expected(1, 2);
  c->add_option("--data", l.data, "Data folder of the node");
  c->add_flag("--bytes", l.past.bytes, "Then the events themselves, back to the bytes");
  c->add_option("--picture", l.past.picture, "Draw where everything was into this SVG file");
  add_json(l, c);
  c->callback([&l] {
    l.past.json = l.json;
    l.past.event = l.alarm.what.back();
    l.past.data = l.alarm.what.size() == 2 ? l.alarm.what.front() : l.data;
    l.code = explain(l.past);
  });
}

}  // namespace

void add_past_commands(CommandLine& l) {
  CLI::App* c =
      l.app.add_subcommand("replay", "Repeat what a journal records and compare every batch");
  add_data_or_default(l, c);
  c->add_flag("--verify", l.past.verify, "Compare with the journal; replay always does");
  c->callback([&l] {
    l.past.json = l.json;
    l.code = replay(l.past);
  });
  c = l.app.add_subcommand("journal", "List the events of a journal, one JSON line each");
  add_data_or_default(l, c);
  add_wishes(l, c);
  c->add_option("--kind", l.past.kinds,
                "Only events of this kind: assessment, alarm, action; may be given several times")
      ->allow_extra_args(false);
  c->callback([&l] {
    l.past.json = l.json;
    l.code = journal(l.past);
  });
  add_explain(l);
  c = l.app.add_subcommand("inspect", "Show belief and actions under way, now or at a past moment");
  add_data_or_default(l, c);
  c->add_option("--at", l.past.event,
                "An event's number, or a time: 07:34, \"yesterday 22:00\", -10min");
  c->callback([&l] {
    l.past.json = l.json;
    l.code = inspect(l.past);
  });
  c = l.app.add_subcommand("recover",
                           "Copy a data folder up to a moment; the original stays unchanged");
  add_data_or_default(l, c);
  c->add_option("--to", l.past.event,
                "An event's number, or a time: 07:34, \"yesterday 22:00\", -10min")
      ->required();
  c->add_option("-o,--out", l.past.out, "Folder to write the copy to")->required();
  c->callback([&l] {
    l.past.json = l.json;
    l.code = recover(l.past);
  });
  c = l.app.add_subcommand(
      "rehearse", "Run a journal through another site file and show which decisions differ");
  add_data_or_default(l, c);
  c->add_option("--plan", l.past.site.path, "Site file, or compiled plan")->required();
  c->add_option("--env", l.past.site.environment, "Apply the overrides in [env.NAME]");
  c->callback([&l] {
    l.past.json = l.json;
    l.code = rehearse(l.past);
  });
}

namespace {

void add_words(CommandLine& l, CLI::App* c) {
  c->add_option("--by", l.alarm.by, "Who does it, for the log; at most 24 bytes");
  c->add_option("--note", l.alarm.note, "Why, for the log; at most 64 bytes");
  c->add_option("--data", l.alarm.data, "Data folder of the node");
  add_json(l, c);
}

}  // namespace

void add_alarm_commands(CommandLine& l) {
  CLI::App* c = l.app.add_subcommand("alarms", "List what is alarming now, most urgent first");
  c->add_option("--data", l.alarm.data, "Data folder of the node");
  c->add_flag("--all", l.alarm.all, "Also alarms that are shelved, or follow from another");
  c->add_flag("--follow", l.alarm.follow, "Then a line for each change, until interrupted");
  add_json(l, c);
  c->callback([&l] { l.code = alarms(l.alarm, l.json); });
  c = l.app.add_subcommand("acknowledge", "Record that a person has seen an alarm and takes over");
  c->add_option("ALARM", l.alarm.what,
                "Its number, as `vedette alarms` shows it; or kind and identity of a track, as an "
                "alert has them, for all its alarms: vessel 230123450")
      ->required()
      ->expected(1, 2);
  add_words(l, c);
  c->callback([&l] { l.code = acknowledge(l.alarm, l.json); });
  c = l.app.add_subcommand("shelve", "Silence an alarm for a while; it returns by itself");
  c->add_option("ALARM", l.alarm.what, "Its number, as `vedette alarms` shows it")->required();
  c->add_option("--for", l.alarm.for_text, "How long: 30min, \"2 h\"; 24 h at most")->required();
  add_words(l, c);
  c->callback([&l] { l.code = shelve(l.alarm, l.json); });
  c = l.app.add_subcommand("unshelve", "End an alarm's shelving");
  c->add_option("ALARM", l.alarm.what, "Its number, as `vedette alarms --all` shows it")
      ->required();
  add_words(l, c);
  c->callback([&l] { l.code = unshelve(l.alarm, l.json); });
  c = l.app.add_subcommand("note", "Write a line into the watch log");
  c->add_option("TEXT", l.alarm.what, "At most 64 bytes")->required();
  c->add_option("--by", l.alarm.by, "Who writes it; at most 24 bytes");
  c->add_option("--data", l.alarm.data, "Data folder of the node");
  add_json(l, c);
  c->callback([&l] { l.code = note(l.alarm, l.json); });
  c = l.app.add_subcommand("log", "The watch log: alarms, what people did, faults of the node");
  add_data_or_default(l, c);
  add_wishes(l, c);
  c->add_flag("--rates", l.past.rates, "Instead how much was alarmed, by EEMUA 191");
  c->add_flag("--handover", l.past.handover,
              "Instead what the next watch must know: alarms now, what people did and wrote, the "
              "node's troubles, how much was alarmed; of the last 8 h without --since");
  c->callback([&l] {
    l.past.json = l.json;
    l.code = watch_log(l.past);
  });
}

}  // namespace vedette::cli
