// What nlohmann_json is made of, for executables of tests: see kerf_optimised_json in cmake/rooms.cmake.
#include <nlohmann/json.hpp>
#include <string>

template class nlohmann::basic_json<>;
template nlohmann::json nlohmann::json::parse(const std::string&, const parser_callback_t, const bool, const bool);
