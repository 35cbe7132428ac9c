#include "runner/cuda/graph.h"

#include <fmt/format.h>

namespace kerf {
namespace {

constexpr unsigned waits_for_default = 0;  // CU_STREAM_DEFAULT
constexpr int whatever_thread = 0;         // CU_STREAM_CAPTURE_MODE_GLOBAL: calls that may wait are errors

std::unexpected<Error> cannot_capture(const std::string& why) {
  return fail(ErrorKind::unavailable, "unavailable: the plan cannot be captured as a graph: " + why);
}

}  // namespace

Result<CaptureStream> CaptureStream::make(const CudaDriver& driver) {
  CuStream stream = nullptr;
  if (const CuResult code = driver.stream_create(&stream, waits_for_default); code != 0)
    return fail(ErrorKind::system, fmt::format("cannot make a stream: {}", driver.name(code)));
  return CaptureStream(driver, stream);
}

Result<CapturedGraph> CapturedGraph::capture(const CudaDriver& driver, CuStream stream,
                                             const std::function<Result<>()>& hand_over) {
  if (const CuResult code = driver.capture_begin(stream, whatever_thread); code != 0)
    return fail(ErrorKind::system, fmt::format("cannot begin a capture: {}", driver.name(code)));
  const auto handed_over = hand_over();
  CuGraph made = nullptr;
  const CuResult code = driver.capture_end(stream, &made);
  CapturedGraph graph(driver, made);
  if (!handed_over) {
    return handed_over.error().kind == ErrorKind::unavailable ? cannot_capture(handed_over.error().message)
                                                              : std::unexpected(handed_over.error());
  }
  if (code != 0 || made == nullptr) return cannot_capture(driver.name(code));
  if (const CuResult built = driver.graph_instantiate(&graph.ready_, made, 0); built != 0)
    return cannot_capture(driver.name(built));
  // So that its first launch need not.
  driver.graph_upload(graph.ready_, stream);
  return graph;
}

CapturedGraph::~CapturedGraph() {
  if (ready_ != nullptr) driver_->graph_exec_destroy(ready_);
  if (graph_ != nullptr) driver_->graph_destroy(graph_);
}

}  // namespace kerf
