#pragma once

#include <slipway/engine/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

/// What a unit writes, kept in order, so that it can be shown later as it was.
namespace slipway::core::graph {

enum class UnitStream : std::uint8_t { out = 1, err = 2 };

/// Collects both streams of a unit. Past `most` bytes the rest is left out, which its end tells.
class UnitLog {
public:
    static constexpr std::size_t most = std::size_t{64} << 20;

    void add(UnitStream stream, std::string_view bytes);
    /// For the store: pieces with their stream and size. Empty when nothing was written.
    const std::string& bytes() const noexcept { return bytes_; }

private:
    std::string bytes_;
    std::size_t last_ = std::string::npos; ///< where the last piece begins
    bool cut_ = false;
};

/// A sink of one stream; borrows the log.
class UnitLogSink final : public engine::ByteSink {
public:
    UnitLogSink(UnitLog& log, UnitStream stream) : log_(&log), stream_(stream) {}
    Task<> write(std::string_view data) override;

private:
    UnitLog* log_;
    UnitStream stream_;
};

/// Goes through the bytes of a log. False when they are none: then `each` has had what came before.
bool read_log(
    std::string_view bytes, const std::function<void(UnitStream, std::string_view)>& each
);

} // namespace slipway::core::graph
