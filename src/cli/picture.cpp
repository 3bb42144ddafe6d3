#include "cli/picture.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/math.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "model/describe_event.hpp"
#include "model/expression.hpp"

namespace vedette::cli {
namespace {

constexpr double kSide = 800.0;     // of the map, in pixels
constexpr double kHead = 86.0;      // above the map, for the title
constexpr double kMargin = 110.0;   // between what matters and the map's edge
constexpr double kLetter = 7.6;     // width of a letter at 14 px, on average
constexpr double kLine = 17.0;      // height of a line of text
constexpr double kLeastM = 200.0;   // a map shows at least this much
constexpr double kSoonS = 3600.0;   // a later approach is no part of the picture
constexpr double kAheadS = 300.0;   // of a vector without an approach
constexpr double kZoneShare = 4.0;  // a zone larger than this many maps is cut at the edge

struct Point {
  double x = 0.0, y = 0.0;
};
struct Box {
  double left, top, right, bottom;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

double distance(Point a, Point b) {
  return det_sqrt((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y));
}

std::string pixels(double value) {
  std::string text;
  append_decimal(text, value, 1);
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  std::string safe;
  append_for_terminal(safe, text);  // XML has no place for control characters
  for (const char c : safe) {
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return out;
}

// Metres east and north of the map's origin.
class Ground {
 public:
  explicit Ground(Place origin) : origin_(origin), near_(parallel_at(origin.latitude)) {}
  Point at(Place place) const {
    const Offset o = offset_between(origin_, place, near_);
    return {o.east, o.north};
  }
  Place place_of(Point at) const { return moved(origin_, at.x, at.y, near_); }

 private:
  Place origin_;
  Parallel near_;
};

class Map {
 public:
  void include(Point m) {
    west_ = std::min(west_, m.x), east_ = std::max(east_, m.x);
    south_ = std::min(south_, m.y), north_ = std::max(north_, m.y);
  }
  double extent() const { return std::max({east_ - west_, north_ - south_, kLeastM}); }
  void fit() {
    scale_ = (kSide - 2.0 * kMargin) / extent();
    middle_ = {(west_ + east_) / 2.0, (south_ + north_) / 2.0};
  }
  Point on(Point m) const {
    return {kSide / 2.0 + (m.x - middle_.x) * scale_,
            kHead + kSide / 2.0 - (m.y - middle_.y) * scale_};
  }
  double scale() const { return scale_; }  // pixels a metre

 private:
  double west_ = 1e9, east_ = -1e9, south_ = 1e9, north_ = -1e9, scale_ = 1.0;
  Point middle_;
};

// What is drawn, and the boxes that no label may cover.
class Sheet {
 public:
  void line(Point a, Point b, std::string_view style) {
    svg_ += "<line x1=\"" + pixels(a.x) + "\" y1=\"" + pixels(a.y) + "\" x2=\"" + pixels(b.x) +
            "\" y2=\"" + pixels(b.y) + "\" " + std::string(style) + "/>\n";
    constexpr int kPieces = 24;
    for (int i = 0; i <= kPieces; ++i) {
      const double f = static_cast<double>(i) / kPieces;
      take({a.x + (b.x - a.x) * f, a.y + (b.y - a.y) * f}, 4.0);
    }
  }
  void circle(Point at, double radius, std::string_view style) {
    svg_ += "<circle cx=\"" + pixels(at.x) + "\" cy=\"" + pixels(at.y) + "\" r=\"" +
            pixels(radius) + "\" " + std::string(style) + "/>\n";
  }
  void dot(Point at, std::string_view colour) {
    circle(at, 6.0, "fill=\"" + std::string(colour) + "\"");
    take(at, 8.0);
  }
  void polygon(const std::vector<Point>& points, std::string_view style) {
    svg_ += "<polygon points=\"";
    for (const Point& p : points) {
      svg_ += pixels(p.x) + "," + pixels(p.y) + " ";
    }
    svg_ += "\" " + std::string(style) + "/>\n";
  }
  void text(Point at, std::string_view words, std::string_view style) {
    svg_ += "<text x=\"" + pixels(at.x) + "\" y=\"" + pixels(at.y) + "\" " + std::string(style) +
            ">" + escaped(words) + "</text>\n";
  }
  // Lines of text beside a point, where they cover least.
  void label(Point at, const std::vector<std::string>& lines, std::string_view colour);
  const std::string& svg() const { return svg_; }
  void keep_free(const Box& box) { taken_.push_back(box); }

 private:
  void take(Point at, double around) {
    taken_.push_back({at.x - around, at.y - around, at.x + around, at.y + around});
  }
  std::string svg_;
  std::vector<Box> taken_;
};

void Sheet::label(Point at, const std::vector<std::string>& lines, std::string_view colour) {
  std::size_t longest = 0;
  for (const std::string& l : lines) {
    longest = std::max(longest, l.size());
  }
  const double width = static_cast<double>(longest) * kLetter;
  const double height = static_cast<double>(lines.size()) * kLine;
  Box best{};
  double least = 1e9;
  for (const double away : {14.0, 30.0, 52.0, 80.0, 120.0}) {
    const std::array<Point, 8> corners{{{at.x + away, at.y - height / 2.0},
                                        {at.x - away - width, at.y - height / 2.0},
                                        {at.x - width / 2.0, at.y - away - height},
                                        {at.x - width / 2.0, at.y + away},
                                        {at.x + away, at.y + away},
                                        {at.x + away, at.y - away - height},
                                        {at.x - away - width, at.y + away},
                                        {at.x - away - width, at.y - away - height}}};
    for (const Point& corner : corners) {
      const Box box{corner.x, corner.y, corner.x + width, corner.y + height};
      double cost = away * 0.01;
      for (const Box& other : taken_) {
        cost += box.meets(other) ? 1.0 : 0.0;
      }
      const bool outside = box.left < 6.0 || box.right > kSide - 6.0 || box.top < kHead + 6.0 ||
                           box.bottom > kHead + kSide - 6.0;
      cost += outside ? 1000.0 : 0.0;
      if (cost < least) {
        least = cost;
        best = box;
      }
    }
  }
  keep_free(best);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Point from{best.left, best.top + kLine * (static_cast<double>(i) + 0.8)};
    text(from, lines[i],
         "fill=\"" + std::string(colour) +
             "\" stroke=\"#fff\" stroke-width=\"4\" paint-order=\"stroke\"");
  }
}

// A zone's outline in metres; a circle becomes many corners.
std::vector<Point> outline_of(const plan::Zone& zone, const Ground& ground, const Story& story) {
  std::vector<Point> outline;
  const auto* points = zone.points();
  const bool polygon = zone.kind() == plan::ZoneKind::polygon && points != nullptr;
  if (polygon) {
    for (flatbuffers::uoffset_t i = 0; i + 1 < points->size(); i += 2) {
      outline.push_back(ground.at({points->Get(i), points->Get(i + 1)}));
    }
    return outline;
  }
  Point centre;
  if (zone.kind() == plan::ZoneKind::around_own) {
    if (!story.own || !story.own->placed) {
      return outline;
    }
    centre = ground.at(story.own->motion.place);
  } else if (points != nullptr && points->size() >= 2) {
    centre = ground.at({points->Get(0), points->Get(1)});
  }
  constexpr int kCorners = 96;
  for (int i = 0; i < kCorners; ++i) {
    const SinCos angle = det_sincos(2.0 * kPi * i / kCorners);
    outline.push_back(
        {centre.x + zone.radius_m() * angle.cos, centre.y + zone.radius_m() * angle.sin});
  }
  return outline;
}

bool winds_around(const std::vector<Point>& outline, Point at) {
  bool in = false;
  for (std::size_t i = 0, j = outline.size() - 1; i < outline.size(); j = i++) {
    const Point& a = outline[i];
    const Point& b = outline[j];
    in ^= (a.y > at.y) != (b.y > at.y) && at.x < (b.x - a.x) * (at.y - a.y) / (b.y - a.y) + a.x;
  }
  return in;
}

// The middle of the uppermost part of a zone that is on the map.
std::optional<Point> label_place(const std::vector<Point>& outline, const Map& map) {
  if (outline.empty()) {
    return std::nullopt;
  }
  std::vector<Point> on;
  for (const Point& p : outline) {
    on.push_back(map.on(p));
  }
  constexpr double kStep = 20.0;
  for (double y = kHead + 2.0 * kStep; y < kHead + kSide - kStep; y += kStep) {
    double first = 0.0;
    double last = 0.0;
    for (double x = 4.0 * kStep; x < kSide - 4.0 * kStep; x += kStep) {
      if (winds_around(on, {x, y})) {
        first = first == 0.0 ? x : first;
        last = x;
      }
    }
    if (last > first) {
      return Point{(first + last) / 2.0, y};
    }
  }
  return std::nullopt;
}

// 1, 2 or 5 times a power of ten, at most `most`.
double round_length(double most) {
  double length = 1.0;
  while (length * 10.0 <= most) {
    length *= 10.0;
  }
  return length * 5.0 <= most ? length * 5.0 : length * 2.0 <= most ? length * 2.0 : length;
}

void draw_scale(Sheet& sheet, const Map& map) {
  const double metres = round_length(180.0 / map.scale());
  const double width = metres * map.scale();
  const double y = kHead + kSide - 22.0;
  sheet.line({20.0, y}, {20.0 + width, y}, "stroke=\"#000\" stroke-width=\"3\"");
  sheet.text({20.0, y - 8.0}, node::quantity_text(metres, Dimension::length), "fill=\"#000\"");
  sheet.keep_free({14.0, y - 26.0, 30.0 + std::max(width, 140.0), y + 8.0});
}

void draw_north(Sheet& sheet) {
  const double x = kSide - 34.0;
  const double y = kHead + 62.0;
  sheet.polygon({{x, y - 44.0}, {x - 9.0, y - 16.0}, {x, y - 23.0}, {x + 9.0, y - 16.0}},
                "fill=\"#000\"");
  sheet.line({x, y - 23.0}, {x, y}, "stroke=\"#000\" stroke-width=\"2\"");
  sheet.text({x - 5.0, y + 16.0}, "N", "fill=\"#000\" font-weight=\"bold\"");
  sheet.keep_free({x - 16.0, y - 48.0, x + 16.0, y + 22.0});
}

// What is drawn and needs a word below the title.
struct Legend {
  bool reports = false, doubt = false;
};

struct Mover {
  const SeenTrack* seen;
  std::string what;
  const char* colour;
  Point reported, now, then;  // metres
};

void draw_mover(Sheet& sheet, const Map& map, const Mover& m, Legend& legend) {
  const Point from = map.on(m.now);
  const Point to = map.on(m.then);
  const double sure = 2.0 * m.seen->sigma_m * map.scale();
  if (sure > 8.0 && sure < kSide) {
    legend.doubt = true;
    sheet.circle(from, sure,
                 "fill=\"" + std::string(m.colour) + "\" fill-opacity=\"0.08\" stroke=\"" +
                     m.colour + "\" stroke-opacity=\"0.4\" stroke-dasharray=\"2 4\"");
  }
  const double length = distance(from, to);
  if (length > 4.0) {
    sheet.line(from, to, "stroke=\"" + std::string(m.colour) + "\" stroke-width=\"2.5\"");
    const Point along{(to.x - from.x) / length, (to.y - from.y) / length};
    const Point back{to.x - 13.0 * along.x, to.y - 13.0 * along.y};
    sheet.polygon({to,
                   {back.x - 5.0 * along.y, back.y + 5.0 * along.x},
                   {back.x + 5.0 * along.y, back.y - 5.0 * along.x}},
                  "fill=\"" + std::string(m.colour) + "\"");
  }
  const Point reported = map.on(m.reported);
  if (distance(reported, from) > 9.0) {
    legend.reports = true;
    const std::string style = "stroke=\"" + std::string(m.colour) + "\" fill=\"none\"";
    sheet.line(reported, from, style + " stroke-dasharray=\"1 3\"");
    sheet.circle(reported, 5.0, style);
  }
  sheet.dot(from, m.colour);
}

std::vector<std::string> words_of(const Mover& m) {
  const Motion& motion = m.seen->motion;
  const double speed = speed_of(motion);
  std::string course;
  append_decimal(course, course_of(motion), 0);
  return {m.what, node::quantity_text(speed, Dimension::speed) +
                      (speed < 0.1 ? "" : " on " + course + " deg")};
}

std::string drawn(const Story& story, const std::vector<Mover>& movers, const Ground& ground,
                  bool closing, Legend& legend) {
  Map map;
  for (const Mover& m : movers) {
    map.include(m.now);
    map.include(m.reported);
    map.include(m.then);
  }
  const double core = map.extent();
  std::vector<std::pair<std::string, std::vector<Point>>> zones;
  for (const std::uint16_t z : zones_of(*story.plan, story.change.assessment)) {
    const plan::Zone* zone = story.plan->zones()->Get(z);
    zones.emplace_back(zone->name()->str(), outline_of(*zone, ground, story));
    Map with = map;
    for (const Point& p : zones.back().second) {
      with.include(p);
    }
    map = with.extent() <= std::max(core, kLeastM) * kZoneShare ? with : map;
  }
  map.fit();
  Sheet sheet;
  draw_scale(sheet, map);
  draw_north(sheet);
  for (const auto& [name, outline] : zones) {
    std::vector<Point> points;
    for (const Point& p : outline) {
      points.push_back(map.on(p));
    }
    sheet.polygon(points, "fill=\"#e8a200\" fill-opacity=\"0.10\" stroke=\"#b07a00\"");
  }
  if (closing) {
    sheet.line(map.on(movers[0].then), map.on(movers[1].then),
               "stroke=\"#c00\" stroke-width=\"2\" stroke-dasharray=\"6 4\"");
  }
  for (const Mover& m : movers) {
    draw_mover(sheet, map, m, legend);
  }
  for (const Mover& m : movers) {
    sheet.label(map.on(m.now), words_of(m), m.colour);
  }
  if (closing) {
    const Point a = map.on(movers[0].then);
    const Point b = map.on(movers[1].then);
    sheet.label({(a.x + b.x) / 2.0, (a.y + b.y) / 2.0},
                {"CPA " + node::quantity_text(story.approach->cpa, Dimension::length),
                 "in " + node::quantity_text(story.approach->tcpa, Dimension::duration)},
                "#c00");
  }
  for (const auto& [name, outline] : zones) {
    if (const auto at = label_place(outline, map)) {
      sheet.label(*at, {"zone " + name}, "#8a6000");
    }
  }
  return sheet.svg();
}

// Three lines, each of which fits: the alarm, whom it is about, and when and how to read the map.
std::string head_of(const Story& story, double ahead_s, const Legend& legend) {
  const plan::Plan& plan = *story.plan;
  const std::string rule = story.change.assessment < plan.assessments()->size()
                               ? plan.assessments()->Get(story.change.assessment)->name()->str()
                               : "?";
  std::string when;
  append_time(when, story.at_ns);
  const std::string title =
      (story.alarm != 0 ? "Alarm " + std::to_string(story.alarm) + ": " : "") + rule + ", level " +
      std::string(name_of(story.change.level));
  const std::string reading =
      when.substr(0, 10) + " " + when.substr(11, 8) + " UTC; arrows: the next " +
      node::quantity_text(ahead_s, Dimension::duration) +
      (legend.reports ? "; rings: last reports" : "") + (legend.doubt ? "; dotted: 2 sigma" : "");
  return "<text x=\"20\" y=\"26\" font-size=\"18\" font-weight=\"bold\">" + escaped(title) +
         "</text>\n<text x=\"20\" y=\"50\">" + escaped(story.about) +
         "</text>\n<text x=\"20\" y=\"72\">" + escaped(reading) + "</text>\n";
}

}  // namespace

std::string picture_of(const Story& story) {
  const bool has_track = story.track && story.track->placed;
  const bool has_own = story.own && story.own->placed;
  if (!has_track && !has_own) {
    return {};
  }
  const Ground ground(has_own ? story.own->motion.place : story.track->motion.place);
  const bool closing = has_own && has_track && story.approach && story.approach->tcpa > 0.0 &&
                       story.approach->tcpa < kSoonS && story.own->key != story.track->key;
  const double ahead_s = closing ? story.approach->tcpa : kAheadS;
  std::vector<Mover> movers;
  const auto add = [&](const SeenTrack& seen, std::string what, const char* colour) {
    const Point now = ground.at(seen.motion.place);
    movers.push_back({&seen,
                      std::move(what),
                      colour,
                      ground.at(seen.reported),
                      now,
                      {now.x + seen.motion.velocity_east * ahead_s,
                       now.y + seen.motion.velocity_north * ahead_s}});
  };
  if (has_own) {
    add(*story.own, is_pair(story) ? story.other : "own ship", "#0050a0");
  }
  if (has_track && !(has_own && story.own->key == story.track->key)) {
    add(*story.track, story.first, "#107030");
  }
  Legend legend;
  const std::string map = drawn(story, movers, ground, closing, legend);
  const std::string size = pixels(kSide) + "\" height=\"" + pixels(kHead + kSide);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + size +
                    "\" font-family=\"DejaVu Sans, Arial, sans-serif\" font-size=\"14\">\n"
                    "<rect width=\"" +
                    size +
                    "\" fill=\"#fff\"/>\n"
                    "<clipPath id=\"map\"><rect x=\"0\" y=\"" +
                    pixels(kHead) + "\" width=\"" + pixels(kSide) + "\" height=\"" + pixels(kSide) +
                    "\"/></clipPath>\n";
  svg += head_of(story, ahead_s, legend) + "<g clip-path=\"url(#map)\">\n" + map + "</g>\n";
  svg += "<rect x=\"0.5\" y=\"" + pixels(kHead + 0.5) + "\" width=\"" + pixels(kSide - 1.0) +
         "\" height=\"" + pixels(kSide - 1.0) + "\" fill=\"none\" stroke=\"#888\"/>\n</svg>\n";
  return svg;
}

}  // namespace vedette::cli
