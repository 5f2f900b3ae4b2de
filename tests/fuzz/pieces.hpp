#pragma once

#include "support/run.hpp"

#include <slipway/engine/bytes.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::fuzz {

/// What came out of a sink's sink, and how it ended.
struct Taken {
    std::string out;
    std::optional<Error> error;

    /// The same, as far as two ways through the same bytes have to be.
    bool agrees_with(const Taken& other) const
    {
        if (error.has_value() != other.error.has_value()) return false;
        return error || out == other.out;
    }
};

/// Writes `bytes` in pieces of one size and asks the sink whether that was all. `sink` and what
/// `bytes` shows are borrowed.
template <class Sink>
Task<> write_pieces(Sink& sink, std::string_view bytes, std::size_t size)
{
    while (!bytes.empty()) {
        CO_CHECK(co_await sink.write(bytes.substr(0, size)));
        bytes.remove_prefix(std::min(size, bytes.size()));
    }
    co_return sink.finish();
}

/// The same from outside of coroutines; returns what went wrong.
template <class Sink>
std::optional<Error> error_of_pieces(Sink& sink, std::string_view bytes, std::size_t size)
{
    static boost::asio::io_context io; // to make one takes longer than to read an input
    auto done = test::run(io, write_pieces(sink, bytes, size));
    if (done) return std::nullopt;
    return std::move(done).error();
}

} // namespace slipway::fuzz
