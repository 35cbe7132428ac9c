// HTTP as a seam: requests out, bodies in as they arrive, everything on the loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/loop.h"
#include "base/result.h"
#include "base/secret.h"

namespace kerf {

struct HttpLimits {
  std::chrono::milliseconds connect{15'000};
  std::chrono::seconds idle{300};                    // without a byte, the wait for the first one included
  std::chrono::milliseconds total{60 * 60 * 1'000};  // from send() to the last byte
  std::size_t max_body = std::size_t{16} << 20;      // bytes
};

struct HttpRequest {
  // A header whose value is a key: `prefix` may be shown, the rest never.
  struct SecretHeader {
    std::string name;
    std::string prefix;
    Secret value;
  };
  std::string method = "GET";
  std::string url;  // http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<SecretHeader> secrets;
  std::string body;  // sent for POST
  HttpLimits limits;
};

// A redirect is an answer like any other: it is never followed.
struct HttpHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order of arrival
  // The first of that name, empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

enum class HttpTrouble : std::uint8_t {
  address,      // no URL that can be asked
  connection,   // nobody there, or the connection broke before the answer's head
  cut_off,      // the connection broke within the answer
  timed_out,    // a limit on time
  too_large,    // a limit on size
  certificate,  // the peer could not prove who it is
};

struct HttpFailure {
  HttpTrouble trouble = HttpTrouble::connection;
  std::string message;  // one line; names the host, never a header, a query or a password
};

// None of them is called from within send() or cancel(); all may call send() and cancel().
struct HttpHandler {
  std::move_only_function<void(const HttpHead&)> on_head;                  // once
  std::move_only_function<void(std::string_view)> on_body;                 // any number of times, after on_head
  std::move_only_function<void(std::expected<void, HttpFailure>)> on_end;  // once, last
};

struct Http {
  Http() = default;
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  virtual ~Http() = default;
  using Ticket = std::uint64_t;
  virtual Ticket send(HttpRequest request, HttpHandler handler) = 0;
  // Closes the connection or the stream at once; nothing of that ticket is called any more. Unknown tickets are
  // ignored.
  virtual void cancel(Ticket ticket) = 0;
};

// libcurl's multi interface on the loop: connections are kept and shared (HTTP/2 where the server speaks it),
// certificates are checked (against SSL_CERT_FILE if that is set), proxies are taken from http_proxy, https_proxy and
// no_proxy. Must go before the loop does.
[[nodiscard]] Result<std::unique_ptr<Http>> make_http(Loop& loop);

struct UrlParts {
  std::string scheme;
  std::string host;  // in lower case, with the port if the URL names one
  std::string path;  // without a slash at its end
  bool has_password = false;
};
// Scheme, host and path of an http or https URL. `user` error if it is none.
[[nodiscard]] Result<UrlParts> split_url(std::string_view url);

}  // namespace kerf
