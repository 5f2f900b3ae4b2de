#include "recipe/container_volume.hpp"

#include "recipe/cross_settings.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr auto options_of_no_effect = std::to_array<std::string_view>(
    {"rw", "z", "Z", "cached", "delegated", "consistent", "private", "rprivate"}
);

// As docker takes them.
constexpr auto words_for_true =
    std::to_array<std::string_view>({"1", "t", "T", "true", "TRUE", "True"});
constexpr auto words_for_false =
    std::to_array<std::string_view>({"0", "f", "F", "false", "FALSE", "False"});

std::vector<std::string_view> split_at(std::string_view text, char separator)
{
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

Error not_done(const VolumeFlag& flag, std::string_view value, const std::string& instead)
{
    Error error(
        Errc::unsupported,
        flag.place + ": Slipway cannot do " + flag.typed + " " + std::string(value)
    );
    error.hint = "remove it: " + instead;
    return error;
}

// As it is typed.
struct TypedVolume {
    std::string source;
    std::string target;
    bool read_only = false;
};

Result<BesideWorkspace>
directory_of(const TypedVolume& typed, std::string_view value, const VolumeFlag& flag)
{
    const bool is_path = typed.source.starts_with('/') || typed.source.starts_with('.');
    if (!is_path) {
        return fail(not_done(
            flag, value, "volumes of the engine's own are not for builds, name a directory"
        ));
    }
    std::error_code failed;
    BesideWorkspace volume;
    volume.path = fs::canonical(flag.directory / typed.source, failed);
    volume.read_only = typed.read_only;
    if (failed || !fs::is_directory(volume.path, failed)) {
        return fail(not_valid(
            flag.place,
            flag.typed + ": there is no directory " + typed.source,
            "name one that exists here; single files cannot be volumes"
        ));
    }
    fs::path target = fs::path(typed.target).lexically_normal();
    if (!target.has_filename()) target = target.parent_path(); // it ended with a slash
    if (target != volume.path) {
        return fail(not_done(
            flag,
            value,
            "a directory has the path in the container that it has here, " + volume.path.string()
        ));
    }
    if (const auto checked = check_workspace(volume.path); !checked) {
        return fail(not_valid(
            flag.place,
            flag.typed + " would hide the image's own " + volume.path.string(),
            "name a directory that is not the system's"
        ));
    }
    return volume;
}

} // namespace

Result<BesideWorkspace> read_volume(std::string_view value, const VolumeFlag& flag)
{
    const auto parts = split_at(value, ':');
    TypedVolume typed;
    typed.source = parts[0];
    typed.target = parts.size() > 1 ? parts[1] : parts[0];
    if (parts.size() == 1 || parts.size() > 3) {
        return fail(not_done(flag, value, "name a directory twice, as in -v /data:/data:ro"));
    }
    for (const std::string_view option :
         parts.size() == 3 ? split_at(parts[2], ',') : std::vector<std::string_view>()) {
        if (option == "ro") {
            typed.read_only = true;
        } else if (std::ranges::find(options_of_no_effect, option) == options_of_no_effect.end()) {
            return fail(not_done(flag, value, "of its options it knows ro"));
        }
    }
    return directory_of(typed, value, flag);
}

Result<BesideWorkspace> read_mount(std::string_view value, const VolumeFlag& flag)
{
    constexpr std::string_view known =
        "it knows type=bind,source=DIRECTORY,target=DIRECTORY[,readonly]";
    std::string type = "volume";
    TypedVolume typed;
    for (const std::string_view part : split_at(value, ',')) {
        const auto equals = part.find('=');
        const std::string_view key = part.substr(0, equals);
        const bool has_text = equals != std::string_view::npos;
        const std::string text(has_text ? part.substr(equals + 1) : std::string_view());
        if (key == "type") {
            type = text;
        } else if (key == "source" || key == "src") {
            typed.source = text;
        } else if (key == "target" || key == "dst" || key == "destination") {
            typed.target = text;
        } else if (key == "readonly" || key == "ro") {
            const auto is_text = [&](std::string_view one) { return one == text; };
            typed.read_only = !has_text || std::ranges::any_of(words_for_true, is_text);
            if (!typed.read_only && std::ranges::none_of(words_for_false, is_text)) {
                return fail(not_valid(
                    flag.place,
                    flag.typed + " " + std::string(value) + ": neither true nor false",
                    "write readonly alone"
                ));
            }
        } else if (key != "consistency") {
            return fail(not_done(flag, value, std::string(known)));
        }
    }
    if (type != "bind") return fail(not_done(flag, value, std::string(known)));
    return directory_of(typed, value, flag);
}

} // namespace slipway::core
