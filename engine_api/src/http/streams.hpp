#pragma once

#include "http/connection.hpp"
#include "net/watchdog.hpp"

#include <slipway/engine/transport.hpp>

#include <memory>
#include <string>

namespace slipway::engine {

/// A request whose answer's header has come. Coroutines that read from it share it, so that the
/// stream made of it can be dropped while one of them waits.
struct Exchange {
    Exchange(
        std::unique_ptr<Connection> carrier,
        const Deadlines& limits,
        Watchdog clock,
        std::string what
    )
        : connection(std::move(carrier)),
          doing(std::move(what)),
          deadlines(limits),
          watchdog(std::move(clock))
    {
        watchdog.on_expire([c = connection.get()] { c->close(); });
    }
    std::unique_ptr<Connection> connection;
    std::string doing;
    Deadlines deadlines;
    Watchdog watchdog; // after the connection, which it may close
};

std::unique_ptr<ResponseStream> response_stream(std::shared_ptr<Exchange> exchange);

/// The raw stream after an upgrade; `leftover` came with the answer's header and is read first.
std::unique_ptr<DuplexStream>
hijacked_stream(std::shared_ptr<NetStream> stream, std::string leftover);

} // namespace slipway::engine
