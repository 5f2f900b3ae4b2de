#include "archive/posix.hpp"
#include "recipe/toml_file.hpp"
#include "small_file.hpp"
#include "toolchain/rustup.hpp"

#include <algorithm>
#include <string_view>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_toolchain_file = std::size_t{1} << 20;

tl::unexpected<Error> bad_file(const fs::path& file, std::string_view what)
{
    Error error(Errc::invalid_argument, file.string() + ": " + std::string(what));
    error.hint = "correct this file, which rustup would refuse too";
    return fail(std::move(error));
}

std::string_view without_space_around(std::string_view text)
{
    constexpr std::string_view blank = " \t\r\n";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

Result<> check_channel(const fs::path& file, std::string_view channel)
{
    if (channel.find('/') == std::string_view::npos) return ok();
    return bad_file(file, "'" + posix::printable(channel) + "' is no name of a toolchain");
}

Result<ToolchainFile> read_toml_form(const fs::path& file, std::string_view text)
{
    auto parsed = parse_toml(text, file);
    if (!parsed) {
        parsed.error().hint = "correct this file, which rustup would refuse too";
        return fail(std::move(parsed).error());
    }
    ToolchainFile out{file, {}, {}};
    const toml::table* const toolchain = (*parsed)["toolchain"].as_table();
    if (toolchain == nullptr) return bad_file(file, "it has no table [toolchain]");
    const auto text_of = [&](std::string_view key) -> Result<std::string> {
        const toml::node* const node = toolchain->get(key);
        if (node == nullptr) return std::string();
        const auto value = node->value<std::string>();
        if (value && !value->empty()) return *value;
        Error error(
            Errc::invalid_argument,
            place_of(node->source()) + ": toolchain." + std::string(key) + " is no text"
        );
        error.hint = "correct this file, which rustup would refuse too";
        return fail(std::move(error));
    };
    TRY(out.channel, text_of("channel"));
    CHECK_OK(check_channel(file, out.channel));
    TRY(const std::string path, text_of("path"));
    if (!path.empty() && !out.channel.empty()) {
        return bad_file(file, "toolchain.channel and toolchain.path exclude each other");
    }
    if (!path.empty()) out.path = (file.parent_path() / path).lexically_normal();
    return out;
}

} // namespace

Result<std::optional<ToolchainFile>> toolchain_file_in(const fs::path& directory)
{
    // Rustup takes the one without an ending first, when both are there.
    for (const std::string_view name : {"rust-toolchain", "rust-toolchain.toml"}) {
        const fs::path file = directory / name;
        std::error_code ignored;
        if (!fs::is_regular_file(file, ignored)) continue;
        TRY(const std::string text, read_small_file(file, max_toolchain_file));
        const std::string_view all = without_space_around(text);
        if (all.empty()) return bad_file(file, "it is empty");
        const bool one_line = all.find('\n') == std::string_view::npos;
        if (name == "rust-toolchain" && one_line && !all.starts_with('[')) {
            CHECK_OK(check_channel(file, all));
            return ToolchainFile{file, std::string(all), {}};
        }
        TRY(ToolchainFile read, read_toml_form(file, text));
        return read;
    }
    return std::nullopt;
}

} // namespace slipway::core
