// Purpose: the values of the command line, and the groups of commands that fill them. Runs on: cold
// threads.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/command.hpp"

namespace vedette::cli {

// Storage for CLI11's values; commands share it, because only one runs.
struct CommandLine {
  CLI::App app{
      "Vedette: a watch post in one program. It senses, judges, decides, acts, and explains why."};
  int code = kOk;
  bool json = false;
  SiteOptions site;
  RunCommand run;
  JournalCommand past;
  ScoreCommand score;
  DoctorCommand doctor;
  FlashCommand flash;
  UpdateCommand update;
  AlarmCommand alarm;
  KeysCommand keys;
  LinkCommand link;
  bool threads = false;
  bool watch = false;
  std::string out, codec, file, page, event, against, told;
  std::string data = "vedette-data";
  std::uint16_t udp_port = 0;
  bool send = false;
  bool isolation = false;
};

void add_json(CommandLine& l, CLI::App* c);
void add_data(CommandLine& l, CLI::App* c);
// Where no argument follows, the folder may be left out, or stand behind --data.
void add_data_or_default(CommandLine& l, CLI::App* c);
void add_past_commands(CommandLine& l);
void add_alarm_commands(CommandLine& l);
void add_keys_commands(CommandLine& l);

}  // namespace vedette::cli
