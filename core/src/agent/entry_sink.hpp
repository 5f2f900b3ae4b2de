#pragma once

#include <slipway/core/tree.hpp>
#include <slipway/engine/bytes.hpp>

#include <string>
#include <string_view>

namespace slipway::core {

/// Reads the records of a manifest. Holds one at most, of at most 4 MiB.
class EntrySink final : public engine::ByteSink {
public:
    explicit EntrySink(TreeEntries each) : each_(std::move(each)) {}

    /// Errors: protocol (no record), those of the function.
    Task<> write(std::string_view data) override;
    /// After the last write. Errors: truncated.
    Result<> finish() const;

private:
    Result<bool> take();

    TreeEntries each_;
    std::string waiting_;
    std::size_t begin_ = 0;
};

} // namespace slipway::core
