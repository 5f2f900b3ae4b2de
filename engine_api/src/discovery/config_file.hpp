#pragma once

#include "discovery/text.hpp"
#include "json.hpp"

#include <slipway/engine/discovery.hpp>
#include <slipway/engine/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine::discovery {

/// XDG_CONFIG_HOME, else ~/.config; empty when there is neither.
std::filesystem::path user_config_directory(const Environment& environment);

/// The whole text of a regular file, or nothing when there is no such file.
/// Errors: permission_denied, io, invalid_argument (no regular file, or more than 16 MiB).
Result<std::optional<std::string>> read_text(const std::filesystem::path& file);

/// The text with the file's name in place of what json.hpp says of an engine's reply.
std::string about_file(const std::filesystem::path& file, std::string_view message);

/// What a JSON file says, or nothing when there is no such file. An empty file says as much as {}.
/// An error of form is invalid_argument and names the file and the place in it.
template <class T>
Result<std::optional<T>> read_json(const std::filesystem::path& file)
{
    TRY(const std::optional<std::string> text, read_text(file));
    if (!text) return std::optional<T>{};
    Result<T> value = json::decode<T>(trim(*text).empty() ? std::string("{}") : *text);
    if (!value) return fail(Errc::invalid_argument, about_file(file, value.error().message));
    return std::optional<T>(*std::move(value));
}

} // namespace slipway::engine::discovery
