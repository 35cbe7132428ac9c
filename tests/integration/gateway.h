// The LiteLLM proxy, a gateway that others wrote, as requirements-test.txt installs it.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "model_server.h"

namespace kerf {

class Gateway {
 public:
  static constexpr const char* key = "sk-gateway-1234";

  [[nodiscard]] static std::filesystem::path program() {
    return std::filesystem::path(python()).parent_path() / "litellm";
  }
  [[nodiscard]] static bool installed() { return std::filesystem::exists(program()); }

  // `models`: the entries of model_list, indented by two.
  explicit Gateway(const std::string& models) {
    const std::string config = (folder_.path() / "config.yaml").string();
    std::ofstream(config) << "model_list:\n" << models << "general_settings: {master_key: " << key << "}\n";
    port_ = free_port();
    auto environment = clean_environment();
    environment["LITELLM_LOCAL_MODEL_COST_MAP"] = "True";  // no look-ups in the network
    environment["LITELLM_LOG"] = "ERROR";
    auto started = Process::start({.argv = {program().string(), "--config", config, "--host", "127.0.0.1", "--port",
                                            std::to_string(port_), "--telemetry", "False"},
                                   .environment = environment});
    EXPECT_TRUE(started) << started.error().message;
    if (!started) return;
    process_ = std::move(*started);
    const auto loop = make_loop(1).value();
    const auto http = make_http(*loop).value();
    for (int i = 0; i < 600 && !up_; ++i) {
      up_ = fetch(*loop, *http, {.url = "http://" + host() + "/health/liveliness"}).status == 200;
      if (!up_) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }
  [[nodiscard]] bool up() const { return up_; }
  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  // As --base-url of "openai" and "anthropic".
  [[nodiscard]] std::string url(const std::string& dialect) const {
    return "http://" + host() + (dialect == "openai" ? "/v1" : "");
  }

 private:
  static int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ::close(fd);
    return ntohs(address.sin_port);
  }

  TemporaryDirectory folder_ = TemporaryDirectory::create("kerf-gateway").value();
  Process process_;
  int port_ = 0;
  bool up_ = false;
};

}  // namespace kerf
