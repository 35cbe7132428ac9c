// What is handed over to a stream, captured as one graph (CUDA Driver API, graph management).
#pragma once

#include <functional>
#include <utility>

#include "base/result.h"
#include "runner/cuda/driver.h"

namespace kerf {

// A stream that can be captured; the default one cannot. It and the default stream wait for each other, so that work
// which goes to the latter meanwhile ends a capture instead of being left out of it.
class CaptureStream {
 public:
  [[nodiscard]] static Result<CaptureStream> make(const CudaDriver& driver);
  CaptureStream(CaptureStream&& other) noexcept
      : driver_(other.driver_), stream_(std::exchange(other.stream_, nullptr)) {}
  CaptureStream& operator=(CaptureStream&&) = delete;
  ~CaptureStream() {
    if (stream_ != nullptr) driver_->stream_destroy(stream_);
  }
  [[nodiscard]] CuStream get() const { return stream_; }

 private:
  CaptureStream(const CudaDriver& driver, CuStream stream) : driver_(&driver), stream_(stream) {}
  const CudaDriver* driver_;
  CuStream stream_;
};

class CapturedGraph {
 public:
  // `hand_over` hands work over to the stream, which runs none of it. Kind unavailable if something in it cannot be
  // captured (it waits for the device, or uses another stream): the capture is over then, nothing is lost.
  [[nodiscard]] static Result<CapturedGraph> capture(const CudaDriver& driver, CuStream stream,
                                                     const std::function<Result<>()>& hand_over);
  CapturedGraph(CapturedGraph&& other) noexcept
      : driver_(other.driver_),
        graph_(std::exchange(other.graph_, nullptr)),
        ready_(std::exchange(other.ready_, nullptr)) {}
  CapturedGraph& operator=(CapturedGraph&&) = delete;
  ~CapturedGraph();
  // Runs it on the stream in one launch.
  [[nodiscard]] CuResult launch(CuStream stream) const { return driver_->graph_launch(ready_, stream); }

 private:
  CapturedGraph(const CudaDriver& driver, CuGraph graph) : driver_(&driver), graph_(graph) {}
  const CudaDriver* driver_;
  CuGraph graph_;
  CuGraphExec ready_ = nullptr;
};

}  // namespace kerf
