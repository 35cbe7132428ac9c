#include "base/jail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/paths.h"

namespace kerf {

std::string to_json(const Jail& jail) {
  return nlohmann::json{{"read_only", jail.read_only},         {"writable", jail.writable},
                        {"tmp_bytes", jail.tmp_bytes},         {"proc", jail.proc},
                        {"address_space", jail.address_space}, {"file_size", jail.file_size},
                        {"cpu_seconds", jail.cpu_seconds},     {"processes", jail.processes}}
      .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

Result<Jail> jail_from_json(const std::string& text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    Jail jail;
    json.at("read_only").get_to(jail.read_only);
    json.at("writable").get_to(jail.writable);
    json.at("tmp_bytes").get_to(jail.tmp_bytes);
    json.at("proc").get_to(jail.proc);
    json.at("address_space").get_to(jail.address_space);
    json.at("file_size").get_to(jail.file_size);
    json.at("cpu_seconds").get_to(jail.cpu_seconds);
    json.at("processes").get_to(jail.processes);
    for (const auto* paths : {&jail.read_only, &jail.writable}) {
      for (const std::string& path : *paths) {
        if (!path.starts_with('/') || path.find("/../") != path.npos || path.ends_with("/..")) {
          return user_error("the jail's path " + path + " is not absolute: give it from the root, without ..");
        }
      }
    }
    return jail;
  } catch (const nlohmann::json::exception& error) {
    return user_error(std::string("the jail's description cannot be read: ") + error.what());
  }
}

Command jailed(const std::filesystem::path& launcher, const Jail& jail, Command command) {
  std::vector<std::string> argv = {launcher.string(), "--jail", to_json(jail), "--"};
  argv.insert(argv.end(), command.argv.begin(), command.argv.end());
  command.argv = std::move(argv);
  if (jail.tmp_bytes > 0) command.environment["TMPDIR"] = "/tmp";
  return command;
}

Result<Command> jailed(const Jail& jail, Command command) {
  return jailed(TRY(runner_binary()), jail, std::move(command));
}

Result<std::string> read_untrusted(const std::filesystem::path& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return system_error("cannot read " + path.string(), errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return system_error("cannot read " + path.string(), errno);
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::candidate, path.string() + " is no regular file");
  std::string bytes;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("cannot read " + path.string(), errno);
    if (n == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(n));
    if (bytes.size() > limit)
      return fail(ErrorKind::candidate, path.string() + " is larger than " + std::to_string(limit) + " bytes");
  }
}

Result<std::vector<std::string>> isolation() {
  const std::filesystem::path launcher = TRY(runner_binary());
  const Command command{.argv = {launcher.string(), "--jail", "probe"}, .environment = {}};
  const Finished finished = TRY(run(command, std::chrono::seconds(10)));
  if (!finished.ok()) {
    return fail(ErrorKind::unavailable, "the jail cannot be tried (" + finished.describe() + "): " + finished.errors);
  }
  std::vector<std::string> layers;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = finished.output.find('\n', begin)) != std::string::npos; begin = end + 1) {
    layers.push_back(finished.output.substr(begin, end - begin));
  }
  return layers;
}

}  // namespace kerf
