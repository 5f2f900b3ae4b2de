#pragma once

#include "descriptor.hpp"
#include "loop.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace slipway::agent {

/// A job's stdin, and what waits for the job to read it.
class JobInput {
public:
    /// Tells the client that it may send so many bytes more; false: it is not told.
    using Grant = std::function<bool(std::uint32_t more)>;

    /// Until then it is at its end, and takes nothing. A terminal cannot be closed alone.
    void open(Loop& loop, Fd pipe, bool is_terminal, Grant grant);
    /// The job runs: from now on it may have more than the first bytes.
    void started();
    /// Bytes of the client; none are its end. False: more than it was granted, or after its end.
    bool take(std::string_view bytes);
    /// Nobody reads it any more; what still comes is dropped.
    void end();

private:
    void write();
    void consumed(std::size_t bytes);
    bool grant(std::uint32_t more);

    Fd pipe_;
    Watch watch_;
    Grant grant_;
    bool is_terminal_ = false;
    std::string waiting_;
    std::size_t written_ = 0; ///< of what waits
    std::uint64_t allowed_ = 0;
    std::size_t consumed_ = 0; ///< and not granted again
    bool ends_ = false;
};

} // namespace slipway::agent
