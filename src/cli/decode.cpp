#include <cstdio>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/codec/codec.hpp"
#include "edge/ingress/recording.hpp"
#include "platform/file.hpp"

namespace vedette::cli {
namespace {

struct Printer {
  std::uint64_t number = 0;
  std::uint64_t records = 0;
  std::uint64_t refused = 0;
};

void on_message(void* context, const codec::Message& message, Bytes) {
  auto& printer = *static_cast<Printer*>(context);
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("n", printer.number).member("ok", true);
  codec::describe(message, json);
  json.end_object();
  print_text(text + "\n");
  ++printer.records;
}

void on_refused(void* context, RefusalCause cause, Bytes raw) {
  auto& printer = *static_cast<Printer*>(context);
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("n", printer.number).member("ok", false);
  json.member("cause", name_of(cause));
  if (cause == RefusalCause::unknown_category) {
    json.member("category", raw[0]);
  }
  json.end_object();
  print_text(text + "\n");
  ++printer.records;
  ++printer.refused;
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
  options.stream = facts_of(*kind).framing == Framing::bytes;
  options.port = udp_port;
  const std::string problem = recording.open(std::move(content).value(), file, options);
  if (!problem.empty()) {
    return fail(json, "decode", kBadData, "recording", file + ": " + problem);
  }
  codec::OwnDecoder own(*kind);
  codec::Decoder& decoder = own.get();
  Printer printer;
  const codec::Output out{&printer, on_message, on_refused};
  const bool raw = recording.format() == ingress::RecordingFormat::raw;
  while (const auto frame = recording.peek()) {
    // A stream has no outer frames, so its messages are numbered as they are decoded.
    printer.number = raw ? printer.records + 1 : frame->number;
    const std::int64_t now_ns =
        frame->time_ns != 0 ? frame->time_ns : static_cast<std::int64_t>(frame->number) * 1'000'000;
    if (frame->cause != RefusalCause::none) {
      on_refused(&printer, frame->cause, frame->bytes);
    } else if (raw) {
      decoder.stream(frame->bytes, now_ns, out);
    } else {
      decoder.datagram(frame->bytes, now_ns, out);
    }
    recording.pop();
  }
  return kOk;
}

}  // namespace vedette::cli
