#include "candidate/device_protocol.h"

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "problem/json_fields.h"

namespace kerf {
namespace {

using json = nlohmann::json;

constexpr std::array<std::string_view, 8> names = {"load",    "run",   "drop",  "ping",
                                                   "profile", "probe", "close", "expect"};

std::unexpected<Error> not_understood(const char* why) {
  return fail(ErrorKind::system, std::string("the other process sent a message that is not understood: ") + why);
}

bool runs(DeviceRequest::Does does) {
  using enum DeviceRequest::Does;
  return does == run || does == profile || does == probe || does == expect;
}

// What is no integer, or none that fits, would be converted to something undefined.
template <class Integer>
Integer integer_of(const json& value) {
  if (value.is_number_unsigned() && std::in_range<Integer>(value.get<std::uint64_t>()))
    return static_cast<Integer>(value.get<std::uint64_t>());
  if (value.is_number_integer() && !value.is_number_unsigned() && std::in_range<Integer>(value.get<std::int64_t>()))
    return static_cast<Integer>(value.get<std::int64_t>());
  throw json::type_error::create(302, "an integer that fits was expected", &value);
}
template <class Integer>
void read_integer(const json& value, Integer& into) {
  into = integer_of<Integer>(value);
}

DeviceActivity activity_from(const json& j) {
  DeviceActivity a;
  std::uint8_t kind = 0;
  read_integer(j.at(0), kind);
  if (kind > static_cast<std::uint8_t>(DeviceActivity::Kind::fill))
    throw json::other_error::create(500, "an activity of no known kind", &j);
  a.kind = static_cast<DeviceActivity::Kind>(kind);
  j.at(1).get_to(a.name);
  read_integer(j.at(2), a.stream);
  read_integer(j.at(3), a.begin_ns);
  read_integer(j.at(4), a.end_ns);
  for (std::size_t i = 0; i < a.grid.size(); ++i) {
    read_integer(j.at(5).at(i), a.grid[i]);
    read_integer(j.at(6).at(i), a.block[i]);
  }
  read_integer(j.at(7), a.registers);
  read_integer(j.at(8), a.shared_bytes);
  read_integer(j.at(9), a.bytes);
  return a;
}

}  // namespace

json to_json(const DeviceFacts& f) {
  return {{"name", f.name},
          {"index", f.index},
          {"pci", f.pci},
          {"capability", f.capability},
          {"sms", f.sms},
          {"clock_khz", f.clock_khz},
          {"memory_clock_khz", f.memory_clock_khz},
          {"bus_bits", f.bus_bits},
          {"driver", f.driver},
          {"l2_bytes", f.l2_bytes},
          {"memory_bytes", f.memory_bytes}};
}

std::string encode(const DeviceFacts& facts) { return json{{"device", to_json(facts)}}.dump(); }

Result<DeviceFacts> decode_device_facts(std::string_view body) {
  if (const auto said = decode_number("device", body); !said && body.find("\"error\"") != body.npos)
    return std::unexpected(said.error());
  try {
    const json all = read_json(body);
    const json& j = all.at("device");
    return DeviceFacts{.name = j.at("name").get<std::string>(),
                       .index = j.at("index").get<int>(),
                       .pci = j.at("pci").get<std::string>(),
                       .capability = j.at("capability").get<int>(),
                       .sms = j.at("sms").get<int>(),
                       .clock_khz = j.at("clock_khz").get<int>(),
                       .memory_clock_khz = j.at("memory_clock_khz").get<int>(),
                       .bus_bits = j.at("bus_bits").get<int>(),
                       .driver = j.at("driver").get<int>(),
                       .l2_bytes = j.at("l2_bytes").get<std::int64_t>(),
                       .memory_bytes = j.at("memory_bytes").get<std::int64_t>()};
  } catch (const json::exception& e) {
    return not_understood(e.what());
  }
}

std::string encode(const DeviceRequest& request) {
  json body = {{"do", names.at(static_cast<std::size_t>(request.does))}, {"instance", request.instance}};
  if (request.does == DeviceRequest::Does::load) {
    body["load"] = encode(request.load);
    body["image"] = request.image;
    body["symbols"] = request.symbols;
    body["bridge"] = request.bridge;
    body["torch"] = request.torch;
  } else if (runs(request.does)) {
    body["run"] = encode(request.run);
    body["inputs"] = request.inputs;
    body["outputs"] = request.outputs;
    body["graph"] = request.graph;
    body["profile"] = {{"library", request.profile.library},
                       {"groups", request.profile.groups},
                       {"steps", request.profile.steps},
                       {"samples", request.profile.samples},
                       {"activity", request.profile.activity}};
    const ProbeMessage& probe = request.probe;
    body["probe"] = {{"step", probe.step},
                     {"cubin", probe.cubin},
                     {"symbol", probe.symbol},
                     {"num_warps", probe.num_warps},
                     {"shared_bytes", probe.shared_bytes},
                     {"parameters", probe.parameters},
                     {"scratch", probe.scratch},
                     {"bytes", probe.bytes},
                     {"rounds", probe.rounds}};
  }
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<DeviceRequest> decode_device_request(std::string_view body) {
  try {
    const json j = read_json(body);
    DeviceRequest request;
    const std::string does = j.at("do").get<std::string>();
    std::size_t which = 0;
    while (which < names.size() && names[which] != does) ++which;
    if (which == names.size()) return not_understood("it asks for something unknown");
    request.does = static_cast<DeviceRequest::Does>(which);
    request.instance = j.at("instance").get<std::int64_t>();
    if (request.does == DeviceRequest::Does::load) {
      request.load = TRY(decode_load(j.at("load").get<std::string>()));
      j.at("image").get_to(request.image);
      j.at("symbols").get_to(request.symbols);
      j.at("bridge").get_to(request.bridge);
      j.at("torch").get_to(request.torch);
    } else if (runs(request.does)) {
      request.run = TRY(decode_run(j.at("run").get<std::string>()));
      j.at("inputs").get_to(request.inputs);
      j.at("outputs").get_to(request.outputs);
      j.at("graph").get_to(request.graph);
      j.at("profile").at("library").get_to(request.profile.library);
      j.at("profile").at("groups").get_to(request.profile.groups);
      j.at("profile").at("steps").get_to(request.profile.steps);
      j.at("profile").at("samples").get_to(request.profile.samples);
      j.at("profile").at("activity").get_to(request.profile.activity);
      const json& probe = j.at("probe");
      probe.at("step").get_to(request.probe.step);
      probe.at("cubin").get_to(request.probe.cubin);
      probe.at("symbol").get_to(request.probe.symbol);
      probe.at("num_warps").get_to(request.probe.num_warps);
      probe.at("shared_bytes").get_to(request.probe.shared_bytes);
      probe.at("parameters").get_to(request.probe.parameters);
      probe.at("scratch").get_to(request.probe.scratch);
      probe.at("bytes").get_to(request.probe.bytes);
      probe.at("rounds").get_to(request.probe.rounds);
    }
    return request;
  } catch (const json::exception& e) {
    return not_understood(e.what());
  }
}

std::string encode(const ProfileAnswer& answer) {
  json launches = json::array();
  for (const LaunchCounters& launch : answer.launches) {
    json counters = json::object();
    for (const auto& [name, value] : launch.counters) counters[name] = value;
    launches.push_back({{"step", launch.step},
                        {"threads", launch.threads},
                        {"blocks", launch.blocks},
                        {"registers", launch.registers},
                        {"shared_bytes", launch.shared_bytes},
                        {"local_bytes", launch.local_bytes},
                        {"counters", std::move(counters)}});
  }
  json samples = json::array();
  for (const LaunchSamples& launch : answer.samples) {
    json at = json::array();
    for (const LaunchSamples::At& each : launch.at) at.push_back({each.function, each.offset, each.stalls});
    samples.push_back({{"step", launch.step}, {"cubin", launch.cubin}, {"at", std::move(at)}, {"lost", launch.lost}});
  }
  json activity = json::array();
  for (const DeviceActivity& a : answer.activity)
    activity.push_back(
        {a.kind, a.name, a.stream, a.begin_ns, a.end_ns, a.grid, a.block, a.registers, a.shared_bytes, a.bytes});
  return json{{"activity", std::move(activity)}, {"no_activity", answer.no_activity}, {"profile", std::move(launches)},
              {"samples", std::move(samples)},   {"no_samples", answer.no_samples},   {"unknown", answer.unknown},
              {"passes", answer.passes},         {"seconds", answer.seconds},         {"parts", answer.parts}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ProfileAnswer> decode_profile(std::string_view body) {
  if (const auto said = decode_number("profile", body); !said && body.find("\"error\"") != body.npos)
    return std::unexpected(said.error());
  try {
    const json all = read_json(body);
    ProfileAnswer answer{.launches = {},
                         .samples = {},
                         .no_samples = all.at("no_samples").get<std::string>(),
                         .unknown = all.at("unknown").get<std::vector<std::string>>(),
                         .passes = integer_of<std::int64_t>(all.at("passes")),
                         .seconds = all.at("seconds").get<double>(),
                         .parts = all.at("parts").get<std::map<std::string, double>>()};
    for (const json& launch : all.at("profile")) {
      LaunchCounters& made = answer.launches.emplace_back();
      read_integer(launch.at("step"), made.step);
      read_integer(launch.at("threads"), made.threads);
      read_integer(launch.at("blocks"), made.blocks);
      read_integer(launch.at("registers"), made.registers);
      read_integer(launch.at("shared_bytes"), made.shared_bytes);
      read_integer(launch.at("local_bytes"), made.local_bytes);
      // What is not a number was not finite.
      for (const auto& [name, value] : launch.at("counters").items())
        if (value.is_number()) made.counters[name] = value.get<double>();
    }
    for (const json& launch : all.at("samples")) {
      LaunchSamples& made = answer.samples.emplace_back();
      read_integer(launch.at("step"), made.step);
      launch.at("cubin").get_to(made.cubin);
      read_integer(launch.at("lost"), made.lost);
      for (const json& each : launch.at("at")) {
        LaunchSamples::At& sample = made.at.emplace_back();
        sample.function = each.at(0).get<std::string>();
        sample.offset = integer_of<std::uint64_t>(each.at(1));
        for (const auto& [stall, count] : each.at(2).items()) read_integer(count, sample.stalls[stall]);
      }
    }
    all.at("no_activity").get_to(answer.no_activity);
    for (const json& each : all.at("activity")) answer.activity.push_back(activity_from(each));
    return answer;
  } catch (const json::exception& e) {
    return not_understood(e.what());
  }
}

std::string encode(const ProbeAnswer& answer) {
  return json{{"probed", answer.probed_us}, {"plain", answer.plain_us}, {"words", answer.words}}.dump();
}

Result<ProbeAnswer> decode_probe(std::string_view body) {
  if (const auto said = decode_number("probed", body); !said && body.find("\"error\"") != body.npos)
    return std::unexpected(said.error());
  try {
    const json all = read_json(body);
    return ProbeAnswer{.plain_us = all.at("plain").get<std::vector<double>>(),
                       .probed_us = all.at("probed").get<std::vector<double>>(),
                       .words = all.at("words").get<std::vector<std::uint64_t>>()};
  } catch (const json::exception& e) {
    return not_understood(e.what());
  }
}

bool is_no_room(const Error& error) {
  return error.kind == ErrorKind::candidate && std::ranges::any_of(error.facts, [](const auto& fact) {
           return fact.first == "rule" && fact.second == "memory";
         });
}

Result<std::vector<std::uint8_t>> handle_bytes(std::string_view digits) {
  constexpr std::size_t size = 64;
  if (digits.size() != 2 * size) return not_understood("a handle has 128 digits");
  const auto value = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    const int high = value(digits[2 * i]), low = value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return not_understood("a handle is written in hexadecimal digits");
    bytes[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return bytes;
}

}  // namespace kerf
