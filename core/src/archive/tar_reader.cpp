#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "archive/tar_stream.hpp"
#include "archive/tree_writer.hpp"
#include "archive/unpacker.hpp"
#include "archive/worker.hpp"
#include "interrupted.hpp"

#include <slipway/core/byte_pipe.hpp>
#include <slipway/core/tar_reader.hpp>

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <utility>

namespace slipway::core {

namespace asio = boost::asio;

namespace {

constexpr std::size_t feed_bytes = std::size_t{256} << 10;

/// What is made of a tar, on a thread.
template <class T>
using Consumer = std::function<Result<T>(TarStream&)>;

template <class T>
Result<T> consume(ThreadReader& from, const Consumer<T>& consumer)
{
    const posix::PlainLocale plain;
    try {
        TarStream tar(from);
        return consumer(tar);
    } catch (const std::exception& error) {
        return fail(Errc::internal, std::string("reading a tar: ") + error.what());
    }
}

Result<Unpacked>
unpack_into(const std::string& destination, const UnpackOptions& options, TarStream& tar)
{
    TRY(TreeWriter tree, TreeWriter::open(destination));
    return Unpacker(tar, tree, options).run();
}

Result<Manifest> list(TarStream& tar, const std::string& strip)
{
    Manifest out;
    for (;;) {
        TRY(std::optional<TarEntry> entry, tar.next());
        if (!entry) return out;
        TRY(std::string path, path_below(strip, entry->path));
        if (path.empty()) continue;
        if (entry->kind == TarEntry::Kind::hard_link) {
            TRY(const std::string target, path_below(strip, entry->hard_link));
            const auto known = out.entries.find(target);
            if (known == out.entries.end()) continue;
            ManifestEntry same = known->second;
            out.entries.insert_or_assign(std::move(path), std::move(same));
            continue;
        }
        if (entry->kind != TarEntry::Kind::entry) continue;
        ManifestEntry& meta = entry->meta;
        if (meta.type == EntryType::file) {
            ContentHasher hasher;
            CHECK_OK(tar.data(meta.size, [&](std::uint64_t offset, std::string_view piece) {
                hasher.add(offset, piece);
                return ok();
            }));
            meta.content = hasher.finish(meta.size);
        }
        out.entries.insert_or_assign(std::move(path), std::move(meta));
    }
}

/// The thread and its way out: the pipe is failed before the thread is waited for, so a coroutine
/// that is cancelled or destroyed at any point ends it.
template <class T>
class Consuming {
public:
    Result<> start(Consumer<T> consumer)
    {
        PipeToThread pipe = pipe_to_thread();
        writer_ = std::move(pipe.writer);
        auto body = [from = std::move(pipe.reader),
                     outcome = outcome_,
                     consumer = std::move(consumer)]() mutable {
            ThreadReader reader(std::move(from)); // leaves when the outcome is there
            *outcome = consume(reader, consumer);
        };
        return worker_.start(std::move(body));
    }
    Consuming() = default;
    Consuming(const Consuming&) = delete;
    Consuming& operator=(const Consuming&) = delete;
    ~Consuming()
    {
        if (writer_) writer_->fail({Errc::cancelled, "cancelled"});
    }

    TaskWriter& writer() { return *writer_; }
    Result<T> outcome()
    {
        worker_.join();
        return std::move(**outcome_);
    }

private:
    std::shared_ptr<TaskWriter> writer_;
    std::shared_ptr<std::optional<Result<T>>> outcome_ =
        std::make_shared<std::optional<Result<T>>>();
    Worker worker_; // the last one, so that it is joined first
};

template <class T>
Task<T>
run_consumer(std::shared_ptr<engine::ByteSource> from, std::string doing, Consumer<T> consumer)
{
    Consuming<T> work;
    CO_CHECK(work.start(std::move(consumer)));
    TaskWriter& writer = work.writer();
    std::vector<char> buffer(feed_bytes);
    const std::span<char> space(buffer);
    for (;;) {
        Result<std::size_t> got = co_await from->read(space);
        if (!got) {
            writer.fail(std::move(got).error());
            break;
        }
        if (*got == 0) {
            writer.finish();
            break;
        }
        const std::string_view chunk(buffer.data(), *got);
        const Result<> put = co_await writer.write(chunk);
        if (!put) break; // the thread has left, or we are cancelled
    }
    if (!co_await is_interrupted()) {
        const Result<> left = co_await writer.reader_left();
        if (left) co_return during(work.outcome(), doing);
    }
    co_return during(Result<T>(fail(Errc::cancelled, "cancelled")), doing);
}

} // namespace

Task<Unpacked> unpack(
    std::shared_ptr<engine::ByteSource> from,
    std::filesystem::path destination,
    UnpackOptions options
)
{
    std::string doing = "unpacking into " + posix::printable(destination.native());
    Consumer<Unpacked> consumer = [destination = destination.native(),
                                   options = std::move(options)](TarStream& tar) {
        return unpack_into(destination, options, tar);
    };
    return run_consumer(std::move(from), std::move(doing), std::move(consumer));
}

Task<Manifest> list_tar(std::shared_ptr<engine::ByteSource> from, std::string strip)
{
    Consumer<Manifest> consumer = [strip = std::move(strip)](TarStream& tar) {
        return list(tar, strip);
    };
    return run_consumer(std::move(from), "reading a tar", std::move(consumer));
}

} // namespace slipway::core
