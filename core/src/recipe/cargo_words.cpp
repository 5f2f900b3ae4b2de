#include <slipway/core/build_recipe.hpp>

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

} // namespace slipway::core
