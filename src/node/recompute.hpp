// Purpose: recomputes what an engine got wrong: replays the record from a sound state, and from the
// first batch that differs on believes only the inputs. In: a sound state, the journal. Out: the
// state after the last recorded batch, and which batches are suspect. An action that the record
// has, too, gets the record's number, so that it is not sent again; one that it has not gets a
// number of its own and is due. Bound: two readings of the journal from that state on. Fails as: a
// problem in words. Runs on: main, at a start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "edge/journal/reader.hpp"
#include "model/derived.hpp"
#include "node/stepped.hpp"

namespace vedette::node {

class Recompute {
 public:
  Recompute(std::string data, Stepped& stepped) : data_(std::move(data)), stepped_(stepped) {}

  // From the state that `stepped` has. `used_batch`, `used`: the last numbers that another record
  // knows.
  void run(std::uint64_t used_batch, std::uint64_t used);

  std::uint64_t first_batch() const { return first_; }  // that differs; 0: none does
  std::uint64_t last_batch() const { return last_; }    // of the record
  const journal::ReadResult& read() const { return read_; }
  const std::string& problem() const { return problem_; }

 private:
  struct Recorded {
    std::uint64_t batch, sequence;
    ActionIntent intent;
    std::uint64_t number = 0;  // of the same action made again; 0: none
  };

  void read_actions(std::uint64_t after);
  bool take(Bytes batch);
  void number_orders(Bytes made);
  void give_numbers(std::uint64_t before);
  void send_new_ones();

  std::string data_;
  Stepped& stepped_;
  std::vector<Recorded> recorded_;
  std::vector<std::uint64_t> new_;  // orders that the record lacks
  std::uint64_t first_ = 0, last_ = 0;
  std::uint64_t sequence_ = 0;  // last number in use
  journal::ReadResult read_;
  std::string problem_;
};

}  // namespace vedette::node
