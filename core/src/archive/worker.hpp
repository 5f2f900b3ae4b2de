#pragma once

#include <slipway/engine/result.hpp>

#include <system_error>
#include <thread>
#include <utility>

namespace slipway::core {

/// One thread for one tar. What it runs must end by itself once its pipe is left or failed; the
/// destructor only waits for that.
class Worker {
public:
    Worker() = default;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker() { join(); }

    template <class Body>
    Result<> start(Body body)
    {
        try {
            thread_ = std::thread(std::move(body));
        } catch (const std::system_error& error) {
            Error out(Errc::io, std::string("starting a thread: ") + error.what());
            out.cause = error.code();
            return fail(std::move(out));
        }
        return ok();
    }
    void join()
    {
        if (thread_.joinable()) thread_.join();
    }

private:
    std::thread thread_;
};

} // namespace slipway::core
