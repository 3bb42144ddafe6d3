#include "platform/doctor.hpp"

#include <cstdio>

#include "cli/command.hpp"

namespace vedette::cli {

int doctor(bool json, const std::string& sysroot) {
  const auto checks = platform::examine_host(sysroot);
  bool found = false;
  std::string text;
  JsonWriter<std::string> out(text);
  out.begin_object().key("checks").begin_array();
  for (const platform::Check& c : checks) {
    const bool bad = c.health == platform::Health::fail || c.health == platform::Health::warn;
    found = found || c.health == platform::Health::fail;
    out.begin_object().member("id", std::string_view(c.id));
    out.member("result", std::string_view(platform::name_of(c.health)));
    out.member("seen", std::string_view(c.seen)).member("wanted", std::string_view(c.wanted));
    if (bad || c.health == platform::Health::unknown) {
      out.member("why", std::string_view(c.why)).member("remedy", std::string_view(c.remedy));
      out.member("reboot", c.reboot);
    }
    out.end_object();
    if (!json) {
      std::printf("%-15s %-24s seen: %s\n", platform::name_of(c.health).c_str(), c.id.c_str(),
                  c.seen.c_str());
      if (bad) {
        std::printf("%15s wanted: %s, because %s\n%15s remedy: %s%s\n", "", c.wanted.c_str(),
                    c.why.c_str(), "", c.remedy.c_str(), c.reboot ? " (needs a reboot)" : "");
      }
    }
  }
  out.end_array().end_object();
  if (json) {
    print_data("doctor", text);
  }
  return found ? kFound : kOk;
}

}  // namespace vedette::cli
