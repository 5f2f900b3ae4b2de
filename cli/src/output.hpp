#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace slipway::cli {

/// Where text goes: a file descriptor, or memory in tests.
class Output {
public:
    virtual ~Output() = default;
    /// Writes all of `text`, or says why it could not.
    virtual std::error_code write(std::string_view text) = 0;
};

/// Writes to a descriptor it does not own, without a buffer. Also waits on one that is set not to
/// block, as terminals shared with other programs can be.
class FileOutput final : public Output {
public:
    explicit FileOutput(int descriptor) noexcept : descriptor_(descriptor) {}
    std::error_code write(std::string_view text) override;

private:
    int descriptor_;
};

/// Keeps what was written.
class MemoryOutput final : public Output {
public:
    std::error_code write(std::string_view more) override
    {
        if (failure) return failure;
        text += more;
        return {};
    }

    std::string text;
    std::error_code failure; ///< what the next writes give
};

} // namespace slipway::cli
