#include "recipe/build_std.hpp"

#include "ascii.hpp"
#include "recipe/cargo_line.hpp"
#include "recipe/toml_file.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace slipway::core {
namespace {

constexpr auto compiling_commands = std::to_array<std::string_view>(
    {"b",
     "bench",
     "build",
     "c",
     "check",
     "clippy",
     "d",
     "doc",
     "fix",
     "r",
     "run",
     "rustc",
     "rustdoc",
     "t",
     "test"}
);

bool is_crate(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return is_letter_or_digit(c) || c == '_' || c == '-';
    });
}

Result<> add_crate(std::vector<std::string>& crates, std::string name, const std::string& place)
{
    if (!is_crate(name)) {
        return fail(not_valid(
            place,
            "build-std: '" + name + "' is no name of a crate",
            "write true, false, or crates of the standard library, as in [\"core\", \"alloc\"]"
        ));
    }
    crates.push_back(std::move(name));
    return ok();
}

// A variable is a switch, or crates with commas between them.
Result<std::optional<std::vector<std::string>>> build_std_of(const CrossSetting& set)
{
    std::vector<std::string> crates;
    std::string_view rest = set.text;
    if (const auto is_on = as_switch(rest)) {
        if (*is_on) return crates;
        return std::nullopt;
    }
    while (true) {
        const auto comma = rest.find(',');
        CHECK_OK(add_crate(crates, std::string(rest.substr(0, comma)), set.place));
        if (comma == std::string_view::npos) return crates;
        rest.remove_prefix(comma + 1);
    }
}

} // namespace

Result<std::optional<std::vector<std::string>>> read_build_std(const CrossSettings& settings)
{
    constexpr std::string_view key = "build-std";
    auto set = settings.target_variable(key);
    if (!set) set = settings.target_key(key);
    if (!set) set = settings.variable("CROSS_BUILD_STD"); // as cross has it, other than its page
    if (!set) set = settings.build_variable(key);
    if (!set) set = settings.build_key(key);
    if (!set) return std::nullopt;
    if (!set->in_file()) return build_std_of(*set);
    std::vector<std::string> crates;
    const toml::array* const list = set->node->as_array();
    if (list == nullptr) {
        if (set->node->value_or(false)) return crates;
        return std::nullopt;
    }
    for (const toml::node& item : *list) {
        CHECK_OK(add_crate(crates, item.value_or(std::string()), place_of(item.source())));
    }
    if (crates.empty()) return std::nullopt;
    return crates;
}

bool asks_for_build_std(const std::vector<std::string>& args)
{
    for (auto arg = args.begin(); arg != args.end() && *arg != "--"; ++arg) {
        const bool names_it =
            arg->starts_with("build-std") && arg != args.begin() && *std::prev(arg) == "-Z";
        if (names_it || arg->starts_with("-Zbuild-std")) return true;
    }
    return false;
}

void add_build_std(std::vector<std::string>& args, const std::vector<std::string>& crates)
{
    const auto among = [](const auto& names, const std::string& arg) {
        return std::ranges::find(names, arg) != names.end();
    };
    const auto end = std::ranges::find(args, "--");
    auto command = args.end();
    if (asks_for_build_std(args)) return;
    for (auto arg = args.begin(); arg != end; ++arg) {
        if (among(cargo_options_with_word, *arg)) {
            if (++arg == end) return;
        } else if (!arg->starts_with('-')) {
            command = arg;
            break;
        }
    }
    if (command == args.end() || !among(compiling_commands, *command)) return;
    args.insert(
        std::next(command),
        "-Zbuild-std" + (crates.empty() ? "" : fmt::format("={}", fmt::join(crates, ",")))
    );
}

} // namespace slipway::core
