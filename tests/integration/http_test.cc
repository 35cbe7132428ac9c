// The HTTP client against a server that behaves as badly as it can.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

#include "base/background.h"
#include "model_server.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr seconds at_once{1};  // on a machine that now and then stands still; what would be waited for takes longer

long resident_kb() {
  const std::string text = read_file("/proc/self/status").value();
  return std::strtol(text.c_str() + text.find("VmRSS:") + 6, nullptr, 10);
}

struct HttpTest : testing::Test {
  static void SetUpTestSuite() { server = new ModelServer(true); }
  static void TearDownTestSuite() {
    delete server;
    server = nullptr;
  }
  static inline ModelServer* server = nullptr;
  std::unique_ptr<Loop> loop = make_loop(1).value();
  std::unique_ptr<Http> http = make_http(*loop).value();

  HttpRequest post(const std::string& scenario) const {
    return {.method = "POST", .url = server->url("/" + scenario + "/v1/chat/completions"), .body = "{}"};
  }
};

TEST_F(HttpTest, StreamsABodyAndKeepsTheConnection) {
  for (int i = 0; i < 5; ++i) {
    const Fetched f = fetch(*loop, *http, post("good"));
    EXPECT_EQ(f.status, 200);
    EXPECT_FALSE(f.failure) << f.failure->message;
    EXPECT_THAT(f.body, HasSubstr("[DONE]"));
  }
  loop->run();  // ends although connections are kept
}

TEST_F(HttpTest, SendsItsHeadersAndKeysAndBody) {
  HttpRequest request = post("good");
  request.headers = {{"x-plain", "1"}};
  request.secrets.push_back({"authorization", "Bearer ", Secret("sk-only-here")});
  request.body = R"({"tag": "headers-test"})";
  fetch(*loop, *http, std::move(request));
  const std::string log = fetch(*loop, *http, {.url = server->url("/log")}).body;
  EXPECT_THAT(log, AllOf(HasSubstr("Bearer sk-only-here"), HasSubstr("headers-test"), HasSubstr("\"x-plain\": \"1\"")));
  EXPECT_THAT(log, Not(HasSubstr("expect")));
}

TEST_F(HttpTest, ARedirectIsAnAnswerAndNotFollowed) {
  const Fetched f = fetch(*loop, *http, post("redirect"));
  EXPECT_EQ(f.status, 302);
  EXPECT_FALSE(f.failure);
}

TEST_F(HttpTest, ABodyThatBreaksOffIsCutOff) {
  const Fetched f = fetch(*loop, *http, post("half"));
  ASSERT_TRUE(f.failure);
  EXPECT_EQ(f.failure->trouble, HttpTrouble::cut_off);
  EXPECT_THAT(f.body, HasSubstr("ker"));
}

TEST_F(HttpTest, NobodyThereIsAConnectionTrouble) {
  const Fetched f = fetch(*loop, *http, {.url = "http://127.0.0.1:1/"});
  ASSERT_TRUE(f.failure);
  EXPECT_EQ(f.failure->trouble, HttpTrouble::connection);
  EXPECT_THAT(f.failure->message, HasSubstr("127.0.0.1:1"));
}

TEST_F(HttpTest, NoAddressIsAnAddressTrouble) {
  for (const char* url : {"nonsense", "file:///etc/passwd", "http://"}) {
    const Fetched f = fetch(*loop, *http, {.url = url});
    ASSERT_TRUE(f.failure) << url;
    EXPECT_EQ(f.failure->trouble, HttpTrouble::address) << url;
  }
}

TEST_F(HttpTest, EndlessBodiesAndHeadersAreBoundedInSizeAndMemory) {
  const long before = resident_kb();
  for (const char* scenario : {"endless", "endless_json", "headers"}) {
    HttpRequest request = post(scenario);
    request.limits.max_body = std::size_t{8} << 20;
    std::size_t bytes = 0;
    std::optional<HttpFailure> failure;
    http->send(std::move(request), {.on_head = [](const HttpHead&) {},
                                    .on_body = [&](std::string_view b) { bytes += b.size(); },
                                    .on_end =
                                        [&](auto r) {
                                          if (!r) failure = r.error();
                                          loop->stop();
                                        }});
    loop->run();
    ASSERT_TRUE(failure) << scenario;
    EXPECT_EQ(failure->trouble, HttpTrouble::too_large) << scenario << ": " << failure->message;
    EXPECT_LE(bytes, std::size_t{8} << 20);
  }
  EXPECT_LT(resident_kb() - before, 32 * 1024);
}

TEST_F(HttpTest, TimeIsBoundedWhateverThePeerDoes) {
  for (const auto& [scenario, idle, total] : {std::tuple{"silent", seconds(1), milliseconds(60'000)},
                                              {"stall", seconds(1), milliseconds(60'000)},
                                              {"drip", seconds(60), milliseconds(1'500)},
                                              {"silent", seconds(60), milliseconds(500)}}) {
    HttpRequest request = post(scenario);
    request.limits.idle = idle;
    request.limits.total = total;
    const Fetched f = fetch(*loop, *http, std::move(request));
    ASSERT_TRUE(f.failure) << scenario;
    EXPECT_EQ(f.failure->trouble, HttpTrouble::timed_out) << scenario << ": " << f.failure->message;
    EXPECT_LT(f.seconds, 9) << scenario;  // libcurl looks at the speed of the last five seconds
  }
}

TEST_F(HttpTest, AConnectionThatIsNotTakenTimesOut) {
  HttpRequest request{.url = "http://192.0.2.1/"};  // reserved for documentation: nobody answers
  request.limits.connect = milliseconds(300);
  const Fetched f = fetch(*loop, *http, std::move(request));
  ASSERT_TRUE(f.failure);
  EXPECT_LT(f.seconds, 2);
}

TEST_F(HttpTest, ACertificateThatNobodySignedIsRefusedUnlessItIsTrusted) {
  const Fetched refused = fetch(*loop, *http, {.url = server->secure_url("/log")});
  ASSERT_TRUE(refused.failure);
  EXPECT_EQ(refused.failure->trouble, HttpTrouble::certificate) << refused.failure->message;
  EXPECT_THAT(refused.failure->message, HasSubstr("SSL_CERT_FILE"));
  ::setenv("SSL_CERT_FILE", server->certificate_file().c_str(), 1);
  const auto trusting = make_http(*loop).value();
  ::unsetenv("SSL_CERT_FILE");
  const Fetched taken = fetch(*loop, *trusting, {.url = server->secure_url("/log")});
  EXPECT_FALSE(taken.failure) << taken.failure->message;
  EXPECT_EQ(taken.status, 200);
}

TEST_F(HttpTest, AProxyOfTheEnvironmentIsUsed) {
  ::setenv("http_proxy", server->url("").c_str(), 1);
  const Fetched f =
      fetch(*loop, *http, {.method = "POST", .url = "http://nowhere.invalid/good/v1/chat/completions", .body = "{}"});
  ::unsetenv("http_proxy");
  EXPECT_FALSE(f.failure) << "the proxy was asked for a host that does not exist";
  EXPECT_EQ(f.status, 404);  // our server knows no such scenario as "http:"
}

TEST_F(HttpTest, CancelIsImmediateInEveryState) {
  for (const char* scenario : {"silent", "stall", "endless", "drip"}) {
    int calls = 0;
    HttpRequest request = post(scenario);
    request.limits.max_body = std::size_t{1} << 40;
    const auto ticket = http->send(
        std::move(request),
        {.on_head = [&](const HttpHead&) {}, .on_body = [&](std::string_view) {}, .on_end = [&](auto) { ++calls; }});
    loop->after(milliseconds(100), [&] {
      const auto start = std::chrono::steady_clock::now();
      http->cancel(ticket);
      EXPECT_LT(std::chrono::steady_clock::now() - start, at_once) << scenario;
    });
    loop->run();  // ends: nothing is left
    EXPECT_EQ(calls, 0);
  }
}

TEST_F(HttpTest, ACancelWhileANameIsLookedUpDoesNotWaitForTheResolver) {
  const auto ticket =
      http->send({.url = "http://no-such-host.invalid/"},
                 {.on_head = [](const HttpHead&) {}, .on_body = [](std::string_view) {}, .on_end = [](auto) {}});
  loop->after(milliseconds(0), [&] { http->cancel(ticket); });
  const auto start = std::chrono::steady_clock::now();
  loop->run();
  EXPECT_LT(std::chrono::steady_clock::now() - start, at_once);
}

TEST_F(HttpTest, CancelAndSendFromWithinHandlersAreSafe) {
  int ends = 0;
  Http::Ticket ticket = 0;
  ticket = http->send(post("good"), {.on_head =
                                         [&](const HttpHead&) {
                                           http->cancel(ticket);
                                           http->send(post("good"), {.on_head = [](const HttpHead&) {},
                                                                     .on_body = [](std::string_view) {},
                                                                     .on_end = [&](auto) { ++ends; }});
                                         },
                                     .on_body = [&](std::string_view) { ADD_FAILURE(); },
                                     .on_end = [&](auto) { ADD_FAILURE(); }});
  loop->run();
  EXPECT_EQ(ends, 1);
}

TEST_F(HttpTest, CanBeDestroyedWithRequestsInFlight) {
  for (const char* scenario : {"silent", "endless"}) {
    http->send(
        post(scenario),
        {.on_head = [](const HttpHead&) {}, .on_body = [](std::string_view) {}, .on_end = [](auto) { ADD_FAILURE(); }});
  }
  loop->after(milliseconds(50), [&] { http.reset(); });
  loop->run();
}

// Programs beside the loop.

struct BackgroundTest : testing::Test {
  std::unique_ptr<Loop> loop = make_loop(1).value();
  Background background{*loop};
  std::optional<Finished> got;
  Background::Ticket start(std::vector<std::string> argv, std::string input = "",
                           milliseconds limit = milliseconds(20'000), std::size_t most = 1'000'000) {
    auto ticket =
        background.start({.argv = std::move(argv), .environment = clean_environment(), .input = std::move(input)},
                         limit, most, [&](Finished f) { got = std::move(f); });
    EXPECT_TRUE(ticket) << ticket.error().message;
    return ticket.value_or(0);
  }
};

TEST_F(BackgroundTest, FeedsAMegabyteAndReadsItBack) {
  const std::string text(3'000'000, 'x');
  start({"cat"}, text, milliseconds(20'000), 10'000'000);
  loop->run();
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->ok());
  EXPECT_EQ(got->output, text);
}

TEST_F(BackgroundTest, TellsExitCodesAndErrorsAndCutsOutput) {
  start({"/bin/sh", "-c", "head -c 5000 /dev/zero; echo oops >&2; exit 3"}, "unread input", milliseconds(20'000), 1000);
  loop->run();
  EXPECT_EQ(got->exit_code, 3);
  EXPECT_EQ(got->errors, "oops\n");
  EXPECT_EQ(got->output.size(), 1000U);
  EXPECT_TRUE(got->output_cut);
}

TEST_F(BackgroundTest, KillsTheWholeGroupAtTheLimitAndOnCancel) {
  start({"/bin/sh", "-c", "sleep 60 & sleep 60"}, "", milliseconds(200));
  loop->run();
  EXPECT_TRUE(got->timed_out);
  got.reset();
  const auto folder = TemporaryDirectory::create("kerf-test").value();
  const std::string pids = (folder.path() / "pid").string();
  const auto ticket = start({"/bin/sh", "-c", "sleep 60 & echo $! > " + pids + "; wait"});
  loop->after(milliseconds(300), [&] {
    const auto begun = std::chrono::steady_clock::now();
    background.cancel(ticket);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, at_once);
  });
  loop->run();
  EXPECT_FALSE(got);
  const int pid = std::atoi(read_file(pids).value_or("0").c_str());
  ASSERT_GT(pid, 1);
  for (int i = 0; i < 50 && ::kill(pid, 0) == 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  const std::string state = read_file("/proc/" + std::to_string(pid) + "/stat").value_or("gone ) Z");
  EXPECT_THAT(state, AnyOf(HasSubstr(") Z"), HasSubstr(") X"))) << "the grandchild lives";
}

TEST_F(BackgroundTest, NamesWhatCannotBeStarted) {
  EXPECT_FALSE(background.start({.argv = {"/no/such/program"}}, milliseconds(100), 100, [](Finished) {}));
  loop->run();
}

}  // namespace
}  // namespace kerf
