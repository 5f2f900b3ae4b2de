#pragma once

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace slipway::core {

/// A source of which some bytes have been read before: it gives them once more, and then the rest.
class BegunSource final : public engine::ByteSource {
public:
    BegunSource(std::string begun, std::shared_ptr<engine::ByteSource> rest)
        : begun_(std::move(begun)), rest_(std::move(rest))
    {
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        if (at_ == begun_.size()) co_return co_await rest_->read(into);
        const std::size_t n = begun_.copy(into.data(), into.size(), at_);
        at_ += n;
        if (at_ == begun_.size()) {
            begun_ = std::string();
            at_ = 0;
        }
        co_return n;
    }

private:
    std::string begun_;
    std::size_t at_ = 0;
    std::shared_ptr<engine::ByteSource> rest_;
};

/// Reads so many bytes of a source, or all it has.
inline Task<std::string> read_first(engine::ByteSource& source, std::size_t most)
{
    std::string first(most, '\0');
    std::size_t size = 0;
    for (std::size_t n = 1; n != 0 && size < most; size += n) {
        CO_TRY(n, co_await source.read(std::span(first).subspan(size)));
    }
    first.resize(size);
    co_return first;
}

} // namespace slipway::core
