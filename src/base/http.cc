#include "base/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "base/text.h"

namespace kerf {

namespace {

constexpr std::size_t max_headers = std::size_t{256} << 10;  // bytes of all headers of an answer
constexpr long keep_connections = 64;

struct SlistDeleter {
  void operator()(curl_slist* list) const {
    for (curl_slist* at = list; at != nullptr; at = at->next) ::explicit_bzero(at->data, std::strlen(at->data));
    ::curl_slist_free_all(list);
  }
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

HttpTrouble trouble_of(CURLcode code, bool head_seen) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return HttpTrouble::address;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpTrouble::timed_out;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return HttpTrouble::certificate;
    default:
      return head_seen ? HttpTrouble::cut_off : HttpTrouble::connection;
  }
}

// One request under way. libcurl writes into it; what it wrote is handed out after libcurl has returned, so that a
// handler may send and cancel as it likes.
struct Transfer {
  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (easy != nullptr) ::curl_easy_cleanup(easy);
  }

  Http::Ticket ticket = 0;
  CURL* easy = nullptr;
  std::unique_ptr<curl_slist, SlistDeleter> headers;
  std::string body;  // of the request
  std::string host;
  HttpHandler handler;
  HttpLimits limits;
  HttpHead head;
  bool head_whole = false, head_given = false;
  std::size_t header_bytes = 0, body_bytes = 0;
  bool too_large = false;
  std::string arrived;  // of the answer's body, not handed out yet
  char error[CURL_ERROR_SIZE] = {};
};

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* self) {
  auto& t = *static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  t.header_bytes += bytes;
  if (t.header_bytes > max_headers) {
    t.too_large = true;
    return 0;
  }
  const std::string_view line = trimmed({data, bytes});
  if (line.starts_with("HTTP/")) {  // a new head: an interim answer or a proxy's came before
    t.head = {};
    const std::size_t blank = line.find(' ');
    if (blank != line.npos) std::from_chars(line.data() + blank + 1, line.data() + line.size(), t.head.status);
  } else if (line.empty()) {
    t.head_whole = t.head.status >= 200;
  } else if (const std::size_t colon = line.find(':'); colon != line.npos && !t.head_whole) {
    t.head.headers.emplace_back(lower(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1))));
  }
  return bytes;
}

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* self) {
  auto& t = *static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  t.body_bytes += bytes;
  if (t.body_bytes > t.limits.max_body) {
    t.too_large = true;
    return 0;
  }
  t.arrived.append(data, bytes);
  return bytes;
}

class CurlHttp final : public Http {
 public:
  explicit CurlHttp(Loop& loop) : loop_(loop) {}

  Result<> open() {
    static const CURLcode global = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = ::curl_multi_init();
    if (global != CURLE_OK || multi_ == nullptr) return fail(ErrorKind::system, "libcurl does not start");
    ::curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlHttp::on_socket);
    ::curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    ::curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlHttp::on_timer);
    ::curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    ::curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, keep_connections);
    if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr) certificates_ = file;
    return {};
  }

  ~CurlHttp() override {
    for (auto& [ticket, transfer] : transfers_) ::curl_multi_remove_handle(multi_, transfer->easy);
    transfers_.clear();
    if (multi_ != nullptr) ::curl_multi_cleanup(multi_);
    if (timer_ != 0) loop_.forget(timer_);
  }

  Ticket send(HttpRequest request, HttpHandler handler) override {
    const Ticket ticket = ++tickets_;
    auto owned = std::make_unique<Transfer>();
    Transfer& t = *owned;
    t.ticket = ticket;
    t.limits = request.limits;
    t.body = std::move(request.body);
    t.handler = std::move(handler);
    const auto url = split_url(request.url);
    t.host = url ? url->host : "the server";
    t.easy = ::curl_easy_init();
    transfers_.emplace(ticket, std::move(owned));
    if (!url || t.easy == nullptr || !prepare(t, request) || ::curl_multi_add_handle(multi_, t.easy) != CURLM_OK) {
      const std::string why = url ? t.host + ": the request cannot be sent" : url.error().message;
      loop_.post([this, ticket, why, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) end(ticket, HttpFailure{HttpTrouble::address, why});
      });
      return ticket;
    }
    return ticket;
  }

  void cancel(Ticket ticket) override {
    const auto found = transfers_.find(ticket);
    if (found == transfers_.end()) return;
    const std::unique_ptr<Transfer> gone = std::move(found->second);  // a handler may be calling from within it
    transfers_.erase(found);
    if (gone->easy != nullptr) ::curl_multi_remove_handle(multi_, gone->easy);
  }

 private:
  bool prepare(Transfer& t, const HttpRequest& request) {
    bool good = true;
    const auto set = [&](CURLoption option, auto value) {
      good = ::curl_easy_setopt(t.easy, option, value) == CURLE_OK && good;
    };
    curl_slist* list = nullptr;
    const auto add = [&](std::string line) {
      if (line.find_first_of("\r\n") != line.npos) good = false;
      curl_slist* longer = ::curl_slist_append(list, line.c_str());
      if (longer == nullptr)
        good = false;
      else
        list = longer;
      ::explicit_bzero(line.data(), line.size());
    };
    for (const auto& [name, value] : request.headers) add(name + ": " + value);
    for (const auto& secret : request.secrets) {
      std::string line = secret.name + ": " + secret.prefix;
      line += secret.value.reveal();
      add(std::move(line));
    }
    if (request.method == "POST") {
      add("Expect:");  // no waiting for a 100 that few servers send
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t.body.size()));
      set(CURLOPT_POSTFIELDS, t.body.c_str());
    } else if (request.method == "GET") {
      set(CURLOPT_HTTPGET, 1L);
    } else {
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    t.headers.reset(list);
    set(CURLOPT_HTTPHEADER, list);
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_PIPEWAIT, 1L);  // rather a stream of a connection that is being made than another connection
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a cancelled request does not wait for the resolver's thread
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.limits.connect.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.limits.total.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);  // bytes a second
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.limits.idle.count()));
    if (!certificates_.empty()) set(CURLOPT_CAINFO, certificates_.c_str());
    set(CURLOPT_USERAGENT, "kerf");
    set(CURLOPT_ERRORBUFFER, t.error);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, &t);
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &t);
    set(CURLOPT_PRIVATE, &t);
    return good;
  }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto& http = *static_cast<CurlHttp*>(self);
    if (what == CURL_POLL_REMOVE) {
      http.loop_.unwatch(fd);
      return 0;
    }
    const auto wanted = what == CURL_POLL_IN    ? Loop::Ready::readable
                        : what == CURL_POLL_OUT ? Loop::Ready::writable
                                                : Loop::Ready::both;
    const auto watched = http.loop_.watch(fd, wanted, [&http, fd](Loop::Ready ready) {
      const auto bits = static_cast<unsigned>(ready);
      http.act(fd, ((bits & 1U) != 0 ? CURL_CSELECT_IN : 0) | ((bits & 2U) != 0 ? CURL_CSELECT_OUT : 0));
    });
    return watched ? 0 : -1;
  }

  static int on_timer(CURLM*, long delay_ms, void* self) {
    auto& http = *static_cast<CurlHttp*>(self);
    if (http.timer_ != 0) http.loop_.forget(std::exchange(http.timer_, 0));
    if (delay_ms >= 0) {
      http.timer_ = http.loop_.after(std::chrono::milliseconds(delay_ms), [&http] {
        http.timer_ = 0;
        http.act(CURL_SOCKET_TIMEOUT, 0);
      });
    }
    return 0;
  }

  void act(curl_socket_t fd, int events) {
    int running = 0;
    ::curl_multi_socket_action(multi_, fd, events, &running);
    hand_out();
  }

  // To handlers, which may change transfers_ under us: tickets first, each looked up again.
  void hand_out() {
    std::vector<std::pair<Ticket, CURLcode>> done;
    int left = 0;
    while (const CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* t = nullptr;
      ::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
      done.emplace_back(t->ticket, message->data.result);
    }
    std::vector<Ticket> fresh;
    for (const auto& [ticket, t] : transfers_) {
      if (!t->arrived.empty() || (t->head_whole && !t->head_given)) fresh.push_back(ticket);
    }
    for (const Ticket ticket : fresh) pass_on(ticket);
    for (const auto& [ticket, code] : done) finish(ticket, code);
  }

  void pass_on(Ticket ticket) {
    auto found = transfers_.find(ticket);
    if (found == transfers_.end()) return;
    if (found->second->head_whole && !std::exchange(found->second->head_given, true)) {
      const HttpHead head = found->second->head;
      call(ticket, [&](HttpHandler& handler) { handler.on_head(head); });
      found = transfers_.find(ticket);
      if (found == transfers_.end()) return;
    }
    if (found->second->arrived.empty()) return;
    const std::string bytes = std::exchange(found->second->arrived, {});
    call(ticket, [&](HttpHandler& handler) { handler.on_body(bytes); });
  }

  // The handler is out of the transfer while it runs, which it may end.
  template <class F>
  void call(Ticket ticket, F f) {
    HttpHandler handler = std::move(transfers_.at(ticket)->handler);
    f(handler);
    if (const auto found = transfers_.find(ticket); found != transfers_.end())
      found->second->handler = std::move(handler);
  }

  void finish(Ticket ticket, CURLcode code) {
    const auto found = transfers_.find(ticket);
    if (found == transfers_.end()) return;
    const Transfer& t = *found->second;
    std::optional<HttpFailure> failure;
    if (t.too_large) {
      failure = {HttpTrouble::too_large, t.body_bytes > t.limits.max_body
                                             ? fmt::format("{} sent more than {} MiB", t.host, t.limits.max_body >> 20U)
                                             : fmt::format("{} sent more than 256 KiB of headers", t.host)};
    } else if (code != CURLE_OK) {
      const char* said = t.error[0] != 0 ? t.error : ::curl_easy_strerror(code);
      const HttpTrouble trouble = trouble_of(code, t.head_whole);
      failure = {trouble, trouble == HttpTrouble::certificate
                              ? fmt::format("{} cannot prove who it is ({}): name its certificate authority in "
                                            "SSL_CERT_FILE if it is to be trusted",
                                            t.host, said)
                              : fmt::format("{}: {}", t.host, said)};
    }
    end(ticket, std::move(failure));
  }

  void end(Ticket ticket, std::optional<HttpFailure> failure) {
    const auto found = transfers_.find(ticket);
    if (found == transfers_.end()) return;
    const std::unique_ptr<Transfer> gone = std::move(found->second);
    transfers_.erase(found);
    if (gone->easy != nullptr) ::curl_multi_remove_handle(multi_, gone->easy);
    if (failure)
      gone->handler.on_end(std::unexpected(*std::move(failure)));
    else
      gone->handler.on_end({});
  }

  Loop& loop_;
  CURLM* multi_ = nullptr;
  std::string certificates_;
  Loop::Timer timer_ = 0;
  Ticket tickets_ = 0;
  std::map<Ticket, std::unique_ptr<Transfer>> transfers_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // gone when this is
};

}  // namespace

std::string_view HttpHead::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Result<UrlParts> split_url(std::string_view url) {
  UrlParts parts;
  const auto wrong = [&](const char* what) {
    const std::size_t at = url.rfind('@');  // what may be a password stays out
    return user_error(fmt::format("{} is no address ({}): expected http://HOST… or https://HOST…",
                                  at == url.npos ? url.substr(0, 100) : url.substr(at + 1, 100), what));
  };
  const std::size_t colon = url.find("://");
  if (colon == url.npos) return wrong("no scheme");
  parts.scheme = lower(url.substr(0, colon));
  if (parts.scheme != "http" && parts.scheme != "https") return wrong("unknown scheme");
  std::string_view rest = url.substr(colon + 3);
  const std::size_t slash = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, slash);
  rest = slash == rest.npos ? std::string_view{} : rest.substr(slash);
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    parts.has_password = true;
    authority.remove_prefix(at + 1);
  }
  if (authority.empty()) return wrong("no host");
  for (const char c : url) {
    if (c <= ' ' || c == 0x7f) return wrong("blanks or control characters");
  }
  parts.host = lower(authority);
  rest = rest.substr(0, rest.find_first_of("?#"));
  while (rest.ends_with('/')) rest.remove_suffix(1);
  parts.path = rest;
  return parts;
}

Result<std::unique_ptr<Http>> make_http(Loop& loop) {
  auto http = std::make_unique<CurlHttp>(loop);
  TRY(http->open());
  return http;
}

}  // namespace kerf
