#include "leases/lab.hpp"

#include <slipway/engine/child.hpp>

using namespace slipway;
using namespace slipway::test;

namespace {

Task<> what_a_job_has(core::Lease& lease)
{
    auto argv = shell("echo out; echo err >&2; printf %s \"$ODD\"; id -u; pwd; exit 7");
    CO_TRY(const Ran ran, co_await run_job(lease, std::move(argv)));
    CHECK(ran.result.exit_code == 7);
    CHECK(ran.out == "out\na=b\nc0\n/\n");
    CHECK(ran.err == "err\n");
    co_return ok();
}

Task<> how_a_job_ends(core::Lease& lease)
{
    auto killed = shell("kill -9 $$");
    CO_TRY(const Ran by_signal, co_await run_job(lease, std::move(killed)));
    CHECK(by_signal.result.exit_code == 137);
    std::vector<std::string> missing(1, "no-such-program");
    CO_TRY(const Ran none, co_await run_job(lease, std::move(missing)));
    CHECK(none.result.exit_code == 127);
    CHECK(!none.result.not_run.empty());
    std::vector<std::string> directory(1, "/etc");
    CO_TRY(const Ran refused, co_await run_job(lease, std::move(directory)));
    CHECK(refused.result.exit_code == 126);
    std::vector<std::string> nothing;
    const auto empty = co_await run_job(lease, std::move(nothing));
    REQUIRE(!empty);
    CHECK(empty.error().code == Errc::invalid_argument);
    co_return ok();
}

Task<> much_in_and_out(core::Lease& lease)
{
    const auto in = std::make_shared<Bytes>(std::string(3'000'000, 'x'));
    std::vector<std::string> count{"wc", "-c"};
    CO_TRY(const Ran counted, co_await run_job(lease, std::move(count), in));
    CHECK(std::stoi(counted.out) == 3'000'000);
    auto argv = shell("yes | head -c 5000000");
    CO_TRY(const Ran ran, co_await run_job(lease, std::move(argv)));
    CHECK(ran.out.size() == 5'000'000);
    co_return ok();
}

Task<> store(core::Lease& lease, std::vector<std::string> argv, Ran& into)
{
    CO_TRY(into, co_await run_job(lease, std::move(argv)));
    co_return ok();
}

// Each waits for a file that the other one makes.
Task<> two_at_once(core::Lease& lease)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto script = [](const std::string& mine, const std::string& other) {
        return shell(
            "touch /tmp/" + mine + "; while [ ! -e /tmp/" + other + " ]; do sleep 0.02; done; echo "
            + mine
        );
    };
    Ran first;
    Ran second;
    engine::Child a(executor, store(lease, script("a", "b"), first));
    engine::Child b(executor, store(lease, script("b", "a"), second));
    CO_CHECK(co_await a.join());
    CO_CHECK(co_await b.join());
    CHECK(first.out == "a\n");
    CHECK(second.out == "b\n");
    co_return ok();
}

Task<> too_long(core::Lease& lease)
{
    core::LeasedJob job;
    job.argv = shell("trap '' TERM INT; (setsid sleep 1000 &); sleep 1000");
    job.deadline = std::chrono::milliseconds(500);
    std::string out;
    engine::StringSink out_sink(out);
    core::JobStreams streams;
    streams.out = streams.err = &out_sink;
    const auto ran = co_await lease.run(std::move(job), streams);
    REQUIRE(!ran);
    CHECK(ran.error().code == Errc::timed_out);
    auto look = shell("ps | grep -c '[s]leep 1000' || true");
    CO_TRY(const Ran left, co_await run_job(lease, std::move(look)));
    CHECK(left.out == "0\n");
    co_return ok();
}

Task<> interrupted(core::Lease& lease)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    Ran ran;
    auto argv = shell("trap '' INT TERM; touch /tmp/begun; while :; do sleep 1; done");
    engine::Child job(executor, store(lease, std::move(argv), ran));
    auto wait = shell("while [ ! -e /tmp/begun ]; do sleep 0.02; done");
    CO_TRY([[maybe_unused]] const Ran begun, co_await run_job(lease, std::move(wait)));
    job.cancel();
    const auto ended = co_await job.join();
    REQUIRE(!ended);
    CHECK(ended.error().code == Errc::cancelled);
    auto look = shell("ps | grep -c '[b]egun' || true");
    CO_TRY(const Ran left, co_await run_job(lease, std::move(look)));
    CHECK(left.out == "0\n");
    co_return ok();
}

// What is not mounted nobody can empty.
Task<> message_queues(core::Lease& lease)
{
    auto look = shell("grep -c '^[^ ]* /dev/mqueue mqueue ' /proc/mounts; : >/dev/mqueue/q");
    CO_TRY(const Ran ran, co_await run_job(lease, std::move(look)));
    CHECK(ran.out == "1\n");
    CHECK(ran.err == "");
    CHECK(ran.result.exit_code == 0);
    co_return ok();
}

} // namespace

TEST_SUITE("leases.jobs")
{
    TEST_CASE("what a job has, and what it says")
    {
        with_and_without_agent(what_a_job_has);
    }
    TEST_CASE("how a job ends")
    {
        with_and_without_agent(how_a_job_ends);
    }
    TEST_CASE("much in and out")
    {
        with_and_without_agent(much_in_and_out);
    }
    TEST_CASE("message queues are mounted where they can be removed")
    {
        with_and_without_agent(message_queues);
    }
    TEST_CASE("two at once")
    {
        with_and_without_agent(two_at_once);
    }
    TEST_CASE("a deadline ends all that a job has started")
    {
        with_and_without_agent(too_long);
    }
    TEST_CASE("an interrupt ends a job that ignores it")
    {
        with_and_without_agent(interrupted);
    }
}
