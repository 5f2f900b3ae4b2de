#pragma once

#include <slipway/engine/progress.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine {

/// What a stream of messages has to end with to be a success.
enum class Goal {
    pull,                ///< dockerd: "Status: ..."; podman: a last layer or image that is complete
    pull_ended_by_layer, ///< the latter
    import,              ///< the id of the image as a status
    build,               ///< the id as `aux.ID`, or at least "Successfully built ID"
    quiet_build          ///< one of these, or the bare id as output
};

/// Reads the messages of one call, and knows at the end what came of it. Without I/O.
class ProgressReader {
public:
    explicit ProgressReader(Goal goal) : goal_(goal) {}

    /// Errors: those of ProgressStream::next.
    Result<Progress> message(std::string_view json);

    /// The id at the end of the stream; empty for a pull that named no digest.
    /// Errors: truncated (the call's result is not among the messages).
    Result<std::string> finish() const;

    std::optional<std::int64_t> failure_code() const noexcept { return failure_code_; }

private:
    void look_for_result(const Progress& progress);
    Error failure(std::string_view text, std::optional<std::int64_t> code);

    Goal goal_;
    std::string id_;       ///< from where it is certain
    std::string other_id_; ///< from the text of messages
    std::string digest_;
    bool pulled_ = false;
    std::optional<std::int64_t> failure_code_;
};

} // namespace slipway::engine
