#pragma once

#include <slipway/engine/progress.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// What a stream of messages has to end with to be a success.
enum class Goal {
    pull,                ///< dockerd: "Status: ..."; podman: a last layer or image that is complete
    pull_ended_by_layer, ///< the latter
    push,                ///< dockerd: the digest as `aux`; podman: "TAG: digest: DIGEST size: N"
    load,                ///< "Loaded image: ..." at least once
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

    /// The ids or names at the end of the stream; none for a pull that named no digest.
    /// Errors: truncated (the call's result is not among the messages).
    Result<std::vector<std::string>> finish() const;

    std::optional<std::int64_t> failure_code() const noexcept { return failure_code_; }

private:
    Result<> look_for_result(Progress& progress);
    void look_for_push(Progress& progress);
    Result<> look_for_loaded(std::string_view line);
    Error failure(std::string_view text, std::optional<std::int64_t> code);

    Goal goal_;
    std::string id_;       ///< from where it is certain
    std::string other_id_; ///< from the text of messages
    std::string digest_;
    bool pulled_ = false;
    std::vector<std::string> loaded_;
    std::size_t loaded_bytes_ = 0; ///< of these
    std::optional<std::int64_t> failure_code_;
};

/// A registry takes part, whose refusals have no status of their own.
bool asks_registry(Goal goal) noexcept;

} // namespace slipway::engine
