#include "node/score.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>

#include "base/math.hpp"
#include "base/text.hpp"
#include "core/engine/shard.hpp"
#include "edge/codec/codec.hpp"
#include "edge/ingress/recording.hpp"

namespace vedette::node {
namespace {

constexpr double kCutoff = 20.0;
constexpr std::size_t kLaneRecords = 512;

std::optional<Place> truth_at(const std::vector<TruthPoint>& points, std::int64_t ns) {
  if (points.empty() || ns < points.front().ns || ns > points.back().ns) {
    return std::nullopt;
  }
  const auto after = std::lower_bound(points.begin(), points.end(), ns,
                                      [](const TruthPoint& p, std::int64_t t) { return p.ns < t; });
  if (after == points.begin()) {
    return after->place;
  }
  const TruthPoint& a = *(after - 1);
  const double share = static_cast<double>(ns - a.ns) /
                       static_cast<double>(std::max<std::int64_t>(1, after->ns - a.ns));
  return Place{a.place.latitude + share * (after->place.latitude - a.place.latitude),
               a.place.longitude + share * (after->place.longitude - a.place.longitude)};
}

// One source of the plan, with its datagrams of the capture.
struct Feed {
  ingress::Recording recording;
  std::unique_ptr<codec::OwnDecoder> decoder;
  std::uint16_t source = 0;
};

class Runner {
 public:
  Runner(const plan::Plan& plan, const Truth& truth, Score& out) : truth_(truth), out_(out) {
    const std::size_t lane_bytes = kLaneRecords * kEventBytes;
    const std::size_t batch_bytes = 2 * engine::batch_bytes_bound(plan) + 64;
    memory_.assign(
        (engine::Shard::bytes_needed(plan) + Lane::bytes_needed(kLaneRecords, lane_bytes) +
         Lane::bytes_needed(4, batch_bytes)) /
                8 +
            64,
        0);
    Arena arena(memory_.data(), memory_.size() * 8);
    shard_.init(arena, plan, 1, 1);
    lane_.init(arena, kLaneRecords, lane_bytes, Lane::Ends::together);
    batches_.init(arena, 4, batch_bytes);
  }

  void frame(Feed& feed, const ingress::Frame& frame) {
    now_ns_ = std::max(now_ns_, frame.time_ns);
    feed_ = &feed;
    record_ = frame.number;
    if (frame.cause == RefusalCause::none) {
      const codec::Output output{this, on_message, [](void*, RefusalCause, Bytes) {}};
      feed.decoder->get().datagram(frame.bytes, now_ns_, output);
    }
    const std::uint64_t before = shard_.contacts().looks();
    do {
      Lane* const lanes[] = {&lane_};
      if (!shard_.step(lanes, batches_, now_ns_, 0).empty()) {
        batches_.peek();
        batches_.release();
      }
    } while (lane_.size() != 0 || shard_.unfinished());
    if (shard_.contacts().looks() != before) {
      scan(shard_.contacts().last_look_ns());
    }
  }

  void finish() {
    const auto scans = static_cast<double>(std::max<std::uint64_t>(1, out_.scans));
    const double pairs = std::max(1.0, pairs_);
    out_.gospa_m = gospa_ / scans;
    out_.localisation_m = det_sqrt(squared_ / scans);
    out_.missed_m = det_sqrt(kCutoff * kCutoff / 2.0 * missed_ / scans);
    out_.false_m = det_sqrt(kCutoff * kCutoff / 2.0 * false_ / scans);
    out_.rmse_m = det_sqrt(squared_ / pairs);
    out_.missed = missed_ / std::max(1.0, pairs_ + missed_);
    out_.false_per_scan = false_ / scans;
    out_.nees = nees_ / pairs;
    out_.nis = nis_ / std::max(1.0, nis_count_);
    out_.targets = truth_.size();
    out_.tracks = out_.paths.size();
    out_.events = shard_.progress().accepted;
    out_.digest = shard_.progress().digest;
    double waited = 0.0;
    for (const auto& [name, target] : targets_) {
      waited +=
          seconds_between(target.first_ns, target.found_ns != 0 ? target.found_ns : target.last_ns);
    }
    out_.time_to_confirm_s =
        waited / static_cast<double>(std::max<std::size_t>(1, targets_.size()));
  }

 private:
  struct Target {
    std::int64_t first_ns = 0, found_ns = 0, last_ns = 0;
    std::uint64_t track = 0;  // key of the last assigned track
  };
  struct Estimate {
    std::uint64_t key;
    Place place;
    double covariance[3];
  };

  static void on_message(void* context, const codec::Message& message, Bytes) {
    auto& self = *static_cast<Runner*>(context);
    Observation observation{};
    if (codec::is_part(message) || !codec::to_observation(message, observation)) {
      return;
    }
    EventHeader header{};
    header.observed_ns = header.received_ns = self.now_ns_;
    header.record = self.record_;
    header.payload_bytes = sizeof observation;
    header.source = self.feed_->source;
    header.kind = EventKind::observation;
    header.event_class = EventClass::normal;
    std::uint8_t* at = self.lane_.reserve(event_bytes(sizeof observation));
    CHECK(at != nullptr, "a datagram has fewer reports than the lane places");
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + sizeof header, &observation, sizeof observation);
    self.lane_.commit(event_bytes(sizeof observation));
  }

  void collect(std::int64_t ns) {
    estimates_.clear();
    const TrackTable& tracks = shard_.tracks();
    for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
      if (!tracks.in_use(i)) {
        continue;
      }
      const Track& t = tracks[i];
      if (t.kind == IdentityKind::own || t.updates == 0 ||
          (t.state != TrackState::confirmed && t.state != TrackState::coasting) ||
          (t.kind != IdentityKind::contact && t.partner != 0)) {  // its contact represents it
        continue;
      }
      Estimate e{t.key, {}, {}};
      if (!shard_.contacts().estimate(t, ns, e.place, e.covariance)) {
        const double dt = seconds_between(t.filter_ns, ns);
        e.place = moved({t.latitude, t.longitude}, t.velocity_east * dt, t.velocity_north * dt);
        const Tracker& k = shard_.config().trackers[static_cast<std::size_t>(t.kind)];
        e.covariance[0] = e.covariance[2] = predicted_variance(t, k, dt > 0.0 ? dt : 0.0);
      }
      std::uint32_t& updates = updates_[t.key];
      if (t.updates != updates && t.last_nis > 0.0) {
        nis_ += t.last_nis;
        nis_count_ += 1.0;
      }
      updates = t.updates;
      estimates_.push_back(e);
      out_.paths[std::to_string(identity_of(t.key))].push_back({ns, e.place});
    }
  }

  // Tracks far from every target are false without further tests.
  std::vector<const Estimate*> estimates_near(const std::vector<Place>& places) const {
    std::vector<const Estimate*> near;
    for (const Estimate& e : estimates_) {
      const Parallel parallel = parallel_at(e.place.latitude);
      const bool close = std::any_of(places.begin(), places.end(), [&](const Place& p) {
        const Offset o = offset_between(e.place, p, parallel);
        return o.east * o.east + o.north * o.north < kCutoff * kCutoff;
      });
      if (close && near.size() < perceive::kAssignPlots) {
        near.push_back(&e);
      }
    }
    return near;
  }

  void scan(std::int64_t ns) {
    std::vector<Target*> there;
    std::vector<Place> places;
    for (const auto& [name, points] : truth_) {
      if (const auto place = truth_at(points, ns)) {
        Target& target = targets_[name];
        target.first_ns = target.first_ns == 0 ? ns : target.first_ns;
        target.last_ns = ns;
        there.push_back(&target);
        places.push_back(*place);
      }
    }
    collect(ns);
    if (there.empty()) {
      return;
    }
    ++out_.scans;
    const std::vector<const Estimate*> near = estimates_near(places);
    const std::size_t rows = std::min(there.size(), perceive::kAssignContacts);
    gain_.assign(rows * near.size(), perceive::kImpossible);
    offsets_.assign(rows * near.size(), {});
    for (std::size_t r = 0; r < rows; ++r) {
      const Parallel parallel = parallel_at(places[r].latitude);
      for (std::size_t k = 0; k < near.size(); ++k) {
        const Offset o = offset_between(places[r], near[k]->place, parallel);
        const double square = o.east * o.east + o.north * o.north;
        offsets_[r * near.size() + k] = o;
        if (square < kCutoff * kCutoff) {
          gain_[r * near.size() + k] = kCutoff * kCutoff - square;
        }
      }
    }
    std::vector<std::uint16_t> assigned(rows, perceive::kAlone);
    perceive::assign(gain_, rows, near.size(), *space_, assigned);
    double squared = 0.0;
    double pairs = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      if (assigned[r] == perceive::kAlone) {
        continue;
      }
      const Estimate& e = *near[assigned[r]];
      const Offset& o = offsets_[r * near.size() + assigned[r]];
      pairs += 1.0;
      squared += o.east * o.east + o.north * o.north;
      const double determinant =
          e.covariance[0] * e.covariance[2] - e.covariance[1] * e.covariance[1];
      nees_ += (e.covariance[2] * o.east * o.east - 2.0 * e.covariance[1] * o.east * o.north +
                e.covariance[0] * o.north * o.north) /
               determinant;
      Target& target = *there[r];
      target.found_ns = target.found_ns == 0 ? ns : target.found_ns;
      out_.id_switches += target.track != 0 && target.track != e.key ? 1 : 0;
      target.track = e.key;
    }
    const double missed = static_cast<double>(there.size()) - pairs;
    const double untrue = static_cast<double>(estimates_.size()) - pairs;
    gospa_ += det_sqrt(squared + kCutoff * kCutoff / 2.0 * (missed + untrue));
    squared_ += squared;
    pairs_ += pairs;
    missed_ += missed;
    false_ += untrue;
  }

  const Truth& truth_;
  Score& out_;
  std::vector<std::uint64_t> memory_;
  engine::Shard shard_;
  Lane lane_, batches_;
  std::int64_t now_ns_ = 0;
  Feed* feed_ = nullptr;
  std::uint64_t record_ = 0;
  std::map<std::string, Target> targets_;
  std::vector<Estimate> estimates_;
  std::map<std::uint64_t, std::uint32_t> updates_;  // by track
  std::vector<double> gain_;
  std::vector<Offset> offsets_;
  std::unique_ptr<perceive::AssignmentSpace> space_ = std::make_unique<perceive::AssignmentSpace>();
  double gospa_ = 0, squared_ = 0, pairs_ = 0, missed_ = 0, false_ = 0, nees_ = 0, nis_ = 0,
         nis_count_ = 0;
};

}  // namespace

std::string parse_truth(std::string_view text, Truth& out) {
  std::size_t number = 0;
  while (!text.empty()) {
    std::string_view line = next_field(text, '\n');
    ++number;
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    }
    if (line.empty() || (number == 1 && line.starts_with("time"))) {
      continue;
    }
    const auto time = parse_decimal(next_field(line, ','));
    const std::string name(next_field(line, ','));
    const auto latitude = parse_decimal(next_field(line, ','));
    const auto longitude = parse_decimal(next_field(line, ','));
    if (!time || name.empty() || !latitude || !longitude || std::abs(*latitude) > 90.0 ||
        std::abs(*longitude) > 180.0) {
      return "line " + std::to_string(number) + " does not read time,target,latitude,longitude";
    }
    const std::int64_t ns = to_int64(*time * 1e9);
    std::vector<TruthPoint>& points = out[name];
    if (!points.empty() && ns < points.back().ns) {
      return "line " + std::to_string(number) + ": the time of target " + name + " goes back";
    }
    points.push_back({ns, {*latitude, *longitude}});
  }
  return out.empty() ? "it has no line with a target" : "";
}

std::string score_capture(const plan::Plan& plan, const std::vector<std::uint8_t>& capture,
                          const std::string& name, const Truth& truth, Score& out) {
  std::vector<std::unique_ptr<Feed>> feeds;
  for (std::size_t i = 0; i < plan.sources()->size(); ++i) {
    const plan::Source* s = plan.sources()->Get(static_cast<flatbuffers::uoffset_t>(i));
    auto feed = std::make_unique<Feed>();
    feed->source = static_cast<std::uint16_t>(i);
    feed->decoder = std::make_unique<codec::OwnDecoder>(static_cast<CodecKind>(s->codec()));
    ingress::Recording::Options options;
    // A source with a port takes from the capture what was sent to that port.
    options.port = s->udp_port() != 0 ? s->udp_port() : s->port();
    const std::string problem = feed->recording.open(capture, name, options);
    if (!problem.empty()) {
      return problem;
    }
    if (feed->recording.format() != ingress::RecordingFormat::pcap) {
      return "it is not a pcap capture";
    }
    feeds.push_back(std::move(feed));
  }
  auto runner = std::make_unique<Runner>(plan, truth, out);
  while (true) {
    // In captured order, by position in the file.
    Feed* next = nullptr;
    std::uint64_t first = 0;
    for (const auto& feed : feeds) {
      const auto frame = feed->recording.peek();
      if (frame && (next == nullptr || frame->number < first)) {
        next = feed.get();
        first = frame->number;
      }
    }
    if (next == nullptr) {
      break;
    }
    runner->frame(*next, *next->recording.peek());
    next->recording.pop();
  }
  runner->finish();
  return {};
}

namespace {

// South-western and north-eastern corner of the drawing.
std::pair<Place, Place> bounds_of(const Truth& truth, const Score& score) {
  Place low{1e9, 1e9};
  Place high{-1e9, -1e9};
  const auto widen = [&](const Place& p) {
    low.latitude = std::min(low.latitude, p.latitude);
    high.latitude = std::max(high.latitude, p.latitude);
    low.longitude = std::min(low.longitude, p.longitude);
    high.longitude = std::max(high.longitude, p.longitude);
  };
  for (const auto& [name, points] : truth) {
    for (const TruthPoint& p : points) {
      widen(p.place);
    }
  }
  for (const auto& [name, points] : score.paths) {
    for (const TruthPoint& p : points) {
      widen(p.place);
    }
  }
  return {low, high};
}

}  // namespace

std::string score_svg(const Truth& truth, const Score& score) {
  constexpr double kWidth = 1000.0;
  const auto bounds = bounds_of(truth, score);
  const auto& low = bounds.first;
  const auto& high = bounds.second;
  const Parallel parallel = parallel_at((low.latitude + high.latitude) / 2.0);
  const Offset size = offset_between(low, high, parallel);
  const double scale = kWidth / std::max({size.east, size.north, 1.0});
  std::string svg;
  const auto decimal = [&](double v) { append_decimal(svg, v, 1); };
  const auto path = [&](const std::vector<TruthPoint>& points, std::string_view style) {
    svg += "<polyline fill=\"none\" ";
    svg += style;
    svg += " points=\"";
    for (const TruthPoint& p : points) {
      const Offset o = offset_between(low, p.place, parallel);
      decimal(20.0 + o.east * scale);
      svg += ',';
      decimal(20.0 + (size.north - o.north) * scale);
      svg += ' ';
    }
    svg += "\"/>\n";
  };
  svg += "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ";
  decimal(size.east * scale + 40.0);
  svg += ' ';
  decimal(size.north * scale + 70.0);
  svg +=
      "\" font-family=\"sans-serif\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" "
      "fill=\"#fff\"/>\n";
  for (const auto& [name, points] : truth) {
    path(points, "stroke=\"#999\" stroke-width=\"7\" stroke-linecap=\"round\" opacity=\"0.5\"");
  }
  constexpr const char* kColours[] = {"#1b6ca8", "#c8432b", "#2a8c4a", "#8a4fa3",
                                      "#b7791f", "#147d92", "#a8326e", "#55602f"};
  std::size_t n = 0;
  for (const auto& [name, points] : score.paths) {
    path(points, std::string("stroke-width=\"2\" stroke=\"") + kColours[n++ % 8] + "\"");
    const Offset o = offset_between(low, points.back().place, parallel);
    svg += "<text x=\"";
    decimal(24.0 + o.east * scale);
    svg += "\" y=\"";
    decimal(16.0 + (size.north - o.north) * scale);
    svg += "\">" + name + "</text>\n";
  }
  svg += "<text x=\"20\" y=\"";
  decimal(size.north * scale + 55.0);
  svg += "\">grey: truth; thin: tracks by number; GOSPA ";
  decimal(score.gospa_m);
  svg += " m, RMSE ";
  decimal(score.rmse_m);
  svg += " m; 100 m is</text>\n<line stroke=\"#000\" stroke-width=\"3\" x1=\"560\" x2=\"";
  decimal(560.0 + 100.0 * scale);
  svg += "\" y1=\"";
  decimal(size.north * scale + 50.0);
  svg += "\" y2=\"";
  decimal(size.north * scale + 50.0);
  svg += "\"/>\n</svg>\n";
  return svg;
}

}  // namespace vedette::node
