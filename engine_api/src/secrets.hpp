#pragma once

#include <slipway/engine/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// Replaces each of `secrets` in `text` by "***", also where the text was made one line or was cut,
/// and where it has them in quotes as JSON or Go do. Those below 4 bytes stay: they stand in any
/// text.
void hide(std::string& text, const std::vector<std::string>& secrets);
Error hide(Error error, const std::vector<std::string>& secrets);

/// The same for a text that comes in pieces, cut anywhere: the end of a piece that may be the begin
/// of a secret waits for the next piece. It is mostly nothing, and never more than the longest
/// secret takes when it is said with as many backslashes as there can be.
class Concealer {
public:
    /// What can be shown of the text now that `piece` has come.
    std::string add(std::string_view piece, const std::vector<std::string>& secrets);
    /// What waits, at the end of the text: "***" where it is long enough to tell of a secret.
    std::string finish();
    /// Nothing waits: it is as good as a new one.
    bool empty() const noexcept { return waiting_.empty(); }

private:
    std::string waiting_;
};

/// The URL with "user:***@" for a user with a password, and "***@" for a token; a user alone is
/// left to ssh. It may lack a scheme.
std::string without_password(std::string_view url);

/// The same for each URL in a text. To be asked before the text is cut, perhaps before an '@'.
std::string without_passwords(std::string_view text);

} // namespace slipway::engine
