#include "recipe/container_options.hpp"

#include "recipe/container_volume.hpp"
#include "recipe/cross_settings.hpp"
#include "recipe/toml_file.hpp"
#include "small_file.hpp"

#include <slipway/core/quantities.hpp>
#include <slipway/core/suggest.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_env_file = std::size_t{1} << 20U;
constexpr std::string_view white_space = " \t\n\v\f\r";

enum class Wish { nothing, env, env_file, volume, mount, network, memory, cpus, platform, refused };

struct ContainerFlag {
    std::string_view name;
    char letter;
    Wish wish;
    std::string_view instead = {}; // of a refused one: what to do
};

constexpr std::string_view use_workspace =
    "what the build needs must stand in the workspace, which is sent as a whole";
constexpr std::string_view use_yourself = "commands run as yourself";
constexpr std::string_view use_fresh =
    "cargo runs without capabilities and devices; `slipway run --fresh -- COMMAND` runs a command "
    "with the engine's usual rights";
constexpr std::string_view use_limits = "the limits that Slipway knows are --memory and --cpus";
constexpr std::string_view use_network =
    "name a network that the engine has, with what it needs, in --network";

constexpr auto container_flags = std::to_array<ContainerFlag>({
    {"env", 'e', Wish::env},
    {"env-file", 0, Wish::env_file},
    {"network", 0, Wish::network},
    {"net", 0, Wish::network},
    {"memory", 'm', Wish::memory},
    {"cpus", 0, Wish::cpus},
    {"platform", 0, Wish::platform},
    {"rm", 0, Wish::nothing},
    {"interactive", 'i', Wish::nothing},
    {"tty", 't', Wish::nothing},
    {"init", 0, Wish::nothing},
    {"quiet", 'q', Wish::nothing},
    {"sig-proxy", 0, Wish::nothing},
    {"volume", 'v', Wish::volume},
    {"mount", 0, Wish::mount},
    {"volumes-from", 0, Wish::refused, use_workspace},
    {"tmpfs", 0, Wish::refused, "/tmp can be written already"},
    {"workdir", 'w', Wish::refused, "cargo runs in the directory where it was typed"},
    {"user", 'u', Wish::refused, use_yourself},
    {"userns", 0, Wish::refused, use_yourself},
    {"group-add", 0, Wish::refused, use_yourself},
    {"privileged", 0, Wish::refused, use_fresh},
    {"cap-add", 0, Wish::refused, use_fresh},
    {"device", 0, Wish::refused, use_fresh},
    {"gpus", 0, Wish::refused, use_fresh},
    {"security-opt", 0, Wish::refused, use_fresh},
    {"add-host", 0, Wish::refused, use_network},
    {"dns", 0, Wish::refused, use_network},
    {"publish", 'p', Wish::refused, "--network=host shares the ports of the engine's machine"},
    {"memory-swap", 0, Wish::refused, use_limits},
    {"cpuset-cpus", 0, Wish::refused, use_limits},
    {"cpu-shares", 'c', Wish::refused, use_limits},
    {"shm-size", 0, Wish::refused, use_limits},
    {"ulimit", 0, Wish::refused, use_limits},
    {"pids-limit", 0, Wish::refused, use_limits},
    {"name", 0, Wish::refused, "containers have names of their own: `slipway ps` shows them"},
    {"label", 'l', Wish::refused, "containers have labels of their own: `slipway ps` shows them"},
    {"hostname", 'h', Wish::refused, "containers have names of their own"},
    {"entrypoint", 0, Wish::refused, "the image's own is used"},
    {"detach", 'd', Wish::refused, "cargo is waited for"},
    {"pull", 0, Wish::refused, "an image is pulled when the engine does not have it"},
});

class ContainerOptionsReader {
public:
    ContainerOptionsReader(std::string place, fs::path directory)
        : place_(std::move(place)), directory_(std::move(directory))
    {
    }

    Result<ContainerOptions> read(std::string_view text)
    {
        CHECK_OK(split(text));
        while (!words_.empty()) {
            const std::string word = take_word();
            if (word.starts_with("--") && word.size() > 2) {
                CHECK_OK(long_flag(std::string_view(word).substr(2)));
            } else if (word.starts_with('-') && word.size() > 1 && word != "--") {
                CHECK_OK(letters(std::string_view(word).substr(1)));
            } else {
                return fail(wrong(
                    "'" + word + "' is no flag of `docker run`",
                    "remove it, or write it in quotes with the flag that it belongs to"
                ));
            }
        }
        return std::move(options_);
    }

private:
    Error wrong(const std::string& what, std::string hint) const
    {
        return not_valid(place_, what, std::move(hint));
    }

    std::string take_word()
    {
        std::string word = std::move(words_.front());
        words_.erase(words_.begin());
        return word;
    }

    // As a shell does it, without expansions.
    Result<> split(std::string_view text)
    {
        std::optional<std::string> word;
        char quote = 0;
        std::size_t quoted_from = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const char c = text[i];
            const bool escapes = c == '\\' && quote != '\'';
            if (escapes && i + 1 == text.size()) {
                return fail(wrong("it ends with a backslash", "write \\\\ for one, or remove it"));
            }
            if (escapes) {
                add_escaped(word, text[++i], quote == '"');
            } else if (quote != 0 ? c == quote : c == '\'' || c == '"') {
                quote = quote != 0 ? '\0' : c;
                quoted_from = i;
                if (!word) word.emplace();
            } else if (quote == 0 && white_space.find(c) != std::string_view::npos) {
                if (word) words_.push_back(*word);
                word.reset();
            } else {
                if (!word) word.emplace();
                *word += c;
            }
        }
        if (quote != 0) {
            return fail(wrong(
                std::string("the quote ") + quote + " at character "
                    + std::to_string(quoted_from + 1) + " has no end",
                "close it, or write a backslash before it"
            ));
        }
        if (word) words_.push_back(*std::move(word));
        return ok();
    }

    static void add_escaped(std::optional<std::string>& word, char c, bool in_quotes)
    {
        constexpr std::string_view special = "$`\"\\";
        if (c == '\n') return;
        if (!word) word.emplace();
        if (in_quotes && special.find(c) == std::string_view::npos) *word += '\\';
        *word += c;
    }

    Result<> long_flag(std::string_view text)
    {
        const auto equals = text.find('=');
        const std::string_view name = text.substr(0, equals);
        const auto* const flag = std::ranges::find(container_flags, name, &ContainerFlag::name);
        if (flag == container_flags.end()) return fail(unknown("--" + std::string(name)));
        std::optional<std::string> value;
        if (equals != std::string_view::npos) value = text.substr(equals + 1);
        return take(*flag, "--" + std::string(name), std::move(value));
    }

    // "-it", "-eNAME=value", "-m=1g".
    Result<> letters(std::string_view text)
    {
        while (!text.empty()) {
            const char letter = text.front();
            text.remove_prefix(1);
            const std::string typed = std::string("-") + letter;
            const auto* const flag =
                letter == 0 ? container_flags.end()
                            : std::ranges::find(container_flags, letter, &ContainerFlag::letter);
            if (flag == container_flags.end()) return fail(unknown(typed));
            const bool has_equals = text.starts_with('=');
            if (flag->wish == Wish::nothing && !has_equals) continue;
            std::optional<std::string> value;
            if (!text.empty()) value = text.substr(has_equals ? 1 : 0);
            return take(*flag, typed, std::move(value));
        }
        return ok();
    }

    Error unknown(const std::string& typed) const
    {
        std::vector<std::string> known;
        for (const ContainerFlag& flag : container_flags) {
            if (flag.wish != Wish::refused) known.push_back("--" + std::string(flag.name));
        }
        const auto meant = nearest(typed, known);
        std::string hint = "remove it: ";
        if (meant) hint = "did you mean " + *meant + "? ";
        return wrong(
            "Slipway does not know " + typed,
            hint
                + "it takes --env, --env-file, --volume, --mount, --network, --memory, --cpus and "
                  "--platform"
        );
    }

    Error refused(const std::string& typed, std::string_view instead) const
    {
        Error error(Errc::unsupported, place_ + ": Slipway cannot do " + typed);
        error.hint = "remove it: " + std::string(instead);
        return error;
    }

    Result<>
    take(const ContainerFlag& flag, const std::string& typed, std::optional<std::string> value)
    {
        if (flag.wish == Wish::refused) return fail(refused(typed, flag.instead));
        if (flag.wish == Wish::nothing) {
            if (!value || *value == "true" || *value == "false") return ok();
            return fail(wrong(
                typed + "=" + *value + ": neither true nor false", "write " + typed + " alone"
            ));
        }
        if (!value && !words_.empty()) value = take_word();
        if (!value || value->empty()) {
            return fail(wrong(typed + " needs a value", "give one, or remove it"));
        }
        return set(flag.wish, typed, *std::move(value));
    }

    Result<> set(Wish wish, const std::string& typed, std::string value)
    {
        ContainerWishes& container = options_.container;
        if (wish == Wish::env) {
            options_.env.push_back(std::move(value));
        } else if (wish == Wish::env_file) {
            return read_env_file(value);
        } else if (wish == Wish::volume || wish == Wish::mount) {
            const VolumeFlag flag{place_, typed, directory_};
            const auto read = wish == Wish::volume ? read_volume : read_mount;
            TRY(BesideWorkspace volume, read(value, flag));
            options_.volumes.push_back(std::move(volume));
        } else if (wish == Wish::memory) {
            TRY(container.memory_bytes, during(parse_memory(value), place_));
        } else if (wish == Wish::cpus) {
            TRY(container.cpus, during(parse_cpus(value), place_));
        } else if (wish == Wish::platform) {
            if (value.find('/') == std::string::npos) {
                return fail(wrong(
                    typed + " " + value + ": no platform", "write it as linux/amd64 or linux/arm64"
                ));
            }
            container.platform = std::move(value);
        } else {
            return set_network(typed, std::move(value));
        }
        return ok();
    }

    Result<> set_network(const std::string& typed, std::string value)
    {
        std::string& network = options_.container.network;
        if (!network.empty() && network != value) {
            return fail(refused("two networks, " + network + " and " + value, "one will do"));
        }
        if (value.find_first_of(":=,") != std::string::npos) {
            return fail(refused(
                typed + " " + value, "it takes none, host, or a network that the engine has"
            ));
        }
        network = std::move(value);
        return ok();
    }

    // As docker reads it: no quotes, and all that follows the "=" is the value.
    Result<> read_env_file(const std::string& name)
    {
        auto text = read_small_file(directory_ / name, max_env_file);
        if (!text) {
            return fail(wrong(
                "--env-file: " + text.error().message, "name a file with a NAME=value in each line"
            ));
        }
        std::string_view rest = *text;
        while (!rest.empty()) {
            const auto end = std::min(rest.find('\n'), rest.size());
            std::string_view line = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            if (line.ends_with('\r')) line.remove_suffix(1);
            const auto begin = line.find_first_not_of(white_space);
            if (begin == std::string_view::npos || line[begin] == '#') continue;
            if (line.find('\0') != std::string_view::npos) {
                return fail(
                    wrong("--env-file " + name + " has a NUL character in it", "name a text file")
                );
            }
            options_.env.emplace_back(line.substr(begin));
        }
        return ok();
    }

    std::string place_;
    fs::path directory_;
    std::vector<std::string> words_;
    ContainerOptions options_;
};

} // namespace

Result<ContainerOptions>
read_container_options(std::string_view text, const std::string& place, const fs::path& directory)
{
    return ContainerOptionsReader(place, directory).read(text);
}

} // namespace slipway::core
