// Starts model_server.py on loopback ports and asks models of it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/http.h"
#include "base/paths.h"
#include "base/process.h"

namespace kerf {

class ModelServer {
 public:
  explicit ModelServer(bool certificate = false) {
    const std::string ports = (folder_.path() / "ports").string();
    std::vector<std::string> argv = {"/usr/bin/env", "python3",
                                     std::string(KERF_SOURCE) + "/tests/integration/model_server.py", ports};
    if (certificate) {
      const std::string pem = certificate_file(), key = (folder_.path() / "key.pem").string();
      const auto made =
          run({.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem,
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"},
               .environment = clean_environment()},
              std::chrono::seconds(30));
      EXPECT_TRUE(made && made->ok()) << (made ? made->errors : made.error().message);
      argv.push_back(pem);
      argv.push_back(key);
    }
    auto process = Process::start({.argv = argv, .environment = clean_environment()}, 2);
    EXPECT_TRUE(process) << process.error().message;
    if (!process) return;
    process_ = std::move(*process);
    for (int i = 0; i < 500 && !std::filesystem::exists(ports); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::istringstream(read_file(ports).value_or("")) >> port_ >> secure_port_;
    EXPECT_GT(port_, 0) << "the server did not start";
  }
  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  [[nodiscard]] std::string secure_url(const std::string& path) const {
    return "https://localhost:" + std::to_string(secure_port_) + path;
  }
  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string certificate_file() const { return (folder_.path() / "cert.pem").string(); }
  [[nodiscard]] int pid() const { return process_.pid(); }

 private:
  TemporaryDirectory folder_ = TemporaryDirectory::create("kerf-server").value();
  Process process_;
  int port_ = 0, secure_port_ = 0;
};

// What one request came to.
struct Fetched {
  int status = 0;
  std::string body;
  std::optional<HttpFailure> failure;
  double seconds = 0;
};

inline Fetched fetch(Loop& loop, Http& http, HttpRequest request) {
  Fetched fetched;
  const auto start = std::chrono::steady_clock::now();
  http.send(std::move(request), {.on_head = [&](const HttpHead& head) { fetched.status = head.status; },
                                 .on_body = [&](std::string_view bytes) { fetched.body += bytes; },
                                 .on_end =
                                     [&](auto result) {
                                       if (!result) fetched.failure = result.error();
                                       loop.stop();
                                     }});
  loop.run();
  fetched.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return fetched;
}

}  // namespace kerf
