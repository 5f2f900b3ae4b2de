#include "agent/zstd_stream.hpp"

#include "fuzz.hpp"
#include "pieces.hpp"

#include <zstd.h>

// What the agent compresses, and what it may send in place of that.

using namespace slipway;
using namespace slipway::core;
using namespace slipway::fuzz;

namespace {

// A frame of 4 KiB can say "the same byte" for 100 MiB.
constexpr std::size_t most_output = std::size_t{1} << 20U;

class BoundedSink final : public engine::ByteSink {
public:
    explicit BoundedSink(std::string& out) : out_(&out) {}
    Task<> write(std::string_view data) override
    {
        require(!data.empty(), "nothing is written");
        out_->append(data);
        if (out_->size() > most_output) co_return fail(Errc::io, "enough");
        co_return ok();
    }

private:
    std::string* out_;
};

Taken decompressed(std::string_view bytes, std::size_t piece)
{
    Taken taken;
    BoundedSink out(taken.out);
    DecompressingSink sink(out);
    taken.error = error_of_pieces(sink, bytes, piece);
    return taken;
}

/// Of a frame with an empty last block zstd takes any claim of its size, unless it has the whole
/// frame at once.
bool claims_other_size(std::string_view frame, const Taken& taken)
{
    const auto claimed = ::ZSTD_getFrameContentSize(frame.data(), frame.size());
    return claimed < ZSTD_CONTENTSIZE_ERROR && claimed != taken.out.size();
}

Task<std::string> read_pieces(CompressedSource& source, std::size_t piece)
{
    std::string out;
    std::string room(piece, '\0');
    for (;;) {
        CO_TRY(const std::size_t count, co_await source.read(room));
        if (count == 0) co_return out;
        out.append(room, 0, count);
    }
}

std::string compressed(std::string_view bytes, std::size_t piece)
{
    static boost::asio::io_context io;
    const auto plain = engine::text_source(std::string(bytes));
    CompressedSource source(*plain);
    auto packed = test::run(io, read_pieces(source, piece));
    require(packed.has_value(), "what is compressed fails");
    return *std::move(packed);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input = text_of(data, size);
    const auto whole = decompressed(input, std::max<std::size_t>(size, 1));
    if (whole.error) check_error(*whole.error);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{100}}) {
        const auto pieces = decompressed(input, piece);
        const bool is_zstds_own = whole.error && claims_other_size(input, pieces);
        require(is_zstds_own || pieces.agrees_with(whole), "small pieces are read differently");
    }

    const std::string packed = compressed(input, 4096);
    require(compressed(input, 7) == packed, "small pieces are packed differently");
    const auto again = decompressed(packed, 100);
    require(!again.error && again.out == input, "what was packed comes back as something else");
    const auto cut = decompressed(std::string_view(packed).substr(0, packed.size() - 1), 100);
    require(cut.error && cut.error->code == Errc::truncated, "an end is not missed");
    require(decompressed(packed + "x", 100).error.has_value(), "bytes behind the end are taken");
    return 0;
}
