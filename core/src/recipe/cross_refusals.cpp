#include "recipe/cross_settings.hpp"

#include <array>

namespace slipway::core {
namespace {

bool is_on(std::string_view text)
{
    return as_switch(text).value_or(!text.empty());
}

// Whether it asks for something: neither false nor empty.
bool asks(const CrossSetting& setting, bool is_switch)
{
    if (!setting.in_file()) return !is_switch || is_on(setting.text);
    const toml::node& node = *setting.node;
    if (node.is_boolean()) return node.ref<bool>();
    if (node.is_string()) return !node.ref<std::string>().empty();
    if (const toml::array* const list = node.as_array()) return !list->empty();
    const toml::table* const table = node.as_table();
    if (table == nullptr || table->empty()) return false;
    return (*table)["enable"].value_or(true); // of zig
}

struct Refusal {
    std::string_view key;
    std::string_view hint;
    bool is_switch = false; // a variable of it can be "false" or 0
};

constexpr std::array refused_keys{
    Refusal{"xargo", "cargo itself is run", true},
    Refusal{"zig", "the image's own linker is used", true}};

constexpr std::array refused_variables_of_keys{
    Refusal{"zig.image", "the image's own linker is used"},
    Refusal{"zig.image.toolchain", "the image's own linker is used"},
    Refusal{"zig.version", "the image's own linker is used"}};

// Variables that are of no target.
constexpr std::array refused_variables{
    Refusal{"CROSS_BUILD_OPTS", "the engine builds images without further options"},
    Refusal{"CROSS_CONTAINER_GID", "commands run with your own group"},
    Refusal{"CROSS_CONTAINER_UID", "commands run as yourself"},
    Refusal{"CROSS_CUSTOM_TOOLCHAIN", "name it with --toolchain, or as +NAME", true},
    Refusal{
        "CROSS_UNSTABLE_ENABLE_DOCTESTS",
        "pass -Zdoctest-xcompile to cargo if the image's cargo knows it",
        true}};

} // namespace

Result<> refuse_what_cannot_be_done(const CrossSettings& settings)
{
    for (const auto& [key, hint, is_switch] : refused_keys) {
        const auto set = settings.first(key);
        if (set && asks(*set, is_switch)) return fail(cannot_yet(*set, hint));
    }
    for (const Refusal& refusal : refused_variables_of_keys) {
        for (const auto& set :
             {settings.target_variable(refusal.key), settings.build_variable(refusal.key)}) {
            if (set) return fail(cannot_yet(*set, refusal.hint));
        }
    }
    for (const auto& [name, hint, is_switch] : refused_variables) {
        const auto set = settings.variable(std::string(name));
        if (set && asks(*set, is_switch)) return fail(cannot_yet(*set, hint));
    }
    return ok();
}

} // namespace slipway::core
