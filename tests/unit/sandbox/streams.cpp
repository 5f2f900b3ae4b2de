#include "sandbox/streams.hpp"

#include "support/run.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace slipway;
using namespace slipway::core;
using namespace slipway::test;

namespace {

/// Gives some bytes and then ends, or fails.
class Said final : public engine::DuplexStream {
public:
    Said(std::string bytes, Error failure) : bytes_(std::move(bytes)), failure_(std::move(failure))
    {
    }

    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t n = bytes_.copy(into.data(), into.size(), at_);
        at_ += n;
        if (n == 0) co_return fail(failure_);
        co_return n;
    }
    Task<> write(std::string_view) override { co_return ok(); }
    Task<> shutdown_write() override { co_return ok(); }
    void close() noexcept override {}

private:
    std::string bytes_;
    std::size_t at_ = 0;
    Error failure_;
};

class Broken final : public engine::ByteSink {
public:
    explicit Broken(Error failure) : failure_(std::move(failure)) {}
    Task<> write(std::string_view) override { co_return fail(failure_); }

private:
    Error failure_;
};

Error reset_error()
{
    Error error(Errc::io, "reset");
    error.cause = std::make_error_code(std::errc::connection_reset);
    return error;
}

std::string frame(std::string_view bytes)
{
    std::string out("\x01\0\0\0\0\0\0", 7);
    out += static_cast<char>(bytes.size());
    return out += bytes;
}

} // namespace

TEST_SUITE("sandbox.streams")
{
    TEST_CASE("a connection that is reset between frames is an end where the engine ends so")
    {
        for (const OnReset how : {OnReset::end, OnReset::fail}) {
            std::string out;
            std::string err;
            engine::StringSink out_sink(out);
            engine::StringSink err_sink(err);
            Said said(frame("one") + frame("two"), reset_error());
            const auto done = run(receive(said, &out_sink, &err_sink, false, how));
            CHECK(done.has_value() == (how == OnReset::end));
            CHECK(out == "onetwo");
            if (!done) CHECK(done.error().code == Errc::io);
        }
    }

    TEST_CASE("and a cut output inside of one")
    {
        const std::string whole = frame("one") + frame("two");
        for (const int lost : {1, 3, 5, 10}) {
            std::string out;
            engine::StringSink sink(out);
            Said said(
                whole.substr(0, whole.size() - static_cast<std::size_t>(lost)), reset_error()
            );
            const auto done = run(receive(said, &sink, &sink, false, OnReset::end));
            REQUIRE(!done);
            CHECK(done.error().code == Errc::truncated);
        }
    }

    TEST_CASE("who takes the output and is reset is no end of it")
    {
        Broken sink(reset_error());
        for (const bool terminal : {true, false}) {
            Said said(frame("one"), reset_error());
            const auto done = run(receive(said, &sink, &sink, terminal, OnReset::end));
            REQUIRE(!done);
            CHECK(done.error().code == Errc::io);
        }
    }

    TEST_CASE("only a stdin is reset, and only where the engine does so")
    {
        engine::Traits traits;
        CHECK(on_reset(traits, true) == OnReset::fail);
        traits.unread_stdin_may_reset = true;
        CHECK(on_reset(traits, true) == OnReset::end);
        CHECK(on_reset(traits, false) == OnReset::fail);
    }
}
