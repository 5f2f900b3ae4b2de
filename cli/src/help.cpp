#include "help.hpp"

#include "text.hpp"

#include <cstddef>

namespace slipway::cli {
namespace {

constexpr std::size_t page_columns = 80;
constexpr std::size_t description_column = 30;

} // namespace

Help::Help(std::string usage) : usage_(std::move(usage))
{
    column_width(description_column);
    label("Positionals", "Arguments");
    label("OPTIONS", "options");
    label("SUBCOMMAND", "COMMAND ...");
    label("SUBCOMMANDS", "COMMAND ...");
}

std::string Help::make_usage(const CLI::App* app, std::string name) const
{
    if (usage_.empty()) return Formatter::make_usage(app, std::move(name));
    return "Usage: slipway " + usage_ + "\n";
}

std::string Help::make_option_name(const CLI::Option* option, bool is_positional) const
{
    return is_positional ? option->get_type_name() : option->get_name(false, true);
}

std::string Help::make_option_opts(const CLI::Option* option) const
{
    if (option->get_type_size() == 0) return {}; // a flag
    const bool many = option->get_expected_max() >= CLI::detail::expected_max_vector_size;
    const std::string value = option->get_positional() ? "" : " " + option->get_type_name();
    return value + (many ? "..." : "");
}

std::string Help::make_footer(const CLI::App* app) const
{
    std::string footer = Formatter::make_footer(app);
    if (app->get_parent() == nullptr) return footer;
    if (!footer.empty()) footer += "\n";
    return footer
           + "Every command takes --host URL, --color WHEN, -v and -q: see `slipway --help`.\n";
}

std::string fit(std::string_view help)
{
    std::string text;
    for (const std::string_view whole : lines_of(help)) {
        std::string line(whole);
        const std::size_t indent = line.starts_with("  ") ? description_column : 0;
        while (line.size() > page_columns) {
            const std::size_t cut = line.rfind(' ', page_columns);
            if (cut == std::string::npos || cut <= indent) break;
            text += line.substr(0, cut) + "\n";
            line = std::string(indent, ' ') + line.substr(cut + 1);
        }
        text += line + "\n";
    }
    return text;
}

} // namespace slipway::cli
