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
#include <unordered_map>
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
    uv_walk(&loop_, [](uv_handle_t* handle, void*) { close(handle); }, nullptr);
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

  Timer after(std::chrono::milliseconds delay, Callback f) override {
    auto* timer = new Alarm{.handle = {}, .callback = std::move(f), .loop = this, .id = ++last_timer_};
    uv_timer_init(&loop_, &timer->handle);
    timer->handle.data = timer;
    timers_.emplace(timer->id, timer);
    uv_update_time(&loop_);  // of the last turn otherwise, which may have begun long ago
    uv_timer_start(&timer->handle, fire, static_cast<std::uint64_t>(std::max<long>(0, delay.count())), 0);
    return timer->id;
  }

  void forget(Timer timer) override {
    const auto found = timers_.find(timer);
    if (found == timers_.end()) return;
    auto* handle = reinterpret_cast<uv_handle_t*>(&found->second->handle);
    timers_.erase(found);
    close(handle);
  }

  Result<> watch(int fd, Ready wanted, std::move_only_function<void(Ready)> f) override {
    auto found = watches_.find(fd);
    if (found == watches_.end()) {
      auto watch = std::make_unique<Watch>();
      watch->handle.data = watch.get();
      if (const int code = uv_poll_init(&loop_, &watch->handle, fd); code != 0)
        return fail(ErrorKind::system, std::string("cannot watch a descriptor: ") + uv_strerror(code));
      found = watches_.emplace(fd, watch.release()).first;
    }
    Watch* watch = found->second;
    watch->callback = std::make_shared<std::move_only_function<void(Ready)>>(std::move(f));
    const auto bits = static_cast<unsigned>(wanted);
    uv_poll_start(&watch->handle, ((bits & 1U) != 0 ? UV_READABLE : 0) | ((bits & 2U) != 0 ? UV_WRITABLE : 0), ready);
    return {};
  }

  void unwatch(int fd) override {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    auto* handle = reinterpret_cast<uv_handle_t*>(&found->second->handle);
    watches_.erase(found);
    close(handle);
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
  // Owned by their handles until those are closed.
  struct Alarm {
    uv_timer_t handle;
    Callback callback;
    UvLoop* loop;
    Timer id;
  };
  struct Watch {
    uv_poll_t handle{};
    std::shared_ptr<std::move_only_function<void(Ready)>> callback;  // shared: it may replace or remove itself
  };

  static void fire(uv_timer_t* handle) {
    auto* timer = static_cast<Alarm*>(handle->data);
    Callback callback = std::move(timer->callback);
    timer->loop->forget(timer->id);
    callback();
  }

  static void ready(uv_poll_t* handle, int status, int events) {
    const auto callback = static_cast<Watch*>(handle->data)->callback;
    const unsigned bits = ((events & UV_READABLE) != 0 ? 1U : 0U) | ((events & UV_WRITABLE) != 0 ? 2U : 0U);
    (*callback)(status < 0 ? Ready::both : static_cast<Ready>(bits));  // who reads or writes meets the error
  }

  static void close(uv_handle_t* handle) {
    if (uv_is_closing(handle) != 0) return;
    uv_close(handle, [](uv_handle_t* h) {
      if (h->type == UV_TIMER)
        delete static_cast<Alarm*>(h->data);  // and with it *h
      else if (h->type == UV_POLL)
        delete static_cast<Watch*>(h->data);
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
  std::unordered_map<Timer, Alarm*> timers_;
  std::unordered_map<int, Watch*> watches_;
  Timer last_timer_ = 0;
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
  Timer after(std::chrono::milliseconds delay, Callback f) override {
    timers_.push_back({now_ + delay, ++next_, std::move(f)});
    return next_;
  }
  void forget(Timer timer) override {
    std::erase_if(timers_, [&](const Alarm& a) { return a.order == timer; });
  }
  Result<> watch(int, Ready, std::move_only_function<void(Ready)>) override { return {}; }
  void unwatch(int) override {}
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
            std::ranges::min_element(timers_, {}, [](const Alarm& t) { return std::pair(t.when, t.order); });
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
  struct Alarm {
    std::chrono::milliseconds when;
    Timer order;
    Callback callback;
  };
  std::deque<Callback> queue_;
  std::vector<Alarm> timers_;
  std::chrono::milliseconds now_{0};
  Timer next_ = 0;
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
