#include "conformance/trait_row.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

/// 1 MiB and a little, so that its end falls on no buffer's.
const std::string& unit()
{
    static const std::string text = pattern((std::size_t{1} << 20U) + 77);
    return text;
}

Task<>
feed_all(std::shared_ptr<engine::DuplexStream> stream, std::shared_ptr<engine::ByteSource> source)
{
    CO_CHECK(co_await engine::copy(*source, *stream));
    co_return co_await stream->shutdown_write();
}

struct Received {
    std::uint64_t out = 0;
    std::uint64_t err = 0;
};

/// Sends `size` bytes, and reads them back at the same time.
Task<Received> send_and_receive(std::shared_ptr<engine::DuplexStream> stream, std::uint64_t size)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    engine::Child writer(executor, feed_all(stream, std::make_shared<RepeatSource>(unit(), size)));
    RepeatSink out(unit());
    std::string nothing;
    engine::StringSink err(nothing);
    CO_CHECK(co_await engine::demultiplex(*stream, out, err));
    CO_CHECK(co_await writer.join());
    Received received;
    received.out = out.bytes();
    received.err = nothing.size();
    co_return received;
}

Task<Received> receive(
    std::shared_ptr<engine::ByteSource> stream,
    std::string out_text,
    std::string err_text,
    std::uint64_t rest_every
)
{
    const auto out = std::make_shared<RepeatSink>(std::move(out_text));
    SlowSink slow(out, rest_every);
    RepeatSink err(std::move(err_text));
    CO_CHECK(co_await engine::demultiplex(*stream, slow, err));
    Received received;
    received.out = out->bytes();
    received.err = err.bytes();
    co_return received;
}

/// A container with the pattern in /tmp/out and a shorter one in /tmp/err.
std::string with_patterns(Lab& lab)
{
    auto id = lab.idle();
    const auto tar = make_tar({{"out", unit()}, {"err", unit().substr(0, 4099)}});
    lab.must(lab.archives.put(id, "/tmp", engine::text_source(tar)));
    return id;
}

std::string repeated(const std::string& command, std::uint64_t times)
{
    return "i=0; while [ $i -lt " + std::to_string(times) + " ]; do " + command
           + "; i=$((i+1)); done";
}

bool is_reset(const Error& error)
{
    return error.code == Errc::io && error.cause == std::errc::connection_reset;
}

/// Floods a stdin that nobody reads until no more fits, has the container end, and reads on.
Task<>
flood(Lab* lab, std::string container, std::shared_ptr<engine::DuplexStream> stream, Output* output)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto source = std::make_shared<RepeatSource>(unit(), 1024 * mebibyte);
    engine::Child writer(executor, feed_all(stream, source));
    for (int still = 0; still < 20;) { // each call gives the engine time to take more
        const std::uint64_t left = source->left();
        CO_CHECK(co_await lab->system.version());
        still = source->left() == left ? still + 1 : 0;
    }
    const auto go = engine::text_source(make_tar({{"go", ""}}));
    CO_CHECK(co_await lab->archives.put(container, "/tmp", go));
    engine::StringSink out(output->out);
    engine::StringSink err(output->err);
    auto ended = co_await engine::demultiplex(*stream, out, err);
    writer.cancel();
    static_cast<void>(co_await writer.join());
    co_return ended;
}

Result<> leave_stdin_unread(Lab& lab, Output& output)
{
    const std::string script = "until [ -e /tmp/go ]; do usleep 20000; done; echo out; exit 3";
    const auto id = lab.create(with_stdin(lab.spec({"sh", "-c", script})));
    const auto stream = lab.attach(id);
    CHECK(lab.must(lab.containers.start(id)) == Change::done);
    auto ended = run(lab.io, flood(&lab, id, stream, &output));
    CHECK(lab.exit_code(id) == 3);
    lab.remove(id);
    return ended;
}

} // namespace

TEST_SUITE("Streams")
{
    TEST_CASE("much stdin by exec, and all of it back")
    {
        Lab lab;
        const auto id = lab.idle();
        auto spec = exec_spec({"cat"});
        spec.attach_stdin = true;
        const auto exec = lab.must(lab.execs.create(id, spec));
        const std::uint64_t size = sized(64 * mebibyte, 1024 * mebibyte) + 1;
        const MemoryGrowth growth;
        const auto received = lab.must(send_and_receive(lab.must(lab.execs.start(exec)), size));
        CHECK(received.out == size);
        CHECK(received.err == 0);
        CHECK(growth.peak_bytes() < stream_memory);
        CHECK(lab.exec_code(exec) == 0);
        lab.remove(id);
    }

    TEST_CASE("much stdin by attach, and all of it back")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"cat"}));
        engine::LogConfig none;
        none.type = "none";
        spec.host.log_config = none;
        const auto id = lab.create(spec);
        const auto stream = lab.attach(id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const std::uint64_t size = sized(64 * mebibyte, 1024 * mebibyte) + 1;
        const MemoryGrowth growth;
        const auto received = lab.must(send_and_receive(stream, size));
        CHECK(received.out == size);
        CHECK(growth.peak_bytes() < stream_memory);
        CHECK(lab.exit_code(id) == 0);
        lab.remove(id);
    }

    TEST_CASE("much output for a slow reader")
    {
        Lab lab;
        const auto id = with_patterns(lab);
        const std::uint64_t times = sized<std::uint64_t>(64, 1024);
        const auto spec = exec_spec({"sh", "-c", repeated("cat /tmp/out", times)});
        const auto exec = lab.must(lab.execs.create(id, spec));
        const std::shared_ptr<engine::DuplexStream> stream = lab.must(lab.execs.start(exec));
        const MemoryGrowth growth;
        const auto received = lab.must(receive(stream, unit(), "x", 8 * mebibyte));
        CHECK(received.out == times * unit().size());
        CHECK(received.err == 0);
        CHECK(growth.peak_bytes() < stream_memory);
        CHECK(lab.exec_code(exec) == 0);
        lab.remove(id);
    }

    TEST_CASE("much of both outputs at once")
    {
        Lab lab;
        const auto id = with_patterns(lab);
        const std::uint64_t times = sized<std::uint64_t>(32, 512);
        const auto spec = exec_spec(
            {"sh",
             "-c",
             "(" + repeated("cat /tmp/out", times) + ") & (" + repeated("cat /tmp/err >&2", times)
                 + "); wait"}
        );
        const auto exec = lab.must(lab.execs.create(id, spec));
        const std::shared_ptr<engine::DuplexStream> stream = lab.must(lab.execs.start(exec));
        const auto received =
            lab.must(receive(stream, unit(), unit().substr(0, 4099), 1024 * mebibyte));
        CHECK(received.out == times * unit().size());
        CHECK(received.err == times * 4099);
        CHECK(lab.exec_code(exec) == 0);
        lab.remove(id);
    }

    TEST_CASE("stdin that nobody reads holds up nothing, and takes no output along")
    {
        Lab lab;
        Output output;
        const auto ended = leave_stdin_unread(lab, output);
        const bool may_be_lost = lab.traits().unread_stdin_may_reset; // on a busy machine
        CHECK((output.out == "out\n" || (may_be_lost && output.out.empty())));
        if (differs(lab, &engine::Traits::unread_stdin_may_reset, "resets the connection then")) {
            REQUIRE(!ended);
            CHECK_MESSAGE(is_reset(ended.error()), describe(ended.error()));
        } else {
            REQUIRE_MESSAGE(ended.has_value(), describe(ended.error()));
            CHECK(output.err.empty());
        }
        CHECK(lab.ours().empty());
    }
}

TEST_SUITE("Traits")
{
    TEST_CASE("unread_stdin_may_reset")
    {
        Lab lab;
        Output output;
        const auto ended = leave_stdin_unread(lab, output);
        const bool reset = !ended && is_reset(ended.error());
        check_trait(lab, &engine::Traits::unread_stdin_may_reset, reset);
    }
}
