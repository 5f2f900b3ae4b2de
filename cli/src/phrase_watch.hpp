#pragma once

#include <slipway/engine/bytes.hpp>

#include <span>
#include <string>
#include <string_view>

namespace slipway::cli {

/// Passes all on to another sink, as it is, and knows whether one of some phrases went by.
class PhraseWatch final : public engine::ByteSink {
public:
    /// `to` and what `phrases` names must outlive this.
    PhraseWatch(engine::ByteSink& to, std::span<const std::string_view> phrases);

    Task<> write(std::string_view data) override;
    bool seen() const noexcept { return seen_; }

private:
    void look(std::string_view data);

    engine::ByteSink& to_;
    std::span<const std::string_view> phrases_;
    std::size_t longest_ = 0;
    std::string end_; ///< of what went before; a phrase may begin there
    bool seen_ = false;
};

} // namespace slipway::cli
