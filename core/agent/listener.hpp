#pragma once

#include "descriptor.hpp"
#include "loop.hpp"
#include "server.hpp"

#include <functional>
#include <string>

namespace slipway::agent {

/// The socket on which clients come. Its file goes with it.
class Listener {
public:
    /// Takes the place of a socket that a dead agent left. Throws when it cannot listen there.
    Listener(const ServeOptions& options, Loop& loop, std::function<void(Fd)> accepted);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

private:
    void on_accept();
    bool may_be_client(const Fd& socket) const;

    std::string path_;
    bool bridge_;
    Fd socket_;
    std::function<void(Fd)> accepted_;
    Watch watch_;
};

} // namespace slipway::agent
