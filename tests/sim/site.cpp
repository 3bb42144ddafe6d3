#include "sim/site.hpp"

#include "plan/plan.hpp"
#include "plan/seal.hpp"

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
  const std::string checkpoint = number(300, 5000);
  const std::string longest = random.one_in(2) ? "50 ms" : "60 s";
  const std::string within = number(1, 900);
  const std::string turn = random.one_in(2) ? "turn" : "datagram";
  return "site = \"sim\"\n[limits]\ntracks = " + tracks + "\nbatch_events = " + batch +
         "\ncontacts = " + contacts + "\nwaiting_events = " + waiting + "\nrecover = \"" + recover +
         " ms\"\ncheckpoint = \"" + checkpoint + " ms\"\nturn = \"" + longest +
         "\"\npairs = 16\npending_actions = " + pending + "\ntick = \"" + tick +
         " ms\"\n"
         "[source.urgent]\ndriver = \"serial\"\ndevice = \"/nowhere/1\"\ncodec = \"ais\"\nclass = "
         "\"critical\"\n"
         "[source.routine]\ndriver = \"serial\"\ndevice = \"/nowhere/2\"\ncodec = \"ais\"\nclass = "
         "\"bulk\"\nhorizon = \"" +
         deadline + " s\"\nsample = " + sample +
         "\n"
         "[source.plots]\ndriver = \"udp\"\nlisten = \"127.0.0.1:48630\"\ngroup = "
         "\"239.192.0.1\"\ncodec = \"asterix\"\n"
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
         "[decide.c]\non = \"silent\"\ntrigger = \"both\"\nrun = [\"alarm\", \"surely\"]\n"
         "[decide.d]\non = \"fast\"\ntrigger = \"both\"\nrun = \"alarm\"\n"
         "[assess.disk]\nof = \"node\"\nwhen = \"node.journal > 2 s\"\n"
         "[assess.mute]\nof = \"sink.log\"\nwhen = \"sink.failures > 1 or sink.age > 5 s\"\n"
         "[assess.near]\nof = \"pair\"\nwithin = \"5 km\"\nwhen = \"distance(a, b) < 1 km\"\n"
         "kinds = [\"vessel\", \"contact\"]\n"
         "[decide.h]\non = \"near\"\ntrigger = \"both\"\nrun = \"quickly\"\n"
         "[decide.f]\non = \"disk\"\nrun = \"alarm\"\n"
         "[decide.g]\non = \"mute\"\ntrigger = \"both\"\nrun = \"quickly\"\n"
         "[action.alarm]\nsink = \"log\"\nrecord_within = \"" +
         within + " ms\"\nretries = " + retries + "\nhorizon = \"" + horizon +
         " s\"\n"
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

std::vector<std::uint8_t> plan_of(const std::string& site, Random& random) {
  plan::Compiled compiled = plan::compile_site(site, "");
  if (!compiled.problems.empty()) {
    fail("the site: %s", compiled.problems[0].message.c_str());
  }
  std::string error;
  const plan::Plan* plan = plan::load_plan(compiled.buffer, error);
  if (plan == nullptr) {
    fail("the plan: %s", error.c_str());
  }
  auto* limits = const_cast<flatbuffers::Table*>(  // in the buffer, which is ours
      reinterpret_cast<const flatbuffers::Table*>(plan->limits()));
  using L = plan::Limits;
  for (const auto& [field, bytes] : {std::pair<int, std::uint64_t>{L::VT_SEGMENT_BYTES, 256 << 10},
                                     {L::VT_JOURNAL_BYTES, 1 << 20},
                                     {L::VT_BATCH_LANE_BYTES, (10 + random.below(60)) << 10},
                                     {L::VT_EVIDENCE_BYTES, 64 << 10}}) {
    if (!limits->SetField<std::uint64_t>(static_cast<flatbuffers::voffset_t>(field), bytes, 0)) {
      fail("the plan has no place for its limits");
    }
  }
  compiled.buffer.resize(compiled.buffer.size() - plan::kSealBytes);
  plan::seal_plan(compiled.buffer);
  return std::move(compiled.buffer);
}

}  // namespace vedette::sim
