#include "graph/unit_text.hpp"

#include "archive/posix.hpp"
#include "ascii.hpp"
#include "recipe/utf8.hpp"

#include <slipway/core/suggest.hpp>

#include <fmt/ranges.h>

#include <algorithm>

namespace slipway::core {

std::string brief(std::string_view text)
{
    constexpr std::size_t most = 100;
    if (text.size() <= most) return posix::printable(text);
    std::size_t end = 0;
    while (end < most) {
        end += std::max<std::size_t>(1, letter_at(text, end));
    }
    return posix::printable(text.substr(0, end)) + "...";
}

std::string in_quotes(std::string_view text)
{
    return "'" + brief(text) + "'";
}

std::string line_of(const std::filesystem::path& file, const FilePlace& place)
{
    return file.filename().string() + ":" + std::to_string(place.line);
}

tl::unexpected<Error> unit_mistake(
    const std::filesystem::path& file,
    const FilePlace& place,
    std::string_view what,
    std::string hint
)
{
    Error error(
        Errc::invalid_argument,
        fmt::format("{}:{}:{}: {}", file.string(), place.line, place.column, what)
    );
    error.hint = std::move(hint);
    return fail(std::move(error));
}

std::string meant_or_all(
    std::string_view typed,
    const std::vector<std::string>& names,
    std::string_view what_all_are,
    std::size_t most
)
{
    // It takes a time that goes with both lengths; nobody misspells so much.
    const std::string_view compared = typed.substr(0, 128);
    if (const auto meant = nearest(compared, names)) return "did you mean " + *meant + "?";
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(most, names.size()));
    std::string all = fmt::format("{} {}", what_all_are, fmt::join(names.begin(), end, ", "));
    if (names.size() > most) all += fmt::format(" and {} more", names.size() - most);
    return all;
}

Result<> check_unit_exists(const UnitFile& file, std::string_view key, const UnitPath& name)
{
    std::vector<std::string> names;
    for (const Unit& unit : file.units) {
        if (unit.name == name.text) return ok();
        names.push_back(unit.name);
    }
    return unit_mistake(
        file.path,
        name.place,
        fmt::format("{}: there is no unit {}", key, in_quotes(name.text)),
        meant_or_all(name.text, names, "the units are")
    );
}

bool is_unit_name(std::string_view name) noexcept
{
    constexpr std::size_t most = 64;
    if (name.empty() || name.size() > most) return false;
    if (name.front() == '.' || name.front() == '-') return false;
    return std::ranges::all_of(name, [](char c) {
        return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
    });
}

} // namespace slipway::core
