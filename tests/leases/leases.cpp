#include "leases/bench.hpp"
#include "support/tar.hpp"

using namespace slipway;
using namespace slipway::test;
using namespace std::chrono_literals;
using engine::Child;

namespace {

// Each case holds for both ways.
template <class Case>
void with_and_without_agent(Case body)
{
    for (const bool agent : {true, false}) {
        CAPTURE(agent);
        on_bench([&](Bench& bench) { return body(bench, agent); });
    }
}

std::vector<std::string> words(std::initializer_list<const char*> list)
{
    return {list.begin(), list.end()};
}

// Save the headers that add to the next one.
std::vector<std::string> names_in_tar(const std::string& tar)
{
    std::vector<std::string> names;
    for (std::size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
        if (tar[at + 156] != 'x') names.emplace_back(tar.c_str() + at);
        const std::size_t size = std::stoul(tar.substr(at + 124, 11), nullptr, 8);
        at += 512 + (size + 511) / 512 * 512;
    }
    return names;
}

} // namespace

TEST_SUITE("leases")
{
    TEST_CASE("several jobs at once, each with its own streams and code")
    {
        with_and_without_agent([](Bench& bench, bool agent) -> Task<> {
            CO_TRY(
                const auto lease, co_await acquire(bench.client, bench.spec(), bench.options(agent))
            );
            CHECK((lease->road() == core::Road::exec) == !agent);
            const auto executor = co_await boost::asio::this_coro::executor;
            std::vector<std::shared_ptr<Ran>> ran;
            std::vector<Child> children;
            for (int i = 0; i < 4; ++i) {
                const std::string number = std::to_string(i);
                core::LeasedJob job = job_of(words({"sh", "-c"}));
                job.argv.push_back(
                    "touch /tmp/" + number
                    + "; while [ $(ls /tmp | wc -l) -lt 4 ]; do sleep 0.05; "
                      "done; echo out$N; echo err >&2; pwd; exit "
                    + number
                );
                job.env = {"N=" + number};
                job.cwd = "/work/here";
                ran.push_back(std::make_shared<Ran>());
                children.emplace_back(executor, run_into(*lease, std::move(job), ran.back()));
            }
            for (std::size_t i = 0; i < children.size(); ++i) {
                CO_CHECK(co_await children[i].join());
                CO_TRY(const core::JobResult result, ran[i]->result);
                CHECK(result.exit_code == static_cast<int>(i));
                CHECK(ran[i]->out == "out" + std::to_string(i) + "\n/work/here\n");
                CHECK(ran[i]->err == "err\n");
            }
            co_return co_await lease->release();
        });
    }

    TEST_CASE("a job's user owns the scratch and has no rights")
    {
        with_and_without_agent([](Bench& bench, bool agent) -> Task<> {
            core::SandboxSpec spec = bench.spec();
            spec.user = "1000:100";
            CO_TRY(const auto lease, co_await acquire(bench.client, spec, bench.options(agent)));
            CO_TRY(
                const std::string said,
                co_await shell(
                    *lease,
                    "id -u; id -g; stat -c %u:%g:%a /tmp /work/here; grep CapEff "
                    "/proc/self/status; "
                    "touch /tmp/x /work/here/x && chmod 755 /tmp; touch /x 2>/dev/null"
                )
            );
            CHECK(said == "1000\n100\n1000:100:1777\n1000:100:1777\nCapEff:\t0000000000000000\n=1");
            co_return co_await lease->release();
        });
    }

    TEST_CASE("files in and out")
    {
        with_and_without_agent([](Bench& bench, bool agent) -> Task<> {
            core::SandboxSpec spec = bench.spec();
            spec.user = "1000:100";
            CO_TRY(const auto lease, co_await acquire(bench.client, spec, bench.options(agent)));
            const std::string tar = make_tar({{"a/file", "content"}, {"b", "other"}});
            for (const char* directory : {"/work/here", "/work/here/new/deeper", "/tmp"}) {
                CAPTURE(directory);
                const auto source = engine::text_source(tar);
                CO_CHECK(co_await lease->put(directory, source));
                const std::string path = directory;
                CO_TRY(
                    const std::string said,
                    co_await shell(*lease, "cd " + path + " && cat a/file b && echo more >> a/file")
                );
                CHECK(said == "contentother=0");
                std::string bytes;
                engine::StringSink sink(bytes);
                std::vector<std::string> paths = words({"a/file", "?missing", "b"});
                CO_CHECK(co_await lease->get(path, paths, sink));
                CHECK(names_in_tar(bytes) == words({"a/file", "b"}));
                CHECK(bytes.find("contentmore\n") != std::string::npos);
                paths = words({"missing"});
                CHECK(!(co_await lease->get(path, paths, sink)).has_value());
            }
            const auto outside = engine::text_source(tar);
            const auto refused = co_await lease->put("/etc", outside);
            CHECK(!refused.has_value());
            co_return co_await lease->release();
        });
    }

    TEST_CASE("a deadline ends a job and not the lease")
    {
        with_and_without_agent([](Bench& bench, bool agent) -> Task<> {
            CO_TRY(
                const auto lease, co_await acquire(bench.client, bench.spec(), bench.options(agent))
            );
            core::LeasedJob job =
                job_of(words({"sh", "-c", "trap '' TERM INT; (setsid sleep 1000 &); sleep 1000"}));
            job.deadline = 300ms;
            const auto ran = std::make_shared<Ran>();
            CO_CHECK(co_await run_into(*lease, std::move(job), ran));
            REQUIRE(!ran->result.has_value());
            CHECK(ran->result.error().code == Errc::timed_out);
            CO_TRY(const std::string said, co_await shell(*lease, "ps | grep -c '[s]leep 1000'"));
            CHECK(said == "0\n=1");
            co_return co_await lease->release();
        });
    }

    TEST_CASE("a deadline holds where the sandbox is paused")
    {
        on_bench([](Bench& bench) -> Task<> {
            CO_TRY(
                const auto lease, co_await acquire(bench.client, bench.spec(), bench.options(false))
            );
            const auto executor = co_await boost::asio::this_coro::executor;
            core::LeasedJob job = job_of(words({"sleep", "1000"}));
            job.deadline = 2s;
            const auto ran = std::make_shared<Ran>();
            Child running(executor, run_into(*lease, std::move(job), ran));
            CO_CHECK(co_await engine::pause(1s)); // it has begun, or begins paused
            const std::string name = lease->container();
            const auto paused = co_await engine::Containers(bench.client.transport()).pause(name);
            // Rootless podman cannot with cgroup v1.
            if (!paused) CHECK(paused.error().code == Errc::unsupported);
            CO_CHECK(co_await running.join());
            REQUIRE(!ran->result.has_value());
            CHECK(ran->result.error().code == Errc::timed_out);
            co_return co_await lease->release();
        });
    }

    TEST_CASE("a sandbox that is removed in the middle is an error")
    {
        with_and_without_agent([](Bench& bench, bool agent) -> Task<> {
            CO_TRY(
                const auto lease, co_await acquire(bench.client, bench.spec(), bench.options(agent))
            );
            const auto executor = co_await boost::asio::this_coro::executor;
            core::LeasedJob job = job_of(words({"sleep", "1000"}));
            const auto ran = std::make_shared<Ran>();
            Child running(executor, run_into(*lease, std::move(job), ran));
            CO_CHECK(co_await engine::pause(500ms));
            const std::string name = lease->container();
            CO_CHECK(co_await engine::Containers(bench.client.transport()).discard(name));
            CO_CHECK(co_await running.join());
            REQUIRE(!ran->result.has_value());
            const Errc code = ran->result.error().code;
            CHECK((code == Errc::truncated || code == Errc::io));
            CHECK((co_await lease->discard()).has_value());
            co_return ok();
        });
    }

    TEST_CASE("what makes no sense is refused")
    {
        with_and_without_agent([](Bench& bench, bool agent) -> Task<> {
            std::vector<core::SandboxSpec> bad(6, bench.spec());
            bad[0].user = "me";
            bad[1].scratch = {"tmp"};
            bad[2].scratch = {"/"};
            bad[3].scratch = {"/a/../b"};
            bad[4].image = "";
            bad[5].scratch = {""};
            for (const core::SandboxSpec& spec : bad) {
                const auto lease = co_await acquire(bench.client, spec, bench.options(agent));
                REQUIRE(!lease.has_value());
                CHECK(lease.error().code == Errc::invalid_argument);
            }
            core::SandboxSpec absent = bench.spec();
            absent.image = "slipway-no-such-image";
            const auto none = co_await acquire(bench.client, absent, bench.options(agent));
            REQUIRE(!none.has_value());
            CHECK(none.error().code == Errc::not_found);
            CO_TRY(
                const auto lease, co_await acquire(bench.client, bench.spec(), bench.options(agent))
            );
            const auto ran = std::make_shared<Ran>();
            core::LeasedJob nothing = job_of({});
            CO_CHECK(co_await run_into(*lease, std::move(nothing), ran));
            REQUIRE(!ran->result.has_value());
            CHECK(ran->result.error().code == Errc::invalid_argument);
            core::LeasedJob astray = job_of(words({"true"}));
            astray.cwd = "/no/such/directory";
            CO_CHECK(co_await run_into(*lease, std::move(astray), ran));
            CO_TRY(const core::JobResult result, ran->result);
            CHECK(result.exit_code == 126);
            CHECK(!result.not_run.empty());
            co_return co_await lease->release();
        });
    }
}
