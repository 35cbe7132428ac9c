// The worked example that models are shown is what it claims: the real compiler, runner and PyTorch judge it right.
#include <gtest/gtest.h>

#include "base/paths.h"
#include "emulated_gpu.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/native_runner.h"
#include "evaluate/oracle_client.h"
#include "synthesize/prompt/composer.h"
#include "synthesize/reply/reply.h"
#include "target/cpu/cpp.h"
#include "target/nvidia/cuda.h"
#include "target/nvidia/triton.h"

namespace kerf {
namespace {

constexpr int threads = 2;

TEST(PromptExample, TheCandidateThatModelsAreShownIsRightOnAllVariants) {
  const auto texts = load_prompt_texts("cpp");
  ASSERT_TRUE(texts) << texts.error().message;
  EXPECT_EQ(texts->contract.find("<!--"), std::string::npos);
  EXPECT_NE(texts->contract.find("## Where the plan stands"), std::string::npos);

  auto loop = make_loop(4);
  ASSERT_TRUE(loop) << loop.error().message;
  auto runner = make_native_runner();
  auto backend = make_cpp_backend();
  if (!runner) GTEST_SKIP() << runner.error().message;
  if (!backend) GTEST_SKIP() << backend.error().message;
  const auto oracle = make_oracle({.threads = threads});
  const auto watch = make_machine_watch();
  const SystemClock clock;
  MemoryResultCache cache;
  const Problem problem{.id = "example/1", .name = "example", .source = texts->example_problem, .path = "example.py"};
  auto admitted = oracle->admit(problem, 3);
  ASSERT_TRUE(admitted) << admitted.error().message;
  ASSERT_TRUE(admitted->admission.admitted) << admitted->admission.refused;
  const auto understood = std::make_shared<Understood>(std::move(*admitted));
  const Candidate candidate{.text = texts->example_candidate, .language = Language::cpp, .name = "example.cpp"};

  // As a model would send it.
  ModelReply reply;
  reply.text = "```cpp\n" + candidate.text + "```\n";
  const ReadReply read = read_reply(reply, {.problem = understood.get(), .threads = threads});
  ASSERT_TRUE(std::holds_alternative<Written>(read)) << std::get<Unusable>(read).message;

  LocalEvaluatorOptions options{.jobs = 2, .threads = threads};
  options.screen.budget = std::chrono::milliseconds(200);
  Languages languages;
  languages.add(Language::cpp, {.backend = std::move(*backend), .runner = std::move(*runner)});
  auto evaluator = make_local_evaluator(
      {.loop = **loop, .clock = clock, .oracle = *oracle, .languages = languages, .cache = cache, .watch = *watch},
      options);
  Result<Evaluation> result = fail(ErrorKind::internal, "no answer");
  evaluator->submit(std::get<Written>(read).candidate, {.problem = understood, .effort = Effort::screen},
                    [&](Result<Evaluation> e) { result = std::move(e); });
  (*loop)->run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->verdict, Verdict::measured) << result->message.value_or("");
  EXPECT_GT(result->variants, 0);
  EXPECT_EQ(result->variants_supported, result->variants);
  evaluator.reset();
  loop->reset();
}

// Those of a GPU, which need not be there.
void judge_example(Language language, EmulatedGpu::MakeBackend make, const std::string& section) {
  const auto texts = load_prompt_texts(to_string(language));
  ASSERT_TRUE(texts) << texts.error().message;
  EXPECT_NE(texts->contract.find("## Where the plan stands"), std::string::npos);
  EXPECT_NE(texts->contract.find("\n## The source in " + section), std::string::npos);
  EXPECT_EQ(texts->contract.find("\n## The source\n"), std::string::npos);
  EmulatedGpu gpu(language, make);
  if (!gpu.why.empty()) GTEST_SKIP() << gpu.why;
  const auto understood = gpu.admit({.id = "example/1",
                                     .name = "example",
                                     .source = texts->example_problem,
                                     .path = "example.py",
                                     .sizes = {{"rows", Value{std::int64_t{24}}}}},
                                    2);
  ASSERT_TRUE(understood);
  ModelReply reply;
  reply.text = "```python\n" + texts->example_candidate + "```\n";
  const ReadReply read =
      read_reply(reply, {.language = language, .problem = understood.get(), .threads = EmulatedGpu::threads});
  ASSERT_TRUE(std::holds_alternative<Written>(read)) << std::get<Unusable>(read).message;
  const auto e = gpu.evaluate(std::get<Written>(read).candidate, understood);
  if (language == Language::gluon) {
    ASSERT_FALSE(e);
    EXPECT_NE(e.error().message.find("unavailable: Gluon has no interpreter"), std::string::npos) << e.error().message;
    return;
  }
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::measured) << words(e);
  EXPECT_GT(e->variants, 0);
  EXPECT_EQ(e->variants_supported, e->variants);
}

TEST(PromptExample, InCudaIsRight) {
  judge_example(Language::cuda, [](const Target& target) { return make_cuda_backend(target); }, "CUDA\n");
}
TEST(PromptExample, InTritonIsRight) {
  judge_example(Language::triton, [](const Target& target) { return make_triton_backend(target); }, "Triton\n");
}
TEST(PromptExample, InGluonCompiles) {
  judge_example(Language::gluon, [](const Target& target) { return make_triton_backend(target); }, "Gluon\n");
}

}  // namespace
}  // namespace kerf
