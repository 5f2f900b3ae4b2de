#pragma once

#include <slipway/engine/build_trace.hpp>
#include <slipway/engine/transport.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::engine {

/// What a registry got.
struct PushedImage {
    std::string tag;
    std::string digest;
    std::int64_t size = 0; ///< bytes of the manifest
};

/// One message of a build, pull, push, load or import. Texts can hold ANSI codes and replacement
/// characters.
struct Progress {
    std::string stream;                    ///< output of a build, with its line ends
    std::string status;                    ///< "Downloading", "Pull complete"
    std::string id;                        ///< of a layer, most often
    std::optional<std::int64_t> current{}; ///< bytes, most often
    std::optional<std::int64_t> total{};   ///< bytes, most often
    std::string aux_id{};                  ///< id of the built image
    std::optional<PushedImage> pushed{};   ///< in one message of a push that succeeded
    std::optional<BuildTrace> trace{};     ///< of a build by BuildKit, which writes no `stream`
};

/// The messages of a long call, as they come. Nothing runs ahead of the reader, and dropping the
/// stream closes its connection (which stops a build unless Traits::build_survives_disconnect).
class ProgressStream {
public:
    class Impl;

    ProgressStream() noexcept; ///< Holds nothing; reading it is Errc::internal.
    explicit ProgressStream(std::unique_ptr<Impl> impl) noexcept;
    ProgressStream(ProgressStream&&) noexcept;
    ProgressStream& operator=(ProgressStream&&) noexcept;
    ~ProgressStream();

    /// The next message, or nothing at the end of a call that succeeded. The object must outlive
    /// the task. An error is final: later calls repeat it.
    ///
    /// Errors: engine (the call failed; the message is the engine's), not_found and unauthorized (a
    ///   pull or push that was refused inside the stream), truncated (the stream ended with neither
    ///   result nor error), protocol (no JSON, a member of the wrong type, a trace that is none, a
    ///   message over 4 MiB), cancelled.
    Task<std::optional<Progress>> next();

    /// Reads on to the end. Returns the id of the image, as the engine spells it; for a push the
    /// digest; for a pull the digest if there was one, else the pulled reference. Errors: as
    /// `next`.
    Task<std::string> result();

    /// The same where there can be several: the names, or ids without one, that Images::load took.
    Task<std::vector<std::string>> results();

    /// After an engine error of a build: the exit code of the failed step, where the engine gave
    /// one.
    std::optional<std::int64_t> failure_code() const noexcept;

    /// Closes the connection; a pending read fails.
    void close() noexcept;

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace slipway::engine
