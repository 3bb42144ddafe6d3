#include "sim/promises.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "edge/image/image.hpp"
#include "platform/file.hpp"
#include "sim/time.hpp"

namespace vedette::sim {
namespace {

std::uint64_t read(const std::atomic<std::uint64_t>& at) {
  return at.load(std::memory_order_relaxed);
}

// The engine tells of these.
bool is_told(EventKind kind) {
  return kind == EventKind::source_state || kind == EventKind::mode || kind == EventKind::plan ||
         kind == EventKind::fault || kind == EventKind::assessment || kind == EventKind::sink_state;
}

// The text behind `"name":"` up to the next quote.
std::string_view member(std::string_view json, std::string_view name) {
  const std::size_t at = json.find(name);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view rest = json.substr(at + name.size());
  return rest.substr(0, rest.find('"'));
}

std::uint64_t number_of(std::string_view json, std::string_view name) {
  const std::size_t at = json.find(name);
  if (at == std::string_view::npos) {
    fail("no %s in the mirror's members", std::string(name).c_str());
  }
  std::string_view rest = json.substr(at + name.size());
  return parse_unsigned(rest.substr(0, rest.find_first_of(",}"))).value_or(0);
}

std::string mirror_members(const Life& life) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  life.rooms.mirror.members(0, 0, json);
  json.end_object();
  return text;
}

}  // namespace

// Nothing is missing if no block was spoilt.
void Promises::check_findings(const Life& life, bool damaged) const {
  for (const node::StartReport::Finding& found : life.report().findings) {
    if (found.stage != Stage::tail_cut && !damaged) {
      fail("a start finds: %s", found.text.c_str());
    }
  }
}

void Promises::after_start(Life& life, std::uint64_t durable, bool damaged, bool ever) {
  check_findings(life, ever || durable == 0);  // a first start that is killed leaves a part
  const bool told = std::any_of(
      life.report().findings.begin(), life.report().findings.end(),
      [](const node::StartReport::Finding& found) { return found.stage == Stage::unreadable; });
  ledger_.recovered(life.rooms.shard, durable, damaged && told);
  sendings_.clear();
  unknown_.clear();
  const deliver::Delivery& delivery = life.rooms.shard.delivery();
  for (std::size_t i = 0; i < delivery.size(); ++i) {
    note_sending(delivery.orders()[i].sequence, 0, delivery.intent(i), 0);
    if (delivery.orders()[i].stage == deliver::Delivery::Stage::sent) {
      unknown_.insert(delivery.orders()[i].sequence);
    }
  }
  texts_seen_ = 0;
  sent_ = told_ = told_read_ = faults_ = commands_refused_ = images_before_ = 0;
  faults_due_ = life.report().findings.size();
  made_ns_.clear();
  gap_before_ = gap_before_hand_ = journal_fault_due_ = copy_due_ = false;
  copied_ = life.rooms.shard.progress().batch_number;
}

void Promises::end_life(const Life& life) {
  const std::string text = mirror_members(life);
  passed_over_ += number_of(text, "\"passed_over\":");
  restarts_ += number_of(text, "\"restarts\":");
}

void Promises::note_sending(std::uint64_t sequence, std::uint64_t sent_by,
                            const ActionIntent& intent, std::int64_t at_ns) {
  const plan::Action& action = *plan_.actions()->Get(intent.action);
  sendings_[sequence] = {intent.root != 0 ? intent.root : sequence,
                         sent_by,
                         intent.epoch,
                         action.durable_before(),
                         action.record_within_ns(),
                         at_ns};
}

void Promises::note(const EventHeader& event, Bytes payload, const engine::Shard& shard) {
  told_ += is_told(event.kind) ? 1 : 0;
  if (event.kind == EventKind::action && event.state.phase() == Phase::transient) {
    note_sending(event.sequence, event.sequence, payload_as<ActionIntent>(payload),
                 event.observed_ns);
  } else if (event.kind == EventKind::dispatch) {
    const std::uint64_t sequence = payload_as<Dispatch>(payload).sequence;
    const std::size_t i = shard.delivery().find(sequence);
    if (i == deliver::Delivery::kNone) {
      fail("event %llu is dispatched and not known", shown(sequence));
    }
    note_sending(sequence, event.sequence, shard.delivery().intent(i), event.observed_ns);
  } else if (event.kind == EventKind::fault) {
    ++faults_;
    if (payload_as<Overrun>(payload).stage == Stage::mirror_differs) {
      fail("the mirror differs at batch %lld",
           static_cast<long long>(payload_as<Overrun>(payload).took_ns));
    }
  } else if (event.kind == EventKind::outcome) {
    const auto outcome = payload_as<ActionOutcome>(payload);
    if (unknown_.erase(outcome.action_sequence) != 0 &&
        outcome.reason != Reason::unknown_after_restart) {
      fail("event %llu was under way at a kill, and has an outcome",
           shown(outcome.action_sequence));
    }
  } else if (event.kind == EventKind::command && payload.size() >= sizeof(Requeue) &&
             event.state.exit() == Exit::success) {
    const ActionIntent intent = payload_as<Requeue>(payload).intent;
    ledger_.ordered_again(intent.epoch, intent.root);
  }
}

void Promises::before_engine(Life& life) {
  batch_before_ = life.rooms.shard.progress().batch_number;
  copy_due_ = life.rooms.mirror.wants_copy();
}

void Promises::after_engine(Life& life) {
  node::Rooms& rooms = life.rooms;
  ++engine_turns_;
  if (rooms.shard.progress().batch_number != batch_before_) {
    const Bytes batch = rooms.lanes.batches.peek(rooms.lanes.batches.size() - 1);
    ledger_.take(batch, rooms.shard);
    made_ns_[rooms.shard.progress().batch_number] = time_ns();
    for_each_event(
        batch, [&](const EventHeader& event, Bytes payload) { note(event, payload, rooms.shard); });
  }
  if (copy_due_ && !rooms.mirror.wants_copy()) {
    ++faults_due_;
    copied_ = rooms.shard.progress().batch_number;
  }
  faults_due_ += journal_fault_due_ ? 1 : 0;
  journal_fault_due_ = false;
  take_texts(life);
  check_counters(life);
}

// Every text that a sink took is done, whoever reads it.
void Promises::take_texts(Life& life) {
  Lane& log = life.rooms.lanes.log;
  for (; texts_seen_ < log.size(); ++texts_seen_) {
    const std::string_view text = as_text(log.peek(texts_seen_));
    if (text.front() != kFiller) {
      done(life, text);
    }
  }
}

// Whether its event must be on disk. What is marked otherwise may be, and has waited.
bool Promises::leaves_recorded(const Life& life, const Sending& sending, std::string_view text) {
  if (text.find("\"recorded\":false") == text.npos) {
    return sending.before;
  }
  const std::int64_t waited_ns = life.rooms.clock.now_ns() - sending.at_ns;
  if (sending.within_ns == 0 || waited_ns < sending.within_ns) {
    fail("event %llu left unrecorded without need", shown(sending.sent_by));
  }
  return false;
}

void Promises::done(Life& life, std::string_view text) {
  const auto sequence = parse_unsigned(member(text, "\"event\":\""));
  std::string_view key = member(text, "\"key\":\"");
  const auto found = sendings_.find(sequence.value_or(0));
  if (found == sendings_.end()) {
    fail("a sink took what was never ordered: %.200s", std::string(text).c_str());
  }
  const Sending& sending = found->second;
  next_field(key, '-');
  const auto epoch = parse_unsigned(next_field(key, '-'));
  if (epoch != sending.epoch || parse_unsigned(key) != sending.root) {
    fail("event %llu left under the key of another", shown(*sequence));
  }
  const bool recorded = leaves_recorded(life, sending, text);
  if (recorded && sending.sent_by > life.rooms.writer.durable_sequence()) {
    fail("event %llu left before it was on disk", shown(sending.sent_by));
  }
  ledger_.done(sending.epoch, sending.root, sending.sent_by, recorded,
               !sending.before || text.find("\"possible_duplicate\":true") != text.npos);
  ++sent_;
  ++texts_;
}

// What found a lane full is counted, and nothing else is.
void Promises::check_counters(Life& life) {
  node::Rooms& rooms = life.rooms;
  const node::Board& board = rooms.board;
  if (sent_ != rooms.act.counters(0).sent.load(std::memory_order_relaxed)) {
    fail("%llu texts came, the sink counts others", shown(sent_));
  }
  const std::uint64_t told = told_read_ + rooms.lanes.told.size() + read(board.untold);
  if (told != told_) {
    fail("%llu events to be told, %llu were told, wait or are counted as lost", shown(told_),
         shown(told));
  }
  const std::uint64_t faults = faults_ + rooms.lanes.faults.size() + read(board.faults_lost);
  if (faults < faults_due_ + read(board.overruns)) {
    fail("%llu faults, %llu were told, wait or are counted as lost",
         shown(faults_due_ + read(board.overruns)), shown(faults));
  }
  if (commands_refused_ != read(board.commands_refused)) {
    fail("%llu commands were refused, %llu are counted", shown(commands_refused_),
         shown(read(board.commands_refused)));
  }
}

void Promises::before_journal(Life& life) {
  durable_before_ = life.rooms.writer.durable_sequence();
  engine_turns_before_ = engine_turns_;
  gap_before_ = life.rooms.writer.has_gap();
}

void Promises::after_journal(Life& life, bool disk_takes_nothing) {
  const journal::Writer& writer = life.rooms.writer;
  if (writer.durable_sequence() < durable_before_ ||
      (disk_takes_nothing && writer.durable_sequence() != durable_before_)) {
    fail("acknowledged %llu after %llu although the disk refused", shown(writer.durable_sequence()),
         shown(durable_before_));
  }
  made_ns_.erase(made_ns_.begin(), made_ns_.upper_bound(writer.last_batch()));
  // An engine that turned meanwhile may have told it already.
  journal_fault_due_ = journal_fault_due_ ||
                       (gap_before_ != writer.has_gap() && engine_turns_ == engine_turns_before_);
}

void Promises::before_hand(Life& life) {
  handed_before_ = life.rooms.mirror.handed();
  gap_before_hand_ = life.rooms.writer.has_gap();
}

// The mirror gets what is not on disk only if it is late, or the disk fails.
void Promises::after_hand(Life& life) {
  const journal::Writer& writer = life.rooms.writer;
  const std::uint64_t handed = life.rooms.mirror.handed();
  const auto oldest = made_ns_.upper_bound(writer.last_batch());
  const bool late =
      oldest != made_ns_.end() && time_ns() - oldest->second >= node::Journalling::kLateNs;
  const bool fails = writer.last_error() != 0 || writer.has_gap();
  if (handed > handed_before_ && handed > writer.last_batch() && !fails && !late) {
    fail("the mirror has batch %llu, the disk %llu, and nothing fails", shown(handed),
         shown(writer.last_batch()));
  }
  journal_fault_due_ = journal_fault_due_ || gap_before_hand_ != writer.has_gap();
}

void Promises::after_mirror(Life& life) {
  const node::Mirror& mirror = life.rooms.mirror;
  if (mirror.batch() > std::max(mirror.handed(), copied_)) {
    fail("the mirror is at batch %llu and was given %llu", shown(mirror.batch()),
         shown(mirror.handed()));
  }
  if (mirror.in_doubt(time_ns())) {
    fail("%s", mirror.doubt().c_str());
  }
  // It reads the files for what its lane had no space for.
  if (const std::string text = mirror_members(life);
      text.find("\"catching_up\":true") != std::string::npos && !mirror.lost() &&
      number_of(text, "\"passed_over\":") == 0 && number_of(text, "\"restarts\":") == 0) {
    fail("the mirror catches up although no batch was passed over");
  }
  images_ += mirror.imaging().images() - images_before_;
  images_before_ = mirror.imaging().images();
}

void Promises::before_image(Life& life) {
  const node::HandedState& state = life.rooms.mirror.state();
  if (state.held_by(node::Holder::image) && state.batch() > life.rooms.writer.last_batch()) {
    fail("an image of batch %llu, the disk is at %llu", shown(state.batch()),
         shown(life.rooms.writer.last_batch()));
  }
}

void Promises::read_log(Life& life) {
  node::Lanes& lanes = life.rooms.lanes;
  take_texts(life);
  lanes.log.release(lanes.log.size());
  texts_seen_ = 0;
  told_read_ += lanes.told.size();
  lanes.told.release(lanes.told.size());
}

void Promises::answered(Life& life, std::string_view answer) {
  const auto what = request::decode_answer(answer);
  if (!what) {
    fail("an answer that is none: %.200s", std::string(answer).c_str());
  }
  if (const auto* refused = std::get_if<request::Refused>(&*what)) {
    commands_refused_ += refused->why.find("too many commands") != std::string::npos ? 1 : 0;
  }
  if (const auto* accepted = std::get_if<request::Accepted>(&*what);
      accepted != nullptr && accepted->durable) {
    ledger_.owe(read(life.rooms.board.ordered_sequence));
  }
}

void Promises::check_image(Life& life, const std::string& folder) {
  const std::string path = folder + "/belief.mdb";
  if (!platform::exists(path)) {
    return;
  }
  image::ImagePosition position{};
  if (const std::string problem = image::check_image(path, position); !problem.empty()) {
    fail("the image: %s", problem.c_str());
  }
  if (position.batch > life.rooms.shard.progress().batch_number) {
    fail("the image is at batch %llu, the journal at %llu", shown(position.batch),
         shown(life.rooms.shard.progress().batch_number));
  }
  if (!ledger_.was(position.batch, position.digest)) {
    fail("the image of batch %llu has another digest", shown(position.batch));
  }
}

void Promises::at_rest(Life& life) {
  node::Rooms& rooms = life.rooms;
  const engine::Progress& p = rooms.shard.progress();
  if (p.waiting != 0 || p.transient != 0) {
    fail("%llu wait and %llu are under way after everything's horizon", shown(p.waiting),
         shown(p.transient));
  }
  for (Lane* lane : rooms.lanes.admitted) {
    if (lane->size() != 0) {
      fail("%zu events are still in their lane", lane->size());
    }
  }
  if (rooms.writer.has_gap() || rooms.writer.last_batch() != p.batch_number) {
    fail("the journal is at batch %llu, the engine at %llu", shown(rooms.writer.last_batch()),
         shown(p.batch_number));
  }
  if (!unknown_.empty()) {
    fail("event %llu was under way at a kill, and has no outcome", shown(*unknown_.begin()));
  }
  if (rooms.mirror.lost() || rooms.mirror.batch() != p.batch_number) {
    fail("the mirror is at batch %llu, the engine at %llu", shown(rooms.mirror.batch()),
         shown(p.batch_number));
  }
}

}  // namespace vedette::sim
