#include "support/run.hpp"
#include "tools.hpp"

#include <slipway/core/byte_pipe.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <future>
#include <latch>
#include <numeric>
#include <random>
#include <thread>

using namespace slipway;
using namespace slipway::test;
namespace asio = boost::asio;

namespace {

/// Bytes that tell where they belong.
std::string pattern(std::size_t count)
{
    std::string out(count, '\0');
    std::uint32_t state = 1;
    for (char& c : out) {
        state = state * 1664525 + 1013904223;
        c = static_cast<char>(state >> 24U);
    }
    return out;
}

Task<std::string> read_all(std::shared_ptr<core::TaskReader> from, std::size_t step)
{
    std::string out;
    std::vector<char> buffer(step);
    const std::span<char> space(buffer);
    for (;;) {
        CO_TRY(const std::size_t got, co_await from->read(space));
        if (got == 0) co_return out;
        out.append(buffer.data(), got);
    }
}

Task<> write_all(std::shared_ptr<core::TaskWriter> to, std::string text, std::size_t step)
{
    std::string_view left(text);
    while (!left.empty()) {
        const std::string_view piece = left.substr(0, step);
        CO_CHECK(co_await to->write(piece));
        left.remove_prefix(piece.size());
    }
    to->finish();
    co_return ok();
}

Task<std::size_t> read_once(std::shared_ptr<core::TaskReader> from)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    std::vector<char> buffer(10);
    const std::span<char> space(buffer);
    co_return co_await from->read(space);
}

Task<> write_once(std::shared_ptr<core::TaskWriter> to, std::string text)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    co_return co_await to->write(text);
}

Task<> wait_for_reader(std::shared_ptr<core::TaskWriter> writer)
{
    co_return co_await writer->reader_left();
}

} // namespace

TEST_SUITE("core.archive.byte_pipe")
{
    TEST_CASE("bytes come through in order for every mix of sizes")
    {
        for (const std::size_t room : {1U, 3U, 64U, 4096U, 1U << 20U}) {
            for (const std::size_t step : {1U, 7U, 4096U, 1U << 20U}) {
                CAPTURE(room);
                CAPTURE(step);
                // Each piece may cost a change of threads; a few thousand of them are enough.
                const std::string text =
                    pattern(std::min<std::size_t>(300'000, 2000 * std::min(room, step)));
                {
                    auto pipe = core::pipe_to_task(room);
                    std::thread thread([&, writer = std::move(pipe.writer)]() mutable {
                        std::string_view left(text);
                        while (!left.empty()) {
                            const auto piece = left.substr(0, step);
                            if (!writer.write(piece)) return;
                            left.remove_prefix(piece.size());
                        }
                        writer.finish();
                    });
                    const auto got = run(read_all(pipe.reader, step));
                    thread.join();
                    REQUIRE(got.has_value());
                    CHECK(*got == text);
                }
                {
                    auto pipe = core::pipe_to_thread(room);
                    std::string got;
                    std::thread thread([&, reader = std::move(pipe.reader)]() mutable {
                        std::vector<char> buffer(step);
                        for (;;) {
                            const auto count = reader.read(buffer);
                            if (!count || *count == 0) return;
                            got.append(buffer.data(), *count);
                        }
                    });
                    const auto put = run(write_all(pipe.writer, text, step));
                    thread.join();
                    CHECK(put.has_value());
                    CHECK(got == text);
                }
            }
        }
    }

    TEST_CASE("a coroutine that moves between threads loses no wake-up")
    {
        asio::thread_pool pool(2);
        const std::string text = pattern(300'000);
        std::vector<std::future<Result<std::string>>> readers;
        std::vector<std::thread> writers;
        for (int i = 0; i < 4; ++i) {
            auto pipe = core::pipe_to_task(1000);
            writers.emplace_back([&, writer = std::move(pipe.writer)]() mutable {
                REQUIRE(writer.write(text).has_value());
                writer.finish();
            });
            std::promise<Result<std::string>> promise;
            readers.push_back(promise.get_future());
            asio::co_spawn(
                pool,
                read_all(pipe.reader, 333),
                [promise = std::move(promise
                 )](std::exception_ptr thrown, Result<std::string> out) mutable {
                    if (thrown) std::terminate();
                    promise.set_value(std::move(out));
                }
            );
        }
        for (auto& reader : readers) {
            const auto got = reader.get();
            REQUIRE(got.has_value());
            CHECK(*got == text);
        }
        for (auto& writer : writers) {
            writer.join();
        }
    }

    TEST_CASE("the producer's error arrives with all its parts, before waiting bytes")
    {
        auto pipe = core::pipe_to_task();
        REQUIRE(pipe.writer.write("bytes").has_value());
        Error error(Errc::permission_denied, "no");
        error.hint = "ask";
        pipe.writer.fail(error);
        const auto got = run(read_once(pipe.reader));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::permission_denied);
        CHECK(got.error().message == "no");
        CHECK(got.error().hint == "ask");

        auto other = core::pipe_to_thread();
        other.writer->fail(error);
        std::vector<char> buffer(10);
        const auto read = other.reader.read(buffer);
        REQUIRE(!read.has_value());
        CHECK(read.error().message == "no");
    }

    TEST_CASE("a producer that leaves without an end is a truncated stream")
    {
        std::shared_ptr<core::TaskReader> reader;
        {
            auto pipe = core::pipe_to_task();
            reader = pipe.reader;
            REQUIRE(pipe.writer.write("bytes").has_value());
        }
        const auto got = run(read_once(reader));
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::truncated);

        auto other = core::pipe_to_thread();
        other.writer.reset();
        std::vector<char> buffer(10);
        const auto read = other.reader.read(buffer);
        REQUIRE(!read.has_value());
        CHECK(read.error().code == Errc::truncated);
    }

    TEST_CASE("a consumer that leaves ends a blocked write at once")
    {
        auto pipe = core::pipe_to_task(4);
        std::latch blocked(1);
        Result<> wrote = ok();
        std::thread thread([&, writer = std::move(pipe.writer)]() mutable {
            REQUIRE(writer.write("1234").has_value());
            blocked.count_down();
            wrote = writer.write("5678");
            CHECK(!writer.write("more").has_value());
        });
        blocked.wait();
        pipe.reader.reset();
        thread.join();
        REQUIRE(!wrote.has_value());
        CHECK(wrote.error().code == Errc::cancelled);

        auto other = core::pipe_to_thread(4);
        std::thread leaver([reader = std::move(other.reader)]() mutable {
            std::vector<char> one(1);
            CHECK(reader.read(one).has_value());
        });
        const auto put = run(write_once(other.writer, "123456789"));
        leaver.join();
        REQUIRE(!put.has_value());
        CHECK(put.error().code == Errc::cancelled);
    }

    TEST_CASE("reader_left ends when the thread is done and not before")
    {
        auto pipe = core::pipe_to_thread();
        std::atomic<bool> done = false;
        std::thread thread([&, reader = std::move(pipe.reader)]() mutable {
            const core::ThreadReader own(std::move(reader));
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            done = true;
        });
        CHECK(run(wait_for_reader(pipe.writer)).has_value());
        CHECK(done);
        thread.join();
    }

    TEST_CASE("cancelling ends the coroutine's wait and leaves the channel usable")
    {
        auto pipe = core::pipe_to_task(4);
        asio::io_context io;
        asio::cancellation_signal cancel;
        std::optional<Result<std::size_t>> got;
        asio::co_spawn(
            io,
            read_once(pipe.reader),
            asio::bind_cancellation_slot(
                cancel.slot(),
                [&](std::exception_ptr thrown, Result<std::size_t> result) {
                    CHECK(!thrown);
                    got.emplace(std::move(result));
                }
            )
        );
        io.poll();
        CHECK(!got);
        cancel.emit(asio::cancellation_type::terminal);
        io.restart();
        io.run();
        REQUIRE(got);
        REQUIRE(!got->has_value());
        CHECK(got->error().code == Errc::cancelled);

        REQUIRE(pipe.writer.write("abc").has_value());
        const auto later = run(read_once(pipe.reader));
        REQUIRE(later.has_value());
        CHECK(*later == 3);

        auto other = core::pipe_to_thread(4);
        std::optional<Result<>> put;
        asio::co_spawn(
            io,
            write_once(other.writer, "123456789"),
            asio::bind_cancellation_slot(
                cancel.slot(),
                [&](std::exception_ptr thrown, Result<> result) {
                    CHECK(!thrown);
                    put.emplace(std::move(result));
                }
            )
        );
        io.restart();
        io.poll();
        CHECK(!put);
        cancel.emit(asio::cancellation_type::terminal);
        io.restart();
        io.run();
        REQUIRE(put);
        REQUIRE(!put->has_value());
        CHECK(put->error().code == Errc::cancelled);
    }

    TEST_CASE("a coroutine destroyed asleep with its io_context frees the thread")
    {
        for (int round = 0; round < 50; ++round) {
            auto pipe = core::pipe_to_task(4);
            std::latch asleep(1);
            std::thread thread;
            {
                asio::io_context io;
                asio::co_spawn(io, read_once(std::move(pipe.reader)), asio::detached);
                io.poll();
                thread = std::thread([&, writer = std::move(pipe.writer)]() mutable {
                    asleep.count_down();
                    while (writer.write("123")) {
                    }
                });
                asleep.wait();
            }
            thread.join();
        }
    }
}
