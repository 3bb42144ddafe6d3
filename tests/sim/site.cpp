#include "sim/site.hpp"

namespace vedette::sim {

std::string site_of(Random& random) {
  const auto number = [&](std::uint64_t low, std::uint64_t high) {
    return std::to_string(low + random.below(high - low + 1));
  };
  // Sequential draws, so that a seed means the same with every compiler.
  const std::string tracks = number(8, 48);
  const std::string batch = number(2, 64);
  const std::string pending = number(1, 12);
  const std::string tick = number(50, 900);
  const std::string retire = number(8, 30);
  const std::string hold = number(0, 2);
  const std::string clear = number(0, 3);
  const std::string horizon = number(1, 5);
  const std::string retries = number(0, 4);
  const std::string backoff = number(20, 700);
  const std::string breaker = number(0, 5);
  const std::string rest = number(100, 4000);
  const std::string sample = number(1, 4);
  const std::string recover = number(50, 6000);
  const std::string waiting = number(1, 300);
  const std::string deadline = number(1, 8);
  const std::string contacts = number(2, 24);
  const std::string turn = random.one_in(2) ? "turn" : "datagram";
  return "site = \"sim\"\n[limits]\ntracks = " + tracks + "\nbatch_events = " + batch +
         "\ncontacts = " + contacts + "\nwaiting_events = " + waiting + "\nrecover = \"" + recover +
         " ms\"" + "\npending_actions = " + pending + "\ntick = \"" + tick +
         " ms\"\n"
         "[source.urgent]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"ais\"\nclass = "
         "\"critical\"\n"
         "[source.routine]\ndriver = \"udp\"\nlisten = \"127.0.0.1:2\"\ncodec = \"ais\"\nclass = "
         "\"bulk\"\nhorizon = \"" +
         deadline + " s\"\nsample = " + sample +
         "\n"
         "[source.plots]\ndriver = \"udp\"\nlisten = \"127.0.0.1:3\"\ncodec = \"asterix\"\n"
         "[sensor.one]\nsource = \"plots\"\nsic = 1\nposition = [59.0, 24.0]\nrange = \"3 km\"\n"
         "range_sigma = \"10 m\"\nazimuth_sigma = \"0.5 deg\"\nresolution = \"20 m\"\n"
         "[sensor.two]\nsource = \"plots\"\nsic = 2\nposition = [59.01, 24.0]\nrange = \"2 km\"\n"
         "range_sigma = \"5 m\"\nazimuth_sigma = \"0.2 deg\"\nconfirm = 2\nscan = \"" +
         turn +
         "\"\n"
         "[assess.contact]\nof = \"track\"\nkinds = [\"contact\"]\nwhen = \"track.updates >= 4\"\n"
         "[decide.e]\non = \"contact\"\ntrigger = \"both\"\nrun = \"quickly\"\n"
         // Retired before the final settling ends, so that nothing is decided then.
         "[tracker.contact]\ncoast = \"3 s\"\nlost = \"6 s\"\nretire = \"" +
         retire +
         " s\"\n"
         "[tracker.vessel]\ncoast = \"3 s\"\nlost = \"6 s\"\nretire = \"" +
         retire +
         " s\"\n"
         "[assess.seen]\nof = \"track\"\nwhen = \"track.updates >= 1\"\n"
         "[assess.fast]\nsafe = false\nof = \"track\"\nwhen = \"track.speed > 2 m/s\"\nhold = \"" +
         hold + " s\"\nclear = \"" + clear +
         " s\"\n"
         "[assess.silent]\nof = \"source.routine\"\nwhen = \"source.age > 2 s\"\n"
         "[decide.a]\non = \"seen\"\nrun = \"surely\"\n[decide.b]\non = \"fast\"\ntrigger = "
         "\"both\"\nrun = \"quickly\"\n"
         "[decide.c]\non = \"silent\"\ntrigger = \"both\"\nrun = \"quickly\"\n"
         "[action.surely]\nsink = \"log\"\ndurable = \"before\"\nretries = " +
         retries + "\nhorizon = \"" + horizon +
         " s\"\n"
         "[action.quickly]\nsafe = false\nsink = \"log\"\ndurable = \"behind\"\nidempotent = "
         "true\nhorizon = \"1 "
         "s\"\n"
         "retries = " +
         retries + "\nbackoff = \"" + backoff +
         " ms\"\n[sink.log]\ndriver = \"log\"\nbreaker = " + breaker + "\nbreaker_rest = \"" +
         rest + " ms\"\n";
}

}  // namespace vedette::sim
