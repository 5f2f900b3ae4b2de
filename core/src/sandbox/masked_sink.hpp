#pragma once

#include <slipway/engine/bytes.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// Passes text on with stars in the place of words that nobody may see, also where one comes in
/// pieces. What may be the begin of one stays here until more comes, or `flush`.
class MaskedSink final : public engine::ByteSink {
public:
    /// `to` is borrowed; empty words are none.
    MaskedSink(engine::ByteSink& to, std::vector<std::string> words);

    Task<> write(std::string_view data) override;
    Task<> flush();

private:
    engine::ByteSink* to_;
    std::vector<std::string> words_; ///< longer ones first
    std::string held_;
};

} // namespace slipway::core
