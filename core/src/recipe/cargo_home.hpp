#pragma once

#include <slipway/engine/result.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace slipway::core {

/// What the user's own cargo home says of registries. Their names are keys as in variables:
/// "MY_OWN".
struct CargoHome {
    struct Registry {
        std::string name; ///< as it stands there: "my-own"
        std::string index;
        std::string place; ///< "/home/me/.cargo/config.toml:2:9"
    };
    std::map<std::string, Registry> registries;
    std::map<std::string, std::string> tokens;
    std::string default_registry;
};

/// "MY_OWN" of "my-own", as in CARGO_REGISTRIES_MY_OWN_INDEX.
std::string registry_key(std::string_view name);

/// Reads `config.toml` and `credentials.toml` of a directory, or the files without the ending,
/// which cargo takes first. What is not there says nothing.
///
/// Errors: invalid_argument (a file that cannot be read or is no TOML, a value of the wrong type,
///   or two names that are one in variables; with file, line and column, and never with a value).
Result<CargoHome> read_cargo_home(const std::filesystem::path& directory);

} // namespace slipway::core
