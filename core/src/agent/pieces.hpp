#pragma once

#include "agent/event.hpp"
#include "agent/session.hpp"

#include <slipway/engine/bytes.hpp>
#include <slipway/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace slipway::core {

/// How many bytes a piece of a stream has, but for the last.
inline constexpr std::size_t piece_bytes = std::size_t{1} << 20;

/// A tar of files `0`, `1`, ... with the pieces of a stream, made while it is read; the ids are
/// their owner's. `from` is borrowed. Errors of `read`: those of `from`.
class PieceTar final : public engine::ByteSource {
public:
    PieceTar(engine::ByteSource& from, AgentIds ids);

    Task<std::size_t> read(std::span<char> into) override;
    /// How many there were. At its end.
    std::uint64_t pieces() const noexcept { return pieces_; }

private:
    Task<> make_piece();

    engine::ByteSource& from_;
    AgentIds ids_;
    std::unique_ptr<char[]> bytes_;
    std::string block_; ///< of the tar: what has to be read next
    std::size_t at_ = 0;
    std::uint64_t pieces_ = 0;
    bool at_end_ = false;
};

/// Gives a stream to a tree job by a PieceRoad: it is the sink of the job's stdout and the source
/// of its stdin. Both are borrowed.
class PieceFeed final : public engine::ByteSink, public engine::ByteSource {
public:
    PieceFeed(
        const boost::asio::any_io_executor& executor,
        engine::ByteSource& from,
        const PieceRoad& road,
        AgentIds ids
    );

    /// Takes the name of the directory that the job wants the pieces in.
    Task<> write(std::string_view data) override;
    /// Sends them, and gives the job their number. Errors: those of `from` and of the road.
    Task<std::size_t> read(std::span<char> into) override;

private:
    engine::ByteSource& from_;
    const PieceRoad& road_;
    AgentIds ids_;
    Event named_;
    std::string name_; ///< ends with a line's end when it is whole
    bool is_sent_ = false;
};

} // namespace slipway::core
