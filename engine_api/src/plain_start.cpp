#include "plain_start.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace slipway::engine {

namespace {

constexpr std::size_t block_bytes = 512;
constexpr std::size_t type_at = 156;
constexpr std::size_t magic_at = 257;

bool has_extended_header(std::string_view start)
{
    if (start.size() < block_bytes || start.substr(magic_at, 5) != "ustar") return false;
    const char type = start[type_at];
    return type != '\0' && (type < '0' || type > '7');
}

/// "./", a directory of root's.
std::string root_entry()
{
    std::string block(block_bytes, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
        std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(0, "./");
    put(100, "0000755");
    put(108, "0000000");
    put(116, "0000000");
    put(124, "00000000000");
    put(136, "00000000000");
    put(148, "        "); // the sum is taken with blanks in its own place
    block[type_at] = '5';
    put(magic_at, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : block) {
        sum += static_cast<unsigned char>(c);
    }
    std::array<char, 8> digits{};
    std::snprintf(digits.data(), digits.size(), "%06o", sum);
    put(148, std::string_view(digits.data(), 7));
    return block;
}

class PlainStart final : public ByteSource {
public:
    explicit PlainStart(std::shared_ptr<ByteSource> tar) : tar_(std::move(tar)) {}

    Task<std::size_t> read(std::span<char> into) override
    {
        if (!looked_) {
            CO_CHECK(co_await look());
        }
        if (start_.empty() && ended_) {
            co_return std::size_t{0};
        }
        if (start_.empty()) {
            co_return co_await tar_->read(into);
        }
        const std::size_t count = std::min(into.size(), start_.size());
        std::memcpy(into.data(), start_.data(), count);
        start_.erase(0, count);
        co_return count;
    }

private:
    Task<> look()
    {
        std::string block(block_bytes, '\0');
        std::size_t got = 0;
        while (got < block_bytes) {
            const std::span<char> rest(block.data() + got, block_bytes - got);
            CO_TRY(const std::size_t more, co_await tar_->read(rest));
            ended_ = more == 0;
            if (ended_) break;
            got += more;
        }
        block.resize(got);
        start_ = has_extended_header(block) ? root_entry() + block : block;
        looked_ = true;
        co_return ok();
    }

    std::shared_ptr<ByteSource> tar_;
    std::string start_; // not passed on yet
    bool looked_ = false;
    bool ended_ = false; // while looking
};

} // namespace

std::shared_ptr<ByteSource> with_plain_start(std::shared_ptr<ByteSource> tar)
{
    return std::make_shared<PlainStart>(std::move(tar));
}

} // namespace slipway::engine
