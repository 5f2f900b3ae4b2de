#include "net/asio.hpp"

namespace slipway::engine {

namespace {

Errc kind_of(const boost::system::error_code& code)
{
    namespace asio = boost::asio::error;
    namespace sys = boost::system::errc;
    // A closed descriptor: `close` and deadlines end pending operations that way.
    if (code == asio::operation_aborted || code == asio::bad_descriptor) return Errc::cancelled;
    if (code == sys::permission_denied || code == sys::operation_not_permitted) {
        return Errc::permission_denied;
    }
    if (code == asio::timed_out) return Errc::timed_out;
    if (code == asio::connection_refused || code == sys::no_such_file_or_directory
        || code == sys::not_a_directory || code == asio::host_unreachable
        || code == asio::network_unreachable || code == asio::network_down
        || code == sys::address_not_available || code == sys::address_family_not_supported
        || code == asio::host_not_found || code == asio::host_not_found_try_again
        || code == asio::no_data || code == asio::no_recovery || code == asio::service_not_found
        || code == sys::wrong_protocol_type) {
        return Errc::unreachable;
    }
    return Errc::io;
}

} // namespace

Error net_error(const boost::system::error_code& code, std::string doing)
{
    const Errc kind = kind_of(code);
    Error error(kind, kind == Errc::cancelled ? "cancelled" : code.message());
    error.cause = code;
    error.context.push_back(std::move(doing));
    return error;
}

Error cancelled_error(std::string doing)
{
    return net_error(boost::asio::error::operation_aborted, std::move(doing));
}

} // namespace slipway::engine
