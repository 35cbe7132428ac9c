// What is there, what is missing, what to install for what.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace kerf {

enum class Health : std::uint8_t { good, degraded, missing };

struct Checkup {
  std::string name;  // "compiler"
  Health health = Health::good;
  std::string found;       // "g++ 12.2.0 (/usr/bin/g++)"
  std::string remedy;      // what to do; empty where nothing has to be done
  std::string needed_for;  // "kerf optimize", …; empty where it is a mere fact
};

struct DoctorSettings {
  std::string store;  // path that was asked for
};
// Starts a few short processes; every check runs, whatever the others found.
[[nodiscard]] std::vector<Checkup> examine(const DoctorSettings& settings);

[[nodiscard]] std::string doctor_text(const std::vector<Checkup>& findings);
[[nodiscard]] nlohmann::json doctor_json(const std::vector<Checkup>& findings);
// Whether kerf optimize can work.
[[nodiscard]] bool healthy(const std::vector<Checkup>& findings);

}  // namespace kerf
