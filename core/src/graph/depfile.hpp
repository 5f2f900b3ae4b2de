#pragma once
#include <slipway/engine/result.hpp>
#include <string>
#include <string_view>
#include <vector>
namespace slipway::core::graph {
Result<std::vector<std::string>> parse_depfile(std::string_view text);
}
