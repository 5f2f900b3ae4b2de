#pragma once

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::engine {

/// Which output a piece belongs to.
enum class Output { out, err };

/// A part of a frame's payload, as much of it as was at hand.
struct FramePiece {
    Output output = Output::out;
    std::string_view bytes{}; ///< points into the input; never empty
};

/// Takes the multiplexed stream of attach, exec and logs apart. Without I/O and without copying:
/// payloads of up to 4 GiB pass through in the pieces they come in.
///
/// A frame is `type 0 0 0`, a length of 4 bytes (most significant first) and as many bytes. Types 0
/// and 1 are stdout, 2 is stderr, 3 is the engine's own failure. Streams of a terminal are not
/// framed.
class FrameDecoder {
public:
    /// Takes bytes from the front of `input` and returns the next piece, or nothing when `input` is
    /// used up. Call until nothing comes; an error is final.
    ///
    /// Errors: engine (a frame of type 3, with its text), protocol (another type, or padding that
    /// is
    ///   not zero).
    Result<std::optional<FramePiece>> next(std::string_view& input);

    /// To be asked at the end of the stream. Errors: truncated (inside a header or a payload),
    /// engine (inside a frame of type 3).
    Result<> finish() const;

private:
    Result<> read_header();
    Error system_error() const;

    std::array<unsigned char, 8> header_{};
    std::size_t header_bytes_ = 0;
    std::uint32_t payload_left_ = 0;
    unsigned char type_ = 0;
    std::string failure_;
};

/// Moves a framed stream to two sinks until it ends, through a buffer of 64 KiB. All three must
/// outlive the task. Errors: those of FrameDecoder, of the source and of the sinks.
Task<> demultiplex(ByteSource& framed, ByteSink& out, ByteSink& err);

} // namespace slipway::engine
