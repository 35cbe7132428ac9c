#include "evaluate/evaluation.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace kerf {
namespace {

using json = nlohmann::json;

template <class Enum, std::size_t n>
std::optional<Enum> from_name(const std::array<Enum, n>& all, std::string_view name) {
  for (const auto value : all) {
    if (name == to_string(value)) return value;
  }
  return std::nullopt;
}

constexpr std::array verdicts{Verdict::rejected,  Verdict::compile_error, Verdict::crashed,
                              Verdict::timed_out, Verdict::wrong,         Verdict::measured};
constexpr std::array evidences{Evidence::silicon, Evidence::emulated, Evidence::modelled, Evidence::statically};
constexpr std::array bounds{Bound::memory, Bound::compute, Bound::latency, Bound::occupancy,
                            Bound::launch, Bound::host,    Bound::none};

// JSON has no NaN and no infinity: what is not finite is unknown.
json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }
double number_from(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

template <class T>
json nullable(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json estimate(const Estimate& e) {
  return {{"median", number(e.median)}, {"low", number(e.low)}, {"high", number(e.high)}, {"samples", e.samples}};
}
Estimate estimate_from(const json& j) {
  return {.median = number_from(j.at("median")),
          .low = number_from(j.at("low")),
          .high = number_from(j.at("high")),
          .samples = j.at("samples").get<int>()};
}

json ratio(const Ratio& r) { return {{"value", number(r.value)}, {"low", number(r.low)}, {"high", number(r.high)}}; }
Ratio ratio_from(const json& j) {
  return {.value = number_from(j.at("value")), .low = number_from(j.at("low")), .high = number_from(j.at("high"))};
}

json location(const Location& at) { return {{"line", at.line}, {"column", at.column}}; }

json receipt_json(const Receipt& r) {
  json baselines = json::object(), speedup = json::object(), raw = json::array();
  for (const auto& [name, e] : r.baselines) baselines[name] = estimate(e);
  for (const auto& [name, value] : r.speedup) speedup[name] = ratio(value);
  for (const double us : r.raw_us) raw.push_back(number(us));
  json written = {{"evidence", to_string(r.evidence)},
                  {"time_us", r.timed() ? estimate(r.time_us) : json(nullptr)},
                  {"warm_us", r.warm_us ? estimate(*r.warm_us) : json(nullptr)},
                  {"prepare_us", r.prepare_us ? estimate(*r.prepare_us) : json(nullptr)},
                  {"raw_us", std::move(raw)},
                  {"baselines", std::move(baselines)},
                  {"speedup", std::move(speedup)},
                  {"unavailable", r.unavailable},
                  {"speed_of_light_us", nullable(r.speed_of_light_us)},
                  {"fraction_of_speed_of_light", nullable(r.fraction_of_speed_of_light)},
                  {"quarantined", r.quarantined},
                  {"discarded", r.discarded},
                  {"tune", r.tune},
                  {"machine", r.machine},
                  {"versions", r.versions},
                  {"isolation", r.isolation}};
  if (r.graph) written["graph"] = true;  // absent otherwise, so that what was recorded before stays what it was
  return written;
}

// A key that older or foreign records may lack.
const json& optional_key(const json& j, const char* key) {
  static const json nothing;
  const auto found = j.find(key);
  return found == j.end() ? nothing : *found;
}

struct Malformed {
  std::string what;
};

template <class Enum, std::size_t n>
Enum enumerator(const std::array<Enum, n>& all, const json& j, const char* what) {
  const auto& name = j.get_ref<const std::string&>();
  const auto value = from_name(all, name);
  if (!value) throw Malformed{std::string(what) + " \"" + name + "\" is not known"};
  return *value;
}

std::optional<double> optional_number(const json& j) {
  return j.is_null() ? std::nullopt : std::optional(j.get<double>());
}
std::optional<std::string> optional_text(const json& j) {
  return j.is_null() ? std::nullopt : std::optional(j.get<std::string>());
}

Receipt receipt_from(const json& j) {
  Receipt r;
  r.evidence = enumerator(evidences, j.at("evidence"), "evidence");
  r.graph = j.value("graph", false);
  if (const json& time = j.at("time_us"); !time.is_null()) r.time_us = estimate_from(time);
  if (const auto& warm = optional_key(j, "warm_us"); !warm.is_null()) r.warm_us = estimate_from(warm);
  if (const auto& prepare = optional_key(j, "prepare_us"); !prepare.is_null()) r.prepare_us = estimate_from(prepare);
  if (const auto& raw = optional_key(j, "raw_us"); !raw.is_null()) {
    for (const auto& us : raw) r.raw_us.push_back(number_from(us));
  }
  for (const auto& [name, e] : j.at("baselines").items()) r.baselines[name] = estimate_from(e);
  for (const auto& [name, value] : j.at("speedup").items()) r.speedup[name] = ratio_from(value);
  if (const auto& missing = optional_key(j, "unavailable"); !missing.is_null()) missing.get_to(r.unavailable);
  r.speed_of_light_us = optional_number(optional_key(j, "speed_of_light_us"));
  r.fraction_of_speed_of_light = optional_number(optional_key(j, "fraction_of_speed_of_light"));
  r.quarantined = j.value("quarantined", false);
  r.discarded = j.value("discarded", 0);
  r.tune = j.value("tune", "");
  r.machine = optional_key(j, "machine");
  r.versions = optional_key(j, "versions");
  if (const auto& isolation = optional_key(j, "isolation"); !isolation.is_null()) isolation.get_to(r.isolation);
  return r;
}

json timeline_json(const Timeline& t) {
  json parts = json::array(), events = json::array();
  for (const auto& part : t.parts) {
    parts.push_back({{"op", part.op},
                     {"line", part.line},
                     {"events", part.events},
                     {"median_ns", number(part.median_ns)},
                     {"longest_ns", number(part.longest_ns)},
                     {"share", number(part.share)}});
  }
  for (const auto& e : t.events)
    events.push_back({e.program, e.sm, e.part, e.round, number(e.begin_ns), number(e.end_ns)});
  return {{"kernel", t.kernel},
          {"programs", t.programs},
          {"program_ns", number(t.program_ns)},
          {"plain_us", number(t.plain_us)},
          {"probed_us", number(t.probed_us)},
          {"disturbed", t.disturbed},
          {"parts", std::move(parts)},
          {"events", std::move(events)}};
}

Timeline timeline_from(const json& j) {
  Timeline t{.kernel = j.at("kernel").get<std::string>(),
             .programs = j.at("programs").get<int>(),
             .program_ns = number_from(j.at("program_ns")),
             .plain_us = number_from(j.at("plain_us")),
             .probed_us = number_from(j.at("probed_us")),
             .disturbed = j.at("disturbed").get<bool>(),
             .parts = {},
             .events = {}};
  for (const auto& part : j.at("parts")) {
    t.parts.push_back({.op = part.at("op").get<std::string>(),
                       .line = part.at("line").get<int>(),
                       .events = part.at("events").get<std::int64_t>(),
                       .median_ns = number_from(part.at("median_ns")),
                       .longest_ns = number_from(part.at("longest_ns")),
                       .share = number_from(part.at("share"))});
  }
  for (const auto& e : j.at("events")) {
    t.events.push_back({.program = e.at(0).get<int>(),
                        .sm = e.at(1).get<int>(),
                        .part = e.at(2).get<int>(),
                        .round = e.at(3).get<int>(),
                        .begin_ns = number_from(e.at(4)),
                        .end_ns = number_from(e.at(5))});
  }
  return t;
}

json trace_json(const TorchTrace& t) {
  json kernels = json::array(), waits = json::array(), operators = json::array();
  for (const auto& k : t.kernels) kernels.push_back({{"name", k.name}, {"launches", k.launches}, {"us", number(k.us)}});
  for (const auto& w : t.waits) waits.push_back({{"call", w.call}, {"times", w.times}, {"us", number(w.us)}});
  for (const auto& o : t.operators) operators.push_back({{"name", o.name}, {"calls", o.calls}, {"us", number(o.us)}});
  return {{"kernels", std::move(kernels)}, {"waits", std::move(waits)},    {"operators", std::move(operators)},
          {"launches", t.launches},        {"copies", t.copies},           {"copies_us", number(t.copies_us)},
          {"span_us", number(t.span_us)},  {"busy_us", number(t.busy_us)}, {"longest_gap_us", number(t.longest_gap_us)},
          {"host_us", number(t.host_us)}};
}

TorchTrace trace_from(const json& j) {
  TorchTrace t{.kernels = {},
               .waits = {},
               .copies = j.at("copies").get<std::int64_t>(),
               .copies_us = number_from(j.at("copies_us")),
               .span_us = number_from(j.at("span_us")),
               .busy_us = number_from(j.at("busy_us")),
               .longest_gap_us = number_from(j.at("longest_gap_us")),
               .host_us = number_from(j.at("host_us")),
               .launches = j.at("launches").get<std::int64_t>()};
  for (const auto& k : j.at("kernels")) {
    t.kernels.push_back({.name = k.at("name").get<std::string>(),
                         .launches = k.at("launches").get<std::int64_t>(),
                         .us = number_from(k.at("us"))});
  }
  for (const auto& w : j.at("waits")) {
    t.waits.push_back({.call = w.at("call").get<std::string>(),
                       .times = w.at("times").get<std::int64_t>(),
                       .us = number_from(w.at("us"))});
  }
  for (const auto& o : j.at("operators")) {
    t.operators.push_back({.name = o.at("name").get<std::string>(),
                           .calls = o.at("calls").get<std::int64_t>(),
                           .us = number_from(o.at("us"))});
  }
  return t;
}

Diagnosis diagnosis_from(const json& j) {
  Diagnosis d;
  if (const auto& bound = optional_key(j, "bound"); !bound.is_null()) d.bound = enumerator(bounds, bound, "bound");
  if (const auto& metrics = optional_key(j, "metrics"); !metrics.is_null()) {
    for (const auto& [name, m] : metrics.items()) {
      d.metrics[name] = {.value = number_from(m.at("value")),
                         .unit = m.at("unit").get<std::string>(),
                         .evidence = enumerator(evidences, m.at("evidence"), "evidence")};
    }
  }
  if (const auto& causes = optional_key(j, "causes"); !causes.is_null()) {
    for (const auto& c : causes) {
      d.causes.push_back({.name = c.at("name").get<std::string>(),
                          .what = c.at("what").get<std::string>(),
                          .evidence = enumerator(evidences, c.at("evidence"), "evidence")});
    }
  }
  if (const auto& spots = optional_key(j, "hot_spots"); !spots.is_null()) {
    for (const auto& s : spots) {
      d.hot_spots.push_back({.line = s.at("line").get<int>(),
                             .what = s.at("what").get<std::string>(),
                             .evidence = enumerator(evidences, s.at("evidence"), "evidence"),
                             .share = s.value("share", 0.0)});
      if (const auto& waits = optional_key(s, "waits"); !waits.is_null()) waits.get_to(d.hot_spots.back().waits);
    }
  }
  d.profiler = j.value("profiler", "");
  if (const auto& timeline = optional_key(j, "timeline"); !timeline.is_null()) d.timeline = timeline_from(timeline);
  if (const auto& activity = optional_key(j, "activity"); !activity.is_null()) d.activity = run_activity_from(activity);
  if (const auto& traces = optional_key(j, "traces"); !traces.is_null()) {
    for (const auto& [name, trace] : traces.items()) d.traces[name] = trace_from(trace);
  }
  if (const auto& advice = optional_key(j, "advice"); !advice.is_null()) advice.get_to(d.advice);
  return d;
}

Result<Evaluation> evaluation_from(const json& j) {
  if (const int schema = j.at("schema").get<int>(); schema != Evaluation::schema) {
    throw Malformed{"schema " + std::to_string(schema) + " is not " + std::to_string(Evaluation::schema) +
                    ", the one this kerf reads"};
  }
  Evaluation e;
  e.id = j.at("id").get<std::string>();
  e.problem = j.at("problem").get<std::string>();
  for (const auto& [name, value] : j.at("workload").items()) e.workload[name] = TRY(value_from_json(value));
  e.candidate = j.at("candidate").get<std::string>();
  e.language = j.at("language").get<std::string>();
  e.target = j.at("target").get<std::string>();
  e.contract = j.at("contract").get<std::string>();
  e.verdict = enumerator(verdicts, j.at("verdict"), "verdict");
  e.rule = optional_text(optional_key(j, "rule"));
  e.message = optional_text(optional_key(j, "message"));
  if (const auto& at = optional_key(j, "at"); !at.is_null()) {
    e.at = Location{.line = at.at("line").get<int>(), .column = at.at("column").get<int>()};
  }
  if (const auto& receipt = optional_key(j, "receipt"); !receipt.is_null()) e.receipt = receipt_from(receipt);
  if (const auto& diagnosis = optional_key(j, "diagnosis"); !diagnosis.is_null()) {
    e.diagnosis = diagnosis_from(diagnosis);
  }
  for (const auto& c : j.at("checks")) {
    e.checks.push_back({.name = c.at("name").get<std::string>(),
                        .passed = c.at("passed").get<bool>(),
                        .detail = optional_key(c, "detail")});
  }
  for (const auto& job : j.at("jobs")) {
    e.jobs.push_back({.kind = job.at("kind").get<std::string>(),
                      .seconds = number_from(job.at("seconds")),
                      .cached = job.at("cached").get<bool>()});
  }
  e.variants_supported = j.value("variants_supported", 0);
  e.variants = j.value("variants", 0);
  e.code = j.value("code", std::string());
  return e;
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::rejected:
      return "rejected";
    case Verdict::compile_error:
      return "compile_error";
    case Verdict::crashed:
      return "crashed";
    case Verdict::timed_out:
      return "timed_out";
    case Verdict::wrong:
      return "wrong";
    case Verdict::measured:
      return "measured";
  }
  return "?";
}

const char* to_string(Evidence evidence) {
  switch (evidence) {
    case Evidence::silicon:
      return "silicon";
    case Evidence::emulated:
      return "emulated";
    case Evidence::modelled:
      return "modelled";
    case Evidence::statically:
      return "static";
  }
  return "?";
}

const char* to_string(Bound bound) {
  switch (bound) {
    case Bound::memory:
      return "memory";
    case Bound::compute:
      return "compute";
    case Bound::latency:
      return "latency";
    case Bound::occupancy:
      return "occupancy";
    case Bound::launch:
      return "launch";
    case Bound::host:
      return "host";
    case Bound::none:
      return "none";
  }
  return "?";
}

std::optional<Verdict> verdict_from(std::string_view name) { return from_name(verdicts, name); }

// What profilers found is written only where one looked, so that records of other targets read as before.
json to_json(const Diagnosis& d) {
  json metrics = json::object(), spots = json::array(), causes = json::array();
  for (const auto& [name, m] : d.metrics) {
    metrics[name] = {{"value", number(m.value)}, {"unit", m.unit}, {"evidence", to_string(m.evidence)}};
  }
  for (const auto& s : d.hot_spots) {
    spots.push_back({{"line", s.line}, {"what", s.what}, {"evidence", to_string(s.evidence)}});
    if (s.share <= 0) continue;
    spots.back()["share"] = number(s.share);
    spots.back()["waits"] = s.waits;
  }
  for (const auto& c : d.causes) {
    causes.push_back({{"name", c.name}, {"what", c.what}, {"evidence", to_string(c.evidence)}});
  }
  json out = {{"bound", d.bound ? json(to_string(*d.bound)) : json(nullptr)},
              {"metrics", std::move(metrics)},
              {"hot_spots", std::move(spots)},
              {"advice", d.advice}};
  if (!causes.empty()) out["causes"] = std::move(causes);
  if (!d.profiler.empty()) out["profiler"] = d.profiler;
  if (d.timeline) out["timeline"] = timeline_json(*d.timeline);
  if (d.activity) out["activity"] = to_json(*d.activity);
  for (const auto& [name, trace] : d.traces) out["traces"][name] = trace_json(trace);
  return out;
}

json to_json(const Evaluation& e) {
  json checks = json::array(), jobs = json::array();
  for (const auto& c : e.checks) checks.push_back({{"name", c.name}, {"passed", c.passed}, {"detail", c.detail}});
  for (const auto& job : e.jobs) {
    jobs.push_back({{"kind", job.kind}, {"seconds", number(job.seconds)}, {"cached", job.cached}});
  }
  json out = {{"schema", Evaluation::schema},
              {"id", e.id},
              {"problem", e.problem},
              {"workload", to_json(e.workload)},
              {"candidate", e.candidate},
              {"language", e.language},
              {"target", e.target},
              {"contract", e.contract},
              {"verdict", to_string(e.verdict)},
              {"rule", nullable(e.rule)},
              {"message", nullable(e.message)},
              {"at", e.at ? location(*e.at) : json(nullptr)},
              {"receipt", e.receipt ? receipt_json(*e.receipt) : json(nullptr)},
              {"diagnosis", to_json(e.diagnosis)},
              {"checks", std::move(checks)},
              {"jobs", std::move(jobs)},
              {"variants_supported", e.variants_supported},
              {"variants", e.variants}};
  if (!e.code.empty()) out["code"] = e.code;
  return out;
}

Result<Evaluation> evaluation_from_json(const json& j) {
  try {
    return evaluation_from(j);
  } catch (const json::exception& e) {
    return user_error(std::string("this is no evaluation record: ") + e.what());
  } catch (const Malformed& e) {
    return user_error("this is no evaluation record: " + e.what);
  }
}

}  // namespace kerf
