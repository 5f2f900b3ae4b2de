#pragma once

#include "descriptor.hpp"
#include "loop.hpp"
#include "server.hpp"

#include <sys/types.h>

#include <functional>
#include <utility>

namespace slipway::agent {

/// The socket on which clients come. Its file goes with it.
class Listener {
public:
    /// Takes the place of a socket that a dead agent left. Throws when it cannot listen there.
    Listener(const ServeOptions& options, Loop& loop, std::function<void(Fd)> accepted);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

    /// Listens anew when the path no longer leads here: a job may have removed it.
    void see_to_path();

private:
    void listen();
    void on_accept();
    bool may_be_client(const Fd& socket) const;

    const ServeOptions* options_;
    Loop* loop_;
    std::function<void(Fd)> accepted_;
    Fd socket_;
    std::pair<dev_t, ino_t> place_; ///< of its file
    Watch watch_;
};

} // namespace slipway::agent
