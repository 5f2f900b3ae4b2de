#pragma once

#include <slipway/engine/transport.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::engine {

/// Follows a tar from header to header, without I/O, to know whether it came whole. An engine that
/// fails midway ends its answer cleanly, dockerd with a JSON text behind the bytes it had.
///
/// Knows ustar, GNU and pax headers, sparse ones too, and sizes in octal, in base 256 and in pax
/// records.
class TarCheck {
public:
    /// Errors: engine (the engine's text in place of a header, or behind the end), protocol (what
    /// is there is no tar header). An error is final.
    Result<> take(std::string_view bytes);

    /// To be asked at the end of the stream. Errors: truncated (the two blocks of zeros that end a
    /// tar did not come), engine (the same, and the engine said why).
    Result<> finish() const;

private:
    static constexpr std::size_t block_size = 512;
    using Block = std::array<char, block_size>;

    Result<> take_block();
    Result<> take_header();
    void take_pax_record();
    void skip(std::uint64_t bytes);
    void remember(std::string_view bytes);
    Result<> refuse_header() const;

    Block block_{};
    std::size_t filled_ = 0;      ///< bytes in `block_`
    std::uint64_t data_left_ = 0; ///< of the entry, with its padding
    std::uint64_t total_ = 0;
    std::string recent_; ///< the last bytes, where an engine's text would be
    std::string pax_;    ///< records of a pax header that is being read
    std::size_t pax_left_ = 0;
    bool in_pax_ = false;
    bool in_sparse_map_ = false; ///< the next block goes on with an old GNU sparse header
    std::uint64_t sparse_data_ = 0;
    std::optional<std::uint64_t> pax_size_;
    int zero_blocks_ = 0;
};

/// The same answer, whose end is an error when the tar in it is not whole. No error shows one of
/// `secrets`.
std::unique_ptr<ResponseStream> checked_tar(
    std::unique_ptr<ResponseStream> tar,
    std::string doing,
    EngineAnswer answer,
    std::vector<std::string> secrets
);

/// `open` of a tar: its errors get `doing` as context, those of the stream as well.
Task<std::unique_ptr<ResponseStream>>
open_tar(Transport& transport, Result<Request> request, std::string doing);

} // namespace slipway::engine
