#pragma once

#include <slipway/engine/result.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>
#include <stdexcept>
#include <utility>

namespace slipway::test {

/// Runs one task to its end on `io` and returns what it gave.
template <class T>
Result<T> run(boost::asio::io_context& io, Task<T> task)
{
    std::optional<Result<T>> out;
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown, Result<T> result) {
        if (thrown) std::rethrow_exception(thrown);
        out.emplace(std::move(result));
    });
    io.restart();
    io.run();
    if (!out) throw std::logic_error("the task never ended");
    return *std::move(out);
}

template <class T>
Result<T> run(Task<T> task)
{
    boost::asio::io_context io;
    return run(io, std::move(task));
}

} // namespace slipway::test
