#include "leases/bench.hpp"

#include <filesystem>

using namespace slipway;
using namespace slipway::test;
using core::LeasePolicy;

namespace {

core::PoolOptions named(const Bench& bench, std::string name)
{
    core::PoolOptions options = bench.options();
    options.policy = LeasePolicy::persistent;
    options.name = std::move(name);
    return options;
}

Task<std::size_t> sandboxes(Bench& bench, core::InUse use)
{
    const auto base = bench.options().directory;
    CO_TRY(const auto all, co_await core::inventory(bench.client, base));
    std::size_t count = 0;
    for (const auto& object : all) {
        if (object.purpose == "sandbox" && object.in_use == use) ++count;
    }
    co_return count;
}

} // namespace

TEST_SUITE("leases.policies")
{
    TEST_CASE("a fresh sandbox is nobody's before and after")
    {
        on_bench([](Bench& bench) -> Task<> {
            CO_TRY(auto idle, co_await acquire(bench.client, bench.spec(), bench.options()));
            CO_CHECK(co_await idle->release());
            const std::string waits = idle->container();
            idle.reset();
            core::PoolOptions options = bench.options();
            options.policy = LeasePolicy::fresh;
            options.most = 1; // the idle one stays
            CO_TRY(const auto lease, co_await acquire(bench.client, bench.spec(), options));
            CHECK(!lease->warm());
            CHECK(lease->container() != waits);
            CO_CHECK(co_await lease->release());
            CO_TRY(const std::size_t waiting, co_await sandboxes(bench, core::InUse::idle));
            CHECK(waiting == 1);
            CO_TRY(const auto again, co_await acquire(bench.client, bench.spec(), bench.options()));
            CHECK(again->warm());
            CHECK(again->container() == waits);
            co_return co_await again->release();
        });
    }

    TEST_CASE("a persistent sandbox keeps its files and not its processes")
    {
        on_bench([](Bench& bench) -> Task<> {
            const core::PoolOptions options = named(bench, "cache.1");
            std::string container;
            for (const char* expected : {"0\n=0", "a\n0\n=0", "a\na\n0\n=0"}) {
                CO_TRY(const auto lease, co_await acquire(bench.client, bench.spec(), options));
                CHECK(lease->warm() == !container.empty());
                if (container.empty()) container = lease->container();
                CHECK(lease->container() == container);
                CO_TRY(
                    const std::string said,
                    co_await said_by(
                        *lease,
                        "cat /work/here/f 2>/dev/null; echo a >> /work/here/f; "
                        "ps | grep -c '[s]leep 1000'; n=1000; setsid sleep $n &"
                    )
                );
                CHECK(said == std::string(expected));
                // One at a time, and only of what it was made of.
                const auto second = co_await acquire(bench.client, bench.spec(), options);
                REQUIRE(!second.has_value());
                CHECK(second.error().code == Errc::conflict);
                CHECK(second.error().message.find("cache.1") != std::string::npos);
                CO_CHECK(co_await lease->release());
            }
            core::SandboxSpec other = bench.spec();
            other.scratch.pop_back();
            const auto wrong = co_await acquire(bench.client, other, options);
            REQUIRE(!wrong.has_value());
            CHECK(wrong.error().code == Errc::conflict);

            // It is neither idle nor in the way, and clean-up leaves it.
            CO_TRY(const std::size_t kept, co_await sandboxes(bench, core::InUse::kept));
            CHECK(kept == 1);
            const auto base = options.directory;
            CO_CHECK(co_await core::clean_up(bench.client, base, core::Clean::unused));
            engine::Containers containers(bench.client.transport());
            CO_CHECK(co_await containers.inspect(container));

            // Somebody has stopped it: it goes on with what it had.
            CO_CHECK(co_await containers.kill(container));
            CO_TRY(auto wait, co_await containers.wait(container));
            CO_CHECK(co_await wait.result());
            CO_TRY(const auto lease, co_await acquire(bench.client, bench.spec(), options));
            CO_TRY(const std::string said, co_await said_by(*lease, "cat /work/here/f"));
            CHECK(said == "a\na\na\n=0");
            CO_CHECK(co_await lease->discard());
            const auto gone = co_await containers.inspect(container);
            REQUIRE(!gone.has_value());
            CHECK(gone.error().code == Errc::not_found);
            co_return ok();
        });
    }

    TEST_CASE("a persistent sandbox outlives the directory of its pool")
    {
        on_bench([](Bench& bench) -> Task<> {
            const core::PoolOptions options = named(bench, "cache.1");
            const auto base = options.directory;
            std::string container;
            {
                CO_TRY(const auto lease, co_await acquire(bench.client, bench.spec(), options));
                container = lease->container();
                CO_TRY(const std::string said, co_await said_by(*lease, "echo a > /work/here/f"));
                CHECK(said == "=0");
                // Gone while somebody has it: it stays his.
                std::filesystem::remove_all(base);
                const auto other = co_await acquire(bench.client, bench.spec(), options);
                REQUIRE(!other.has_value());
                CHECK(other.error().code == Errc::conflict);
                CO_TRY(const std::size_t used, co_await sandboxes(bench, core::InUse::yes));
                CHECK(used == 1);
                CO_CHECK(co_await core::clean_up(bench.client, base, core::Clean::left_behind));
                CO_TRY(const std::string still, co_await said_by(*lease, "cat /work/here/f"));
                CHECK(still == "a\n=0");
                CO_CHECK(co_await lease->release());
            }
            std::filesystem::remove_all(base);
            CO_TRY(const std::size_t kept, co_await sandboxes(bench, core::InUse::kept));
            CHECK(kept == 1);
            CO_CHECK(co_await core::clean_up(bench.client, base, core::Clean::unused));
            for (int round = 0; round < 2; ++round) { // with a new directory, and with that
                CO_TRY(const auto lease, co_await acquire(bench.client, bench.spec(), options));
                CHECK(lease->container() == container);
                CO_TRY(const std::string said, co_await said_by(*lease, "cat /work/here/f"));
                CHECK(said == "a\n=0");
                CO_CHECK(co_await lease->release());
            }
            co_return ok();
        });
    }

    TEST_CASE("names that are none")
    {
        on_bench([](Bench& bench) -> Task<> {
            for (const char* name : {"", "a/b", "../a", ".a", "a b", "\xc3\xa4"}) {
                CAPTURE(name);
                const auto lease = co_await acquire(bench.client, bench.spec(), named(bench, name));
                REQUIRE(!lease.has_value());
                CHECK(lease.error().code == Errc::invalid_argument);
            }
            core::PoolOptions without = named(bench, "a");
            without.agent = false;
            const auto lease = co_await acquire(bench.client, bench.spec(), without);
            REQUIRE(!lease.has_value());
            CHECK(lease.error().code == Errc::unsupported);
            co_return ok();
        });
    }

    TEST_CASE("sandboxes are made before they are needed, and no more than there may be")
    {
        on_bench([](Bench& bench) -> Task<> {
            core::PoolOptions options = bench.options();
            options.least = 2;
            options.most = 3;
            CO_CHECK(co_await keep_warm(bench.client, bench.spec(), options));
            CO_TRY(const std::size_t first, co_await sandboxes(bench, core::InUse::idle));
            CHECK(first == 2);
            CO_TRY(auto lease, co_await acquire(bench.client, bench.spec(), options));
            CHECK(lease->warm());
            CO_TRY(auto other, co_await acquire(bench.client, bench.spec(), options));
            CHECK(other->warm());
            CO_CHECK(co_await keep_warm(bench.client, bench.spec(), options));
            CO_TRY(const std::size_t second, co_await sandboxes(bench, core::InUse::idle));
            CHECK(second == 1);
            CO_CHECK(co_await lease->release());
            CO_CHECK(co_await other->release());
            lease.reset();
            other.reset();
            CO_CHECK(co_await keep_warm(bench.client, bench.spec(), options));
            CO_TRY(const std::size_t third, co_await sandboxes(bench, core::InUse::idle));
            CHECK(third == 3);
            co_return ok();
        });
    }

    TEST_CASE("sandboxes that have ended are not counted")
    {
        on_bench([](Bench& bench) -> Task<> {
            core::PoolOptions options = bench.options();
            options.least = options.most = 2;
            const auto base = options.directory;
            engine::Containers containers(bench.client.transport());
            for (int round = 0; round < 2; ++round) {
                CO_CHECK(co_await keep_warm(bench.client, bench.spec(), options));
                CO_TRY(const std::size_t idle, co_await sandboxes(bench, core::InUse::idle));
                CHECK(idle == 2);
                CO_TRY(const auto all, co_await core::inventory(bench.client, base));
                for (const auto& object : all) {
                    if (object.purpose != "sandbox") continue;
                    CO_CHECK(co_await containers.discard(object.name));
                }
            }
            CO_CHECK(co_await core::clean_up(bench.client, base, core::Clean::left_behind));
            CHECK(std::filesystem::is_empty(base / "pools"));
            co_return ok();
        });
    }

    TEST_CASE("what a client that was killed leaves of a fresh sandbox goes at the next start")
    {
        on_bench([](Bench& bench) -> Task<> {
            core::PoolOptions options = bench.options();
            options.policy = LeasePolicy::fresh;
            engine::Containers containers(bench.client.transport());
            std::string killed;
            {
                CO_TRY(const auto lease, co_await acquire(bench.client, bench.spec(), options));
                killed = lease->container();
            }
            CO_CHECK(co_await containers.discard(killed));
            CO_TRY(const auto lease, co_await acquire(bench.client, bench.spec(), options));
            std::vector<std::string> there;
            for (const auto& entry :
                 std::filesystem::recursive_directory_iterator(options.directory / "pools")) {
                if (entry.path().filename().string().starts_with("slipway-sandbox-")) {
                    there.push_back(entry.path().filename());
                }
            }
            CHECK(there == std::vector<std::string>(1, lease->container()));
            co_return co_await lease->discard();
        });
    }
}
