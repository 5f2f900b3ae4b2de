#include "help.hpp"

namespace slipway::cli {

Help::Help(std::string usage) : usage_(std::move(usage))
{
    column_width(30);
    label("OPTIONS", "options");
    label("SUBCOMMAND", "COMMAND ...");
    label("SUBCOMMANDS", "COMMAND ...");
}

std::string Help::make_usage(const CLI::App* app, std::string name) const
{
    if (usage_.empty()) return Formatter::make_usage(app, std::move(name));
    return "Usage: slipway " + usage_ + "\n";
}

std::string Help::make_option_opts(const CLI::Option* option) const
{
    if (option->get_type_size() == 0) return {}; // a flag
    const bool many = option->get_expected_max() >= CLI::detail::expected_max_vector_size;
    return " " + option->get_type_name() + (many ? " ..." : "");
}

std::string Help::make_footer(const CLI::App* app) const
{
    std::string footer = Formatter::make_footer(app);
    if (app->get_parent() == nullptr) return footer;
    if (!footer.empty()) footer += "\n";
    return footer
           + "Every command takes --host URL, --color WHEN, -v and -q: see `slipway --help`.\n";
}

} // namespace slipway::cli
