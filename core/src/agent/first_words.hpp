#pragma once

#include "archive/posix.hpp"

#include <slipway/engine/bytes.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace slipway::core {

/// Keeps the first words of what does a piece of work in a sandbox, for an error, and drops the
/// rest. Names in them are any bytes: they come out printable, on one line.
class FirstWords final : public engine::ByteSink {
public:
    Task<> write(std::string_view data) override
    {
        constexpr std::size_t most = 4096;
        text_.append(data.substr(0, most - std::min(most, text_.size())));
        co_return ok();
    }
    /// Without the line ends behind them.
    std::string all() const
    {
        return posix::printable(text_.substr(0, text_.find_last_not_of('\n') + 1));
    }
    std::string first_line() const { return posix::printable(text_.substr(0, text_.find('\n'))); }

private:
    std::string text_;
};

} // namespace slipway::core
