#include <array>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/codec/advice.hpp"
#include "edge/codec/codec.hpp"
#include "edge/ingress/recording.hpp"
#include "platform/file.hpp"

namespace vedette::cli {
namespace {

constexpr std::uint64_t kAdvised = 100;  // frames of a cause that every codec tries

struct Printer {
  CodecKind codec{};
  std::uint64_t number = 0;
  std::uint64_t accepted = 0;
  std::uint64_t parts = 0;
  std::array<std::uint64_t, kRefusalCauses> refused{};  // and not used
  std::array<std::string, kRefusalCauses> help;         // of the first that has some
};

// What belief makes of it, as a node's ingress counts it.
void count(Printer& printer, const codec::Message& message) {
  Observation observation{};
  if (codec::is_part(message)) {
    ++printer.parts;
  } else if (codec::to_observation(message, observation)) {
    ++printer.accepted;
  } else {
    ++printer.refused[static_cast<std::size_t>(
        codec::is_known(message) ? RefusalCause::not_available : RefusalCause::unsupported)];
  }
}

void on_message(void* context, const codec::Message& message, Bytes) {
  auto& printer = *static_cast<Printer*>(context);
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("n", printer.number).member("ok", true);
  codec::describe(message, json);
  json.end_object();
  print_text(text + "\n");
  count(printer, message);
}

// Of a text line: "PGRME" of "$PGRME,…".
std::string_view sentence_name(Bytes raw) {
  const std::string_view text = as_text(raw);
  const std::size_t start = text.find_first_of("$!");
  const std::size_t end = text.find(',', start == std::string_view::npos ? 0 : start);
  return start == std::string_view::npos || end == std::string_view::npos
             ? std::string_view{}
             : text.substr(start + 1, end - start - 1);
}

void on_refused(void* context, RefusalCause cause, Bytes raw) {
  auto& printer = *static_cast<Printer*>(context);
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("n", printer.number).member("ok", false);
  json.member("cause", name_of(cause));
  if (cause == RefusalCause::unknown_category) {
    json.member("category", raw[0]);
  } else if (cause == RefusalCause::unsupported &&
             facts_of(printer.codec).framing == Framing::lines) {
    if (const std::string_view name = sentence_name(raw); !name.empty()) {
      json.member("name", name);
    }
  }
  json.member("bytes", raw.size());
  json.end_object();
  print_text(text + "\n");
  const auto at = static_cast<std::size_t>(cause);
  ++printer.refused[at];
  if (!is_not_used(cause) && printer.help[at].empty() && printer.refused[at] <= kAdvised) {
    printer.help[at] = codec::advice(printer.codec, cause, raw);
  }
}

// " (12 unsupported, 3 not-available)"
std::string listed(const Printer& printer, bool not_used, std::uint64_t& sum) {
  std::string text;
  for (std::size_t i = 1; i < kRefusalCauses; ++i) {
    const auto cause = static_cast<RefusalCause>(i);
    if (is_not_used(cause) == not_used && printer.refused[i] != 0) {
      sum += printer.refused[i];
      text += (text.empty() ? " (" : ", ") + std::to_string(printer.refused[i]) + " " +
              std::string(name_of(cause));
    }
  }
  return text.empty() ? text : text + ")";
}

// On standard error, because each line of the output is a record.
void print_counts(const Printer& printer) {
  std::uint64_t not_used = 0;
  std::uint64_t refused = 0;
  const std::string unused_by = listed(printer, true, not_used);
  const std::string refused_by = listed(printer, false, refused);
  print_error_text(std::to_string(printer.accepted) + " accepted, " +
                   std::to_string(printer.parts) + " parts of messages, " +
                   std::to_string(not_used) + " not used" + unused_by + ", " +
                   std::to_string(refused) + " refused" + refused_by + "\n");
  for (std::size_t i = 1; i < kRefusalCauses; ++i) {
    if (!printer.help[i].empty()) {
      print_error_text("  " + std::string(name_of(static_cast<RefusalCause>(i))) + ": " +
                       printer.help[i] + "\n");
    }
  }
}

}  // namespace

int decode(const std::string& codec_name, const std::string& file, std::uint16_t udp_port,
           bool json) {
  const auto kind = codec_named(codec_name);
  if (!kind) {
    return fail(json, "decode", kUsage, "usage", "there is no codec \"" + codec_name + "\"",
                "one of: " + std::string(codec_names()));
  }
  auto content = ingress::read_recording(file);
  if (!content) {
    return fail_unread(json, "decode", file, content.error());
  }
  ingress::Recording recording;
  ingress::Recording::Options options;
  options.codec = *kind;
  options.port = udp_port;
  const std::string problem = recording.open(std::move(content).value(), file, options);
  if (!problem.empty()) {
    return fail(json, "decode", kBadData, "recording", file + ": " + problem);
  }
  codec::OwnDecoder own(*kind);
  codec::Decoder& decoder = own.get();
  Printer printer;
  printer.codec = *kind;
  const codec::Output out{&printer, on_message, on_refused};
  while (const auto frame = recording.peek()) {
    printer.number = frame->number;
    const std::int64_t now_ns =
        frame->time_ns != 0 ? frame->time_ns : static_cast<std::int64_t>(frame->number) * 1'000'000;
    if (frame->cause != RefusalCause::none) {
      on_refused(&printer, frame->cause, frame->bytes);
    } else {
      decoder.datagram(frame->bytes, now_ns, out);
    }
    recording.pop();
  }
  print_counts(printer);
  return kOk;
}

}  // namespace vedette::cli
