#include "base/loop.h"

#include <uv.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace kerf {

namespace {

// Threads for blocking work. libuv has a pool of its own, but one for the whole process, sized by an environment
// variable and shared with its file operations.
class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }

  void submit(Callback job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    ready_.notify_one();
  }

 private:
  void work(const std::stop_token& stop) {
    for (;;) {
      Callback job;
      {
        std::unique_lock lock(mutex_);
        if (!ready_.wait(lock, stop, [this] { return !jobs_.empty(); })) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any ready_;
  std::deque<Callback> jobs_;
  std::vector<std::jthread> threads_;  // last: joined first
};

class UvLoop final : public Loop {
 public:
  explicit UvLoop(int pool_threads) : pool_threads_(pool_threads) {}

  Result<> open() {
    if (const int code = uv_loop_init(&loop_); code != 0) return fail(ErrorKind::system, uv_strerror(code));
    opened_ = true;
    wake_.data = this;
    if (const int code = uv_async_init(&loop_, &wake_, [](uv_async_t* h) { static_cast<UvLoop*>(h->data)->drain(); });
        code != 0) {
      return fail(ErrorKind::system, uv_strerror(code));
    }
    uv_unref(reinterpret_cast<uv_handle_t*>(&wake_));
    pool_ = std::make_unique<Pool>(pool_threads_);
    return {};
  }

  ~UvLoop() override {
    pool_.reset();  // waits for running jobs; their callbacks are dropped with the queue
    if (!opened_) return;
    uv_walk(&loop_, [](uv_handle_t* handle, void* self) { static_cast<UvLoop*>(self)->close(handle); }, this);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  void post(Callback f) override {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(f));
    }
    uv_async_send(&wake_);
  }

  void after(std::chrono::milliseconds delay, Callback f) override {
    auto* timer = new Timer{.handle = {}, .callback = std::move(f), .loop = this};
    uv_timer_init(&loop_, &timer->handle);
    timer->handle.data = timer;
    timers_.push_back(timer);
    uv_timer_start(&timer->handle, fire, static_cast<std::uint64_t>(std::max<long>(0, delay.count())), 0);
  }

  void offload(Callback work, Callback done) override {
    ++pending_;
    hold();
    pool_->submit([this, w = std::move(work), d = std::move(done)]() mutable {
      w();
      post([this, d = std::move(d)]() mutable {
        --pending_;
        hold();
        d();
      });
    });
  }

  void on_interrupt(Callback f) override {
    interrupt_ = std::move(f);
    if (std::exchange(watching_signals_, true)) return;
    for (std::size_t i = 0; i < signals_.size(); ++i) {
      uv_signal_init(&loop_, &signals_[i]);
      signals_[i].data = this;
      uv_signal_start(
          &signals_[i], [](uv_signal_t* h, int) { static_cast<UvLoop*>(h->data)->interrupted(); },
          i == 0 ? SIGINT : SIGTERM);
      uv_unref(reinterpret_cast<uv_handle_t*>(&signals_[i]));
    }
  }

  void run() override {
    stopping_ = false;
    drain();
    while (!stopping_) {
      const bool alive = uv_run(&loop_, UV_RUN_ONCE) != 0;
      drain();  // what a timer posted last would otherwise wait for the next event
      if (!alive && uv_loop_alive(&loop_) == 0) break;
    }
  }

  void stop() override {
    stopping_ = true;
    uv_stop(&loop_);
  }

 private:
  struct Timer {
    uv_timer_t handle;
    Callback callback;
    UvLoop* loop;
  };

  static void fire(uv_timer_t* handle) {
    auto* timer = static_cast<Timer*>(handle->data);
    Callback callback = std::move(timer->callback);
    timer->loop->close(reinterpret_cast<uv_handle_t*>(handle));
    callback();
  }

  void close(uv_handle_t* handle) {
    if (uv_is_closing(handle) != 0) return;
    uv_close(handle, [](uv_handle_t* h) {
      if (h->type != UV_TIMER) return;
      auto* timer = static_cast<Timer*>(h->data);
      std::erase(timer->loop->timers_, timer);
      delete timer;
    });
  }

  // The wake-up handle keeps run() going exactly while offloaded work or posted calls are outstanding.
  void hold() {
    auto* handle = reinterpret_cast<uv_handle_t*>(&wake_);
    if (pending_ > 0)
      uv_ref(handle);
    else
      uv_unref(handle);
  }

  void drain() {
    for (;;) {
      std::deque<Callback> now;
      {
        const std::lock_guard lock(mutex_);
        now.swap(queue_);
      }
      if (now.empty()) return;
      while (!now.empty() && !stopping_) {
        Callback f = std::move(now.front());
        now.pop_front();
        f();
      }
      if (stopping_) {  // what was not run stays for the next run()
        const std::lock_guard lock(mutex_);
        for (auto it = now.rbegin(); it != now.rend(); ++it) queue_.push_front(std::move(*it));
        return;
      }
    }
  }

  void interrupted() {
    if (interrupt_) interrupt_();
  }

  int pool_threads_;
  uv_loop_t loop_{};
  uv_async_t wake_{};
  std::array<uv_signal_t, 2> signals_{};
  std::vector<Timer*> timers_;  // owned by their handles until closed
  bool opened_ = false;
  bool stopping_ = false;
  bool watching_signals_ = false;
  int pending_ = 0;
  Callback interrupt_;
  std::mutex mutex_;
  std::deque<Callback> queue_;
  std::unique_ptr<Pool> pool_;
};

class ManualLoop final : public Loop {
 public:
  void post(Callback f) override { queue_.push_back(std::move(f)); }
  void after(std::chrono::milliseconds delay, Callback f) override {
    timers_.push_back({now_ + delay, next_++, std::move(f)});
  }
  void offload(Callback work, Callback done) override {
    queue_.push_back([w = std::move(work), d = std::move(done), this]() mutable {
      w();
      post(std::move(d));
    });
  }
  void on_interrupt(Callback) override {}
  void run() override {
    stopping_ = false;
    while (!stopping_) {
      if (!queue_.empty()) {
        Callback f = std::move(queue_.front());
        queue_.pop_front();
        f();
      } else if (!timers_.empty()) {
        const auto next =
            std::ranges::min_element(timers_, {}, [](const Timer& t) { return std::pair(t.when, t.order); });
        now_ = next->when;
        Callback f = std::move(next->callback);
        timers_.erase(next);
        f();
      } else {
        return;
      }
    }
  }
  void stop() override { stopping_ = true; }

 private:
  struct Timer {
    std::chrono::milliseconds when;
    std::uint64_t order;
    Callback callback;
  };
  std::deque<Callback> queue_;
  std::vector<Timer> timers_;
  std::chrono::milliseconds now_{0};
  std::uint64_t next_ = 0;
  bool stopping_ = false;
};

}  // namespace

Result<std::unique_ptr<Loop>> make_loop(int pool_threads) {
  auto loop = std::make_unique<UvLoop>(pool_threads);
  TRY(loop->open());
  return loop;
}

std::unique_ptr<Loop> make_manual_loop() { return std::make_unique<ManualLoop>(); }

}  // namespace kerf
