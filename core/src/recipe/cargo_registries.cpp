#include "recipe/cargo_registries.hpp"

#include "recipe/cargo_home.hpp"
#include "recipe/cargo_line.hpp"
#include "recipe/used_registries.hpp"

#include <algorithm>
#include <utility>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view of_registries = "CARGO_REGISTRIES_";
constexpr const char* default_variable = "CARGO_REGISTRY_DEFAULT";

std::string index_variable(const std::string& key)
{
    return std::string(of_registries) + key + "_INDEX";
}

// What variables CARGO_REGISTRIES_KEY_... say, by the key.
std::map<std::string, std::string> of_variables(const CargoCall& call, std::string_view ending)
{
    std::map<std::string, std::string> found;
    for (const auto& [name, value] : call.environment) {
        std::string_view key = name;
        if (value.empty() || !key.starts_with(of_registries) || !key.ends_with(ending)) continue;
        if (key.size() <= of_registries.size() + ending.size()) continue;
        key.remove_prefix(of_registries.size());
        key.remove_suffix(ending.size());
        found.emplace(key, value);
    }
    return found;
}

fs::path home_here(const CargoCall& call)
{
    const auto named = call.environment.find("CARGO_HOME");
    const bool is_named = named != call.environment.end() && !named->second.empty();
    return is_named ? call.directory / named->second : call.home / ".cargo";
}

// Cargo refuses such an index.
bool has_password(std::string_view index)
{
    const auto scheme = index.find("://");
    if (scheme == std::string_view::npos) return false;
    const std::string_view authority =
        index.substr(scheme + 3, index.find('/', scheme + 3) - scheme - 3);
    const auto user = authority.rfind('@');
    return user != std::string_view::npos
           && authority.substr(0, user).find(':') != std::string_view::npos;
}

// What a name stands for, wherever it is defined.
class Indexes {
public:
    Indexes(const CargoCall& call, const CargoConfig& config, const CargoHome& home)
        : named_(of_variables(call, "_INDEX")), config_(config), home_(home)
    {
    }

    std::map<std::string, std::string> variables() const
    {
        std::map<std::string, std::string> all;
        for (const auto& [key, index] : named_) {
            if (!has_password(index)) all.emplace(index_variable(key), index);
        }
        for (const auto& [key, registry] : home_.registries) {
            if (config_.registries.contains(key) || has_password(registry.index)) continue;
            all.emplace(index_variable(key), registry.index);
        }
        return all;
    }

    // Empty: nobody defines it.
    std::string of(const std::string& key) const
    {
        if (const auto named = named_.find(key); named != named_.end()) return named->second;
        const auto nearest = config_.registries.find(key);
        if (nearest != config_.registries.end()) return nearest->second;
        const auto at_home = home_.registries.find(key);
        return at_home == home_.registries.end() ? std::string() : at_home->second.index;
    }

    // A token is for the index that the user has named, whatever somebody has put into the
    // workspace.
    Result<> check_is_one(const std::string& key) const
    {
        const auto nearest = config_.registries.find(key);
        const auto at_home = home_.registries.find(key);
        if (named_.contains(key) || nearest == config_.registries.end()
            || at_home == home_.registries.end()
            || same_index(nearest->second) == same_index(at_home->second.index)) {
            return ok();
        }
        Error error(
            Errc::invalid_argument,
            "the registry " + at_home->second.name + " has an index at " + at_home->second.place
                + " and another one in the workspace's .cargo/config.toml, and there is a token"
        );
        error.hint = "rename one of them, or say which one it is for with " + index_variable(key);
        return fail(std::move(error));
    }

private:
    std::map<std::string, std::string> named_;
    const CargoConfig& config_;
    const CargoHome& home_;
};

bool is_offline(const CargoCall& call, const CargoConfig& config)
{
    const auto said = call.environment.find("CARGO_NET_OFFLINE");
    const bool is_said = said != call.environment.end() && !said->second.empty();
    return is_said ? said->second == "true" : config.offline.value_or(false);
}

UsedRegistries used_by(const CargoCall& call, const fs::path& packages, const CargoConfig& config)
{
    UsedRegistries used = used_registries(packages, call.home);
    for (const std::string& name : config.stand_ins) {
        used.keys.insert(registry_key(name));
        const auto source = config.sources.find(name);
        if (source != config.sources.end()) used.indexes.insert(same_index(source->second));
    }
    return used;
}

} // namespace

Result<RegistryPlan> plan_registries(
    const CargoCall& call,
    const std::vector<std::string>& cargo,
    const fs::path& packages,
    const CargoConfig& config,
    const std::string& home
)
{
    TRY(const CargoHome here, read_cargo_home(home_here(call)));
    const Indexes indexes(call, config, here);
    RegistryPlan plan;
    plan.variables = indexes.variables();
    const auto chosen = call.environment.find(default_variable);
    std::string by_default = chosen == call.environment.end() ? std::string() : chosen->second;
    if (by_default.empty() && config.default_registry.empty()) by_default = here.default_registry;
    if (!by_default.empty()) plan.variables.emplace(default_variable, by_default);

    std::map<std::string, std::string> tokens = of_variables(call, "_TOKEN");
    tokens.insert(here.tokens.begin(), here.tokens.end()); // the variables win
    const CargoFetching fetching = fetching_of(call.args);
    if (tokens.empty() || fetching.when == CargoFetching::never || is_offline(call, config)) {
        return plan;
    }
    UsedRegistries used = used_by(call, packages, config);
    for (const std::string& name : fetching.registries) {
        used.keys.insert(registry_key(name));
    }
    if (fetching.from_default) {
        used.keys.insert(registry_key(by_default.empty() ? config.default_registry : by_default));
    }
    for (const std::string& key : used.keys) { // an index may have a token under another name
        const std::string index = indexes.of(key);
        if (!index.empty()) used.indexes.insert(same_index(index));
    }
    FetchStep step;
    for (const auto& [key, token] : tokens) {
        const std::string index = indexes.of(key);
        if (index.empty() || has_password(index)) continue;
        if (!used.keys.contains(key) && !used.indexes.contains(same_index(index))) continue;
        CHECK_OK(indexes.check_is_one(key));
        if (token.find_first_of("\r\n") != std::string::npos) {
            Error error(
                Errc::invalid_argument, "the token of the registry " + key + " has a line break"
            );
            error.hint = "a token is one line";
            return fail(std::move(error));
        }
        step.secrets.push_back(std::string(of_registries) + key + "_TOKEN=" + token);
        step.env.push_back(index_variable(key) + "=" + index);
        // Without one, cargo from 1.74 on has no token for what is to be read.
        step.env.push_back(std::string(of_registries) + key + "_CREDENTIAL_PROVIDER=cargo:token");
    }
    if (step.secrets.empty()) return plan;
    // A wrapper may go on in the background, as sccache does, and have its variables for all to
    // see.
    step.env.emplace_back("RUSTC_WRAPPER=");
    step.env.emplace_back("RUSTC_WORKSPACE_WRAPPER=");
    step.home = home;
    std::vector<std::string> fetch = cargo;
    fetch.insert(fetch.end(), fetching.fetch_args.begin(), fetching.fetch_args.end());
    step.is_command = fetching.when == CargoFetching::itself;
    if (!fetching.looks_for_news) {
        step.probe = fetch;
        step.probe.emplace_back("--frozen");
    }
    step.argv = std::move(fetch);
    if (step.is_command) {
        step.argv = cargo;
        step.argv.insert(step.argv.end(), call.args.begin(), call.args.end());
    }
    plan.fetch = std::move(step);
    return plan;
}

} // namespace slipway::core
