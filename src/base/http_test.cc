#include "base/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fake_http.h"
#include "base/secret.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(SplitUrl, GivesSchemeHostWithPortAndPath) {
  const UrlParts parts = split_url("HTTPS://Api.Example.com:8443/v1/?x=1").value();
  EXPECT_EQ(parts.scheme, "https");
  EXPECT_EQ(parts.host, "api.example.com:8443");
  EXPECT_EQ(parts.path, "/v1");
  EXPECT_FALSE(parts.has_password);
}

TEST(SplitUrl, RefusesWhatIsNoWebAddress) {
  for (const char* wrong :
       {"", "api.example.com", "ftp://host/x", "http://", "http://a b", "http:///v1", "https://h\n"}) {
    EXPECT_EQ(split_url(wrong).error().kind, ErrorKind::user) << wrong;
  }
}

TEST(SplitUrl, NeverShowsAPassword) {
  EXPECT_TRUE(split_url("http://me:hunter2@host/").value().has_password);
  EXPECT_EQ(split_url("http://me:hunter2@host/").value().host, "host");
  EXPECT_THAT(split_url("ftp://me:hunter2@host/").error().message, Not(HasSubstr("hunter2")));
}

TEST(HttpHead, FindsAHeaderByItsLowerCaseName) {
  const HttpHead head{.status = 200, .headers = {{"a", "1"}, {"b", "2"}, {"b", "3"}}};
  EXPECT_EQ(head.header("b"), "2");
  EXPECT_EQ(head.header("c"), "");
}

TEST(Secret, IsRedactedWhereverItStands) {
  const Secret key("sk-1");
  EXPECT_EQ(key.redact("sk-1 and sk-1sk-1."), "[key] and [key][key].");
  EXPECT_EQ(Secret("").redact("text"), "text");
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_convertible_v<Secret, std::string_view>);

TEST(Secret, LeavesNothingBehindWhenMoved) {
  Secret first("a key that is longer than what a string keeps inside itself");
  const Secret second = std::move(first);
  EXPECT_EQ(first.reveal(), "");  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_THAT(std::string(second.reveal()), HasSubstr("longer"));
}

TEST(FakeHttp, DeliversAnAnswerPieceByPieceOnTheLoop) {
  const auto loop = make_manual_loop();
  FakeHttp http(*loop);
  http.answers.push_back({.pieces = {"a", "b"}});
  std::vector<std::string> seen;
  http.send({.url = "http://x/"}, {.on_head = [&](const HttpHead& h) { seen.push_back(std::to_string(h.status)); },
                                   .on_body = [&](std::string_view b) { seen.emplace_back(b); },
                                   .on_end = [&](auto r) { seen.emplace_back(r ? "end" : "failed"); }});
  EXPECT_TRUE(seen.empty());
  loop->run();
  EXPECT_THAT(seen, ElementsAre("200", "a", "b", "end"));
}

TEST(FakeHttp, CallsNothingAfterCancel) {
  const auto loop = make_manual_loop();
  FakeHttp http(*loop);
  http.answers.push_back({.pieces = {"a", "b"}});
  int calls = 0;
  Http::Ticket ticket = 0;
  ticket = http.send({.url = "http://x/"}, {.on_head = [](const HttpHead&) {},
                                            .on_body =
                                                [&](std::string_view) {
                                                  ++calls;
                                                  http.cancel(ticket);
                                                },
                                            .on_end = [&](auto) { ++calls; }});
  loop->run();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace kerf
