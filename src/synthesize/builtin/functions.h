// Functions of numbers that take more than one instruction, for operators.cc.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "synthesize/builtin/formulas.h"

namespace kerf {

// Adds the rules to the table of operators.
void add_functions(std::map<std::string, std::function<void(const Rule&)>>& table);
void add_special_functions(std::map<std::string, std::function<void(const Rule&)>>& table);
void divide_rounded(const Rule& rule);  // div with a rounding mode

}  // namespace kerf
