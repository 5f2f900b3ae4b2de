#include "ascii.hpp"

#include <slipway/core/build_recipe.hpp>

#include <algorithm>

namespace slipway::core {

std::vector<std::string> cargo_arguments(const BuildCall& call)
{
    std::vector<std::string> words{call.test ? "test" : "build"};
    const auto add = [&words](std::string name, std::string value) {
        words.push_back(std::move(name));
        words.push_back(std::move(value));
    };
    if (call.profile == BuildProfile::release) words.emplace_back("--release");
    if (!call.target.empty()) add("--target", call.target);
    if (!call.build_dir.empty()) add("--target-dir", call.build_dir.string());
    if (call.jobs > 0) add("--jobs", std::to_string(call.jobs));
    words.insert(words.end(), call.args.begin(), call.args.end());
    return words;
}

std::string cargo_profile_directory(const std::vector<std::string>& args)
{
    constexpr std::string_view with_equals = "--profile=";
    std::string profile = "dev";
    for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
        if (args[i] == "--release" || args[i] == "-r") profile = "release";
        if (args[i].starts_with(with_equals)) profile = args[i].substr(with_equals.size());
        if (args[i] == "--profile" && i + 1 < args.size()) profile = args[i + 1];
    }
    if (profile == "dev" || profile == "test") return "debug";
    return profile == "bench" ? "release" : profile;
}

namespace {

// Cargo's words of what it does end in the same column, and stand before what it does it to.
bool is_cargo_status(std::string_view line)
{
    constexpr std::size_t column = 12;
    if (line.size() <= column || line[column] != ' ') return false;
    const std::size_t begin = std::min(line.find_first_not_of(' '), column);
    const std::string_view word = line.substr(begin, column - begin);
    const bool capital = !word.empty() && word.front() >= 'A' && word.front() <= 'Z';
    return begin != 0 && capital && std::ranges::all_of(word, is_letter);
}

// "[12/34] ..." of ninja; "-- ..." of cmake.
bool is_cmake_status(std::string_view line)
{
    if (line.starts_with("-- ") || line == "ninja: no work to do.") return true;
    const std::size_t slash = line.find('/');
    const std::size_t end = line.find("] ");
    if (!line.starts_with('[') || slash >= end || end == std::string_view::npos) return false;
    const auto digits = [](std::string_view text) {
        return !text.empty()
               && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    };
    return digits(line.substr(1, slash - 1)) && digits(line.substr(slash + 1, end - slash - 1));
}

} // namespace

bool is_progress(ProjectKind tool, std::string_view line)
{
    if (tool == ProjectKind::cargo) return is_cargo_status(line);
    return tool == ProjectKind::cmake && is_cmake_status(line);
}

} // namespace slipway::core
