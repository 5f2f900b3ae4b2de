#pragma once

#include <slipway/engine/interruption.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace slipway::engine {

/// Asio operations give their error_code as a value; it becomes an Error at this edge.
inline constexpr auto io = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Sorts an error of a socket into an Errc; `doing` reads "connecting to unix:///x".
Error net_error(const boost::system::error_code& code, std::string doing);

/// The error of an operation that the caller ended.
Error cancelled_error(std::string doing);

} // namespace slipway::engine
