// Something of which there is only so much, shared by those who work side by side in this process: whoever wants a part
// waits until it is free. Those who wait are served in the order in which they came, so that who wants much is not
// passed for ever by those who want little.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace kerf {

class Room {
 public:
  // A part of the whole. It is given back when this goes.
  class Hold {
   public:
    Hold(Room& room, double share) : room_(room), share_(share) {}
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { room_.give_back(share_); }
    [[nodiscard]] double share() const { return share_; }

   private:
    Room& room_;
    double share_;
  };

  // `share` of the whole, which is 1; all of it where more is asked for. Waits at most `patience`: null if it was not
  // to be had, or the room is closed. Nobody who holds a part may ask for another one.
  [[nodiscard]] std::unique_ptr<Hold> take(double share, std::chrono::milliseconds patience);
  // Nobody gets a part any more, and who waits for one hears of it at once. Parts that are held stay with their owners.
  void close();
  [[nodiscard]] bool closed() const;

 private:
  void give_back(double share);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::uint64_t> waiting_;
  std::uint64_t next_ = 0;
  double taken_ = 0;
  bool closed_ = false;
};

}  // namespace kerf
