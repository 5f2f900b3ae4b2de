#include "agent/pieces.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <new>

namespace slipway::core {

namespace {

struct FreeWriter {
    void operator()(archive* tar) const { ::archive_write_free(tar); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

la_ssize_t append(archive*, void* block, const void* bytes, std::size_t size)
{
    static_cast<std::string*>(block)->append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
}

// A file as a tar has it, without the tar's end.
void append_file(std::string& block, std::uint64_t number, AgentIds ids, std::string_view bytes)
{
    const std::unique_ptr<archive, FreeWriter> tar(::archive_write_new());
    const std::unique_ptr<archive_entry, FreeEntry> entry(::archive_entry_new());
    if (!tar || !entry) throw std::bad_alloc();
    ::archive_write_set_format_ustar(tar.get());
    ::archive_write_set_bytes_per_block(tar.get(), 0);
    ::archive_write_open(tar.get(), &block, nullptr, &append, nullptr);
    const std::string name = std::to_string(number);
    ::archive_entry_set_pathname(entry.get(), name.c_str());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0644); // before they are their owner's he may read them
    ::archive_entry_set_uid(entry.get(), ids.uid);
    ::archive_entry_set_gid(entry.get(), ids.gid);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    ::archive_write_header(tar.get(), entry.get());
    ::archive_write_data(tar.get(), bytes.data(), bytes.size());
    ::archive_write_finish_entry(tar.get());
    ::archive_write_fail(tar.get()); // else it would write the tar's end
}

} // namespace

PieceTar::PieceTar(engine::ByteSource& from, AgentIds ids)
    : from_(from), ids_(ids), bytes_(std::make_unique_for_overwrite<char[]>(piece_bytes))
{
}

Task<> PieceTar::make_piece()
{
    constexpr std::size_t end_bytes = 1024;
    const std::span<char> room(bytes_.get(), piece_bytes);
    std::size_t size = 0;
    for (std::size_t n = 1; n != 0 && size < room.size(); size += n) {
        CO_TRY(n, co_await from_.read(room.subspan(size)));
    }
    block_.clear();
    at_ = 0;
    if (size > 0) append_file(block_, pieces_++, ids_, std::string_view(room.data(), size));
    at_end_ = size < room.size();
    if (at_end_) block_.append(end_bytes, '\0');
    co_return ok();
}

Task<std::size_t> PieceTar::read(std::span<char> into)
{
    if (at_ == block_.size() && !at_end_) {
        CO_CHECK(co_await make_piece());
    }
    const std::size_t n = block_.copy(into.data(), into.size(), at_);
    at_ += n;
    co_return n;
}

PieceFeed::PieceFeed(
    const boost::asio::any_io_executor& executor,
    engine::ByteSource& from,
    const PieceRoad& road,
    AgentIds ids
)
    : from_(from), road_(road), ids_(ids), named_(executor)
{
}

Task<> PieceFeed::write(std::string_view data)
{
    constexpr std::size_t most = 4'096;
    if (name_.size() + data.size() > most || name_.ends_with('\n')) {
        co_return fail(Errc::protocol, "it says more than where it wants its input");
    }
    name_ += data;
    if (name_.ends_with('\n')) named_.notify();
    co_return ok();
}

Task<std::size_t> PieceFeed::read(std::span<char> into)
{
    if (is_sent_) co_return std::size_t{0};
    while (!name_.ends_with('\n')) {
        CO_CHECK(co_await named_.wait());
    }
    const auto tar = std::make_shared<PieceTar>(from_, ids_);
    CO_CHECK(co_await road_.put(name_.substr(0, name_.size() - 1), tar));
    is_sent_ = true;
    std::string count;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        count += static_cast<char>(tar->pieces() >> shift & 0xFFU);
    }
    co_return count.copy(into.data(), into.size());
}

} // namespace slipway::core
