// An advisory lock that all processes of a machine can share: some use a thing side by side, or one uses it alone. It
// is let go of when its holder's process ends, however it does.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "base/process.h"
#include "base/result.h"

namespace kerf {

// Two files: one holds the lock, and through the other (`PATH.gate`) goes whoever wants it, one after another, so that
// those who come later do not pass one who waits to be alone.
class SharedLock {
 public:
  class Hold {
   public:
    explicit Hold(Fd fd) : fd_(std::move(fd)) {}

   private:
    Fd fd_;  // closing it lets go
  };

  // The files are made where they are missing, readable for everybody. A folder that all may write to is meant
  // (sticky, as /tmp is); links are not followed.
  explicit SharedLock(std::string path) : path_(std::move(path)) {}
  [[nodiscard]] const std::string& path() const { return path_; }

  // Waits at most `patience`. `waiting` is called once if it waits for longer than two seconds. Kind unavailable:
  // somebody has had it all the time, or the files cannot be opened.
  [[nodiscard]] Result<Hold> take(bool alone, std::chrono::milliseconds patience,
                                  const std::function<void()>& waiting) const;

 private:
  std::string path_;
};

}  // namespace kerf
