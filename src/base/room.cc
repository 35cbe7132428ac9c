#include "base/room.h"

#include <algorithm>

namespace kerf {

namespace {

constexpr double rounding = 1e-9;

}  // namespace

std::unique_ptr<Room::Hold> Room::take(double share, std::chrono::milliseconds patience) {
  share = std::clamp(share, 0.0, 1.0);
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_++;
  waiting_.push_back(ticket);
  const bool over = changed_.wait_for(
      lock, patience, [&] { return closed_ || (waiting_.front() == ticket && taken_ + share <= 1 + rounding); });
  std::erase(waiting_, ticket);
  changed_.notify_all();
  if (!over || closed_) return nullptr;
  taken_ += share;
  return std::make_unique<Hold>(*this, share);
}

void Room::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool Room::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

void Room::give_back(double share) {
  const std::scoped_lock lock(mutex_);
  taken_ -= share;
  changed_.notify_all();
}

}  // namespace kerf
