#pragma once

#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <deque>
#include <memory>

namespace slipway::core::cache {

/// Lets so many through at a time, first come, first served.
class Gate {
public:
    Gate(boost::asio::any_io_executor executor, std::size_t most);

    /// Who drops it lets the next one through.
    using Place = std::shared_ptr<void>;

    /// Errors: cancelled.
    Task<Place> enter();

private:
    struct State;
    std::shared_ptr<State> state_; // places may outlive us
};

} // namespace slipway::core::cache
