// What asks a model and waits for its answer, on a loop of its own.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "synthesize/model/make_model.h"

namespace kerf {

struct ModelTest : testing::Test {
  std::unique_ptr<Loop> loop = make_loop(1).value();
  std::unique_ptr<Http> http = make_http(*loop).value();
  FakeKeys keys;
  Prices prices;
  SystemClock clock;
  ModelOptions options{.retries = {.tries = 6, .first_wait = std::chrono::milliseconds(20)}};
  double took = 0;

  ModelParts parts() { return {*loop, *http, keys, prices, clock, Random(7)}; }
  Result<ModelReply> ask(const std::string& spec, ModelSettings settings = {}) {
    auto model = make_model(spec, parts(), options);
    if (!model) return std::unexpected(model.error());
    return ask(**model, std::move(settings));
  }
  Result<ModelReply> ask(Model& model, ModelSettings settings = {}) {
    std::optional<Result<ModelReply>> got;
    const auto start = std::chrono::steady_clock::now();
    model.complete({.system = {{.text = "rules", .cache = true}},
                    .messages = {{.parts = {{.text = "write a kernel"}}}},
                    .settings = std::move(settings)},
                   [&](Result<ModelReply> reply) {
                     got = std::move(reply);
                     loop->stop();
                   });
    loop->run();
    took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return got ? std::move(*got) : fail(ErrorKind::internal, "no reply came");
  }
};

}  // namespace kerf
