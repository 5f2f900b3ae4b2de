#pragma once

#include "descriptor.hpp"

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::agent {

/// A stream that comes as files, one after the other, into a directory that this makes and removes:
/// an engine may write files faster than it moves a stream. On stdin comes how many they were.
class Pieces {
public:
    Pieces() = default;
    Pieces(const Pieces&) = delete;
    Pieces& operator=(const Pieces&) = delete;
    ~Pieces();

    /// Makes the directory below `place` and says on stdout where it is. False: errno says why.
    bool open(const std::string& place);

    /// How many bytes came next; 0 at the end, or -1: errno says why, and EPIPE that the sender has
    /// left.
    ssize_t read(char* room, std::size_t size);

private:
    bool is_whole(std::uint64_t piece) const;
    bool wait();
    bool take_count();

    std::string path_;
    Fd directory_;
    Fd events_; ///< of the directory; none: it is looked at now and then
    Fd piece_;  ///< the one that is being read
    std::uint64_t next_ = 0;
    std::array<unsigned char, 8> count_{};
    std::size_t counted_ = 0; ///< bytes of that
    bool all_there_ = false;
};

} // namespace slipway::agent
