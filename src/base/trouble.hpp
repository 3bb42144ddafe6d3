// Purpose: why something is not there, where the system has no errno for it. In: numbers above
// every errno, kept in journals: add new ones at the end. Out: a text for people.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette {

enum class Trouble : std::uint16_t {
  closed = 4096,  // a connection, by the other end
  silent,         // `silence` has passed
  unknown_name,
  no_name_server,
  no_writer,  // of a pipe
  no_pipe,
  malformed,  // the other end does not keep to the protocol
  login_refused,
  broker_refused,
  topic_refused,
  bus_off,
  bus_errors,
  no_can,  // in the kernel
  tls_version,
  tls_untrusted,
  tls_expired,
  tls_not_yet_valid,
  tls_wrong_host,
  tls_refused,
  tls_malformed,
  tls_memory,
  tls_silent,
  isolated,
};

// Empty for an errno.
constexpr std::string_view text_of_trouble(std::int64_t error) {
  switch (static_cast<Trouble>(error)) {
    case Trouble::closed:
      return "the other end closed the connection";
    case Trouble::silent:
      return "nothing came for as long as `silence` says";
    case Trouble::unknown_name:
      return "the name servers do not know this host name";
    case Trouble::no_name_server:
      return "no name server answers";
    case Trouble::no_writer:
      return "nobody has written into the pipe yet";
    case Trouble::no_pipe:
      return "this is no pipe";
    case Trouble::malformed:
      return "the other end does not keep to the protocol";
    case Trouble::login_refused:
      return "the broker refuses this user and password";
    case Trouble::broker_refused:
      return "the broker refuses the connection";
    case Trouble::topic_refused:
      return "the broker refuses a topic";
    case Trouble::bus_off:
      return "bus-off: after too many errors the controller has left the bus";
    case Trouble::bus_errors:
      return "the bus reports errors";
    case Trouble::no_can:
      return "this kernel has no CAN: its modules can and can_raw are not loaded";
    case Trouble::tls_version:
      return "the server and this node have no TLS version and suite in common; `vedette link "
             "probe` shows it";
    case Trouble::tls_untrusted:
      return "`ca_file` does not lead to the server's certificate; `vedette link probe` shows it";
    case Trouble::tls_expired:
      return "a certificate of the server has expired; `vedette link probe` shows it";
    case Trouble::tls_not_yet_valid:
      return "a certificate of the server is not valid yet; `vedette link probe` shows it";
    case Trouble::tls_wrong_host:
      return "the server's certificate is for another name; `vedette link probe` shows it";
    case Trouble::tls_refused:
      return "the server refuses this node's certificate, or wants one; `vedette link probe` shows "
             "it";
    case Trouble::tls_malformed:
      return "what the server sends is no TLS; `vedette link probe` shows it";
    case Trouble::tls_memory:
      return "there is not enough memory for TLS";
    case Trouble::tls_silent:
      return "the server does not answer the TLS handshake";
    case Trouble::isolated:
      return "isolated: its bytes made the node try a call that no decoder makes, three times; "
             "`vedette explain` shows the faults; remove `denied` in the data folder to hear it "
             "again";
  }
  return {};
}

}  // namespace vedette
