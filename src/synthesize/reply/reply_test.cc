#include "synthesize/reply/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "candidate/plan.h"
#include "evaluate/fake_oracle.h"
#include "synthesize/reply/blocks.h"
#include "synthesize/reply/normal_text.h"

namespace kerf {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

namespace fs = std::filesystem;

std::string file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct ReplyCase {
  std::string outcome, contains, rationale, message;
  int line = 0;
  std::optional<Candidate> base;
  ModelReply reply;
};

std::string quoted(std::istream& words) {
  std::string all;
  std::getline(words, all);
  const std::size_t open = all.find('"'), close = all.rfind('"');
  return open < close ? all.substr(open + 1, close - open - 1) : "";
}

ReplyCase read(const fs::path& path) {
  ReplyCase c;
  const std::string text = file(path);
  const std::string mark = "=== reply\n";
  const std::size_t at = text.find(mark);
  EXPECT_NE(at, std::string::npos) << path;
  c.reply.text = text.substr(at + mark.size());
  c.reply.usage.tokens_out = 777;
  std::istringstream head(text.substr(0, at));
  std::string line;
  while (std::getline(head, line)) {
    std::istringstream words(line);
    std::string key, word;
    words >> key;
    if (key == "base") {
      words >> word;
      c.base = Candidate{.text = file(path.parent_path() / word), .language = Language::cpp, .name = "base"};
    } else if (key == "finish") {
      words >> word;
      c.reply.finish = word == "length" ? Finish::length : Finish::refusal;
    } else if (key == "expect") {
      words >> c.outcome;
      const auto here = words.tellg();
      word.clear();
      words >> word;
      if (word == "contains") {
        c.contains = quoted(words);
      } else if (word == "rationale") {
        c.rationale = quoted(words);
      } else if (word == "at") {
        words >> c.line;
      } else if (!word.empty()) {
        words.clear();
        words.seekg(here);
        c.message = quoted(words);
      }
    } else {
      ADD_FAILURE() << path << ": '" << key << "' is no directive";
    }
  }
  return c;
}

TEST(Reply, EveryCaseIsReadAsItSays) {
  const Understood problem = fake_understood();
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(KERF_CASES "/replies")) {
    if (entry.path().extension() != ".txt") continue;
    ++cases;
    SCOPED_TRACE(entry.path().filename());
    const ReplyCase c = read(entry.path());
    const ReplyContext context{.language = Language::cpp,
                               .name = "reply.cpp",
                               .base = c.base ? &*c.base : nullptr,
                               .problem = &problem,
                               .threads = 2,
                               .known = [](const Candidate& candidate) -> std::optional<std::string> {
                                 if (candidate.text.find("known(") == std::string::npos) return std::nullopt;
                                 return "it is node 7";
                               }};
    const ReadReply got = read_reply(c.reply, context);
    if (const auto* written = std::get_if<Written>(&got)) {
      EXPECT_EQ(c.outcome, "written");
      EXPECT_THAT(written->candidate.text, HasSubstr(c.contains));
      EXPECT_THAT(written->rationale, StartsWith(c.rationale));
      EXPECT_TRUE(read_source(written->candidate));
    } else {
      const auto& unusable = std::get<Unusable>(got);
      EXPECT_EQ(c.outcome, to_string(unusable.fault)) << unusable.message;
      EXPECT_THAT(unusable.message, HasSubstr(c.message));
      EXPECT_FALSE(unusable.message.empty());
      EXPECT_EQ(unusable.fault == ReplyFault::bad_plan, unusable.candidate.has_value());
      if (c.line > 0) {
        ASSERT_TRUE(unusable.at);
        EXPECT_EQ(unusable.at->line, c.line);
      }
    }
  }
  EXPECT_GE(cases, 35);
}

TEST(Reply, ARationaleIsOneShortLine) {
  ModelReply reply;
  reply.text = file(KERF_CASES "/replies/whole_source.txt");
  reply.text = reply.text.substr(reply.text.find("=== reply\n") + 10);
  reply.text.insert(0, "Change: " + std::string(1'000, 'a') + "\xc3\xa4\tb\n");
  const auto got = read_reply(reply, {});
  const auto& written = std::get<Written>(got);
  EXPECT_LE(written.rationale.size(), 310U);
  EXPECT_EQ(written.rationale.find('\n'), std::string::npos);
}

TEST(Reply, SpeaksOfTheFormsOfItsLanguage) {
  const std::string source =
      "# /// kerf\n# version = 1\n# [[step]]\n# launch = \"k\"\n# grid = [1]\n# args = [\"x\"]\n# ///\nimport triton\n";
  const auto said = [](const std::string& text, Language language) {
    ModelReply reply;
    reply.text = text;
    const ReadReply read = read_reply(reply, {.language = language});
    const auto* unusable = std::get_if<Unusable>(&read);
    return unusable != nullptr ? unusable->message : "written";
  };
  EXPECT_EQ(said("Change: all.\n```python\n" + source + "```\n", Language::triton), "written");
  EXPECT_EQ(said(source, Language::gluon), "written") << "a comment, a plan and nothing else";
  EXPECT_THAT(said("Here it is:\n" + source, Language::triton), HasSubstr("```python"));
  EXPECT_THAT(said("I would rather talk", Language::gluon), HasSubstr("```python"));
  EXPECT_THAT(said("I would rather talk", Language::cuda), HasSubstr("```cuda"));
  EXPECT_THAT(said("```python\nx = 1\n```", Language::triton), HasSubstr("'# /// kerf' and '# ///'"));
  EXPECT_THAT(said("```cpp\nint x;\n```", Language::cpp), HasSubstr("'/* /// kerf' and '/// */'"));
}

TEST(Markdown, AFenceEndsAtOneThatIsAtLeastAsLong) {
  const Markdown m = read_markdown("a\n````cpp\n```\nx\n```\n````\nb\n~~~ {.Diff}\ny\n~~~\n`` ` ``\n```a`b```\n");
  ASSERT_EQ(m.blocks.size(), 2U);
  EXPECT_EQ(m.blocks[0].text, "```\nx\n```\n");
  EXPECT_EQ(m.blocks[0].info, "cpp");
  EXPECT_EQ(m.blocks[0].line, 3);
  EXPECT_EQ(m.blocks[1].info, "diff");
  EXPECT_EQ(m.prose, "a\nb\n`` ` ``\n```a`b```\n");
}

TEST(NormalText, TakesAwayCommentsAndLayoutAndNothingElse) {
  const auto normal = [](const std::string& body) {
    return normal_text({.text = "/* /// kerf\nversion = 1\n/// */\n" + body, .language = Language::cpp, .name = ""});
  };
  EXPECT_EQ(normal("int a; // b\n"), normal("int  a;/* c\n */"));
  EXPECT_EQ(normal("int a = b + c;"), normal("int a=b+c;"));
  EXPECT_NE(normal("int a;"), normal("inta;"));
  EXPECT_NE(normal("a - -b"), normal("a--b"));
  EXPECT_NE(normal("\"a b\""), normal("\"ab\""));
  EXPECT_NE(normal("// a\n"), normal("\"// a\""));
  EXPECT_NE(normal("#define A b\nc"), normal("#define A b c"));
  EXPECT_NE(normal("1'000"), normal("1'001"));
  EXPECT_EQ(normal("x = 1'000; // ' \ny"), normal("x=1'000;y"));
  const auto of = [](const std::string& text, Language language) {
    return normal_text({.text = text, .language = language, .name = ""});
  };
  EXPECT_EQ(of("int  a; // b\n", Language::cuda), of("int a;", Language::cuda));
  EXPECT_EQ(of("a = 1  \n\nb = 2\n", Language::triton), of("a = 1\nb = 2", Language::triton));
  EXPECT_NE(of("if a:\n  b", Language::triton), of("if a:\n b", Language::triton));
}

TEST(NormalText, SeesThePlanThatStandsInAComment) {
  const auto normal = [](const std::string& plan) {
    return normal_text({.text = "/* /// kerf\n" + plan + "/// */\nint a;\n", .language = Language::cpp, .name = ""});
  };
  EXPECT_EQ(normal("version = 1\n"), normal("version=1 # one\n\n"));
  EXPECT_NE(normal("version = 1\nsupports = \"a # b\"\n"), normal("version = 1\nsupports = \"a # c\"\n"));
  EXPECT_NE(normal("version = 1\n[tune]\nA = [1]\n"), normal("version = 1\n[tune]\nA = [2]\n"));
}

}  // namespace
}  // namespace kerf
