#pragma once

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <string_view>

namespace slipway::cli {

/// How help texts look. A command shares the one of the whole program, or has its own when its
/// usage line is more than CLI11 knows of.
class Help final : public CLI::Formatter {
public:
    /// `usage` follows "Usage: slipway"; empty: made of the options.
    explicit Help(std::string usage = {});

    std::string make_usage(const CLI::App* app, std::string name) const override;
    std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
    std::string make_option_opts(const CLI::Option* option) const override;
    /// Names the options that every command takes.
    std::string make_footer(const CLI::App* app) const override;

private:
    std::string usage_;
};

/// A help text with its long lines broken between words: at 80 columns, those of options below
/// their descriptions.
std::string fit(std::string_view help);

} // namespace slipway::cli
