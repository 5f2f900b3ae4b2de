#include "graph/scheduler.hpp"

#include "graph/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace slipway::core;
using graph::BuildPlan;
using graph::ReadyUnits;
using graph::Tokens;

namespace {

Unit unit(double cpus, std::int64_t memory = 0, const std::string& network = "none")
{
    Unit out;
    out.cpus = cpus;
    out.memory_bytes = memory;
    out.network = network;
    return out;
}

Unit with_cache(const std::string& name, bool locked)
{
    Unit out = unit(1);
    out.caches.push_back({name, "/cache", locked});
    return out;
}

Tokens::Capacity capacity(double cpus, std::int64_t memory = 0, unsigned network = 4)
{
    Tokens::Capacity out;
    out.cpus = cpus;
    out.memory_bytes = memory;
    out.network = network;
    return out;
}

// Of pairs: the first one needs the second one, which is less.
BuildPlan plan_of(std::size_t count, const std::vector<std::pair<std::size_t, std::size_t>>& needs)
{
    BuildPlan out;
    out.units.resize(count);
    for (const auto& [dependent, dependency] : needs) {
        out.units[dependent].dependencies.push_back(dependency);
        out.units[dependency].dependents.push_back(dependent);
    }
    return out;
}

std::vector<std::size_t> order_of(const ReadyUnits& units)
{
    std::vector<std::size_t> out;
    for (const auto& [rank, place] : units.ready()) {
        out.push_back(place);
    }
    return out;
}

using Places = std::vector<std::size_t>;

// All that needs a unit, by the definition.
std::set<std::size_t> dependents_of(const BuildPlan& plan, std::size_t of)
{
    std::set<std::size_t> out;
    for (std::size_t i = of + 1; i < plan.units.size(); ++i) {
        for (const std::size_t dependency : plan.units[i].dependencies) {
            if (dependency == of || out.contains(dependency)) out.insert(i);
        }
    }
    return out;
}

struct Machine {
    double cpus;
    std::int64_t memory;
    unsigned network;
};

unsigned below(std::mt19937& random, unsigned most)
{
    return static_cast<unsigned>(random() % most);
}

Unit random_unit(std::mt19937& random)
{
    Unit out = unit(
        0.25 * (1 + below(random, 20)),
        below(random, 3) == 0 ? below(random, 1'500) : 0,
        below(random, 3) == 0 ? "engine" : "none"
    );
    for (const char* const name : {"a", "b"}) {
        if (below(random, 4) == 0) out.caches.push_back({name, "/c", below(random, 2) == 0});
    }
    return out;
}

// What must hold of units that run at once.
void check_shares(const std::vector<Unit>& units, const std::set<std::size_t>& running, Machine is)
{
    double cpus = 0;
    std::int64_t memory = 0;
    unsigned network = 0;
    std::multiset<std::string> locked;
    for (const std::size_t place : running) {
        cpus += units[place].cpus;
        memory += units[place].memory_bytes;
        network += units[place].network == "none" ? 0U : 1U;
        for (const UnitCache& cache : units[place].caches) {
            if (cache.locked) locked.insert(cache.name);
        }
    }
    if (running.size() > 1) {
        CHECK(cpus <= is.cpus);
        CHECK(memory <= is.memory);
        CHECK(network <= is.network);
    }
    for (const std::string& name : locked) {
        CHECK(locked.count(name) == 1);
    }
}

} // namespace

TEST_SUITE("core.graph.tokens")
{
    TEST_CASE("processors")
    {
        Tokens tokens(capacity(4));
        CHECK(tokens.take(unit(2)));
        CHECK(tokens.take(unit(1.5)));
        CHECK_FALSE(tokens.take(unit(1)));
        CHECK(tokens.take(unit(0.5)));
        tokens.give_back(unit(1.5));
        CHECK_FALSE(tokens.take(unit(2)));
        CHECK(tokens.take(unit(1.5)));
    }

    TEST_CASE("memory, where it is known")
    {
        Tokens tokens(capacity(100, 1'000));
        CHECK(tokens.take(unit(1, 600)));
        CHECK_FALSE(tokens.take(unit(1, 401)));
        CHECK(tokens.take(unit(1, 400)));
        CHECK(tokens.take(unit(1)));
        tokens.give_back(unit(1, 600));
        CHECK(tokens.take(unit(1, 600)));
        Tokens unknown(capacity(100));
        CHECK(unknown.take(unit(1, std::int64_t{1} << 60)));
        CHECK(unknown.take(unit(1, std::int64_t{1} << 60)));
    }

    TEST_CASE("connections")
    {
        Tokens tokens(capacity(100, 0, 2));
        CHECK(tokens.take(unit(1, 0, "engine")));
        CHECK(tokens.take(unit(1, 0, "engine")));
        CHECK_FALSE(tokens.take(unit(1, 0, "engine")));
        CHECK(tokens.take(unit(1)));
        tokens.give_back(unit(1, 0, "engine"));
        CHECK(tokens.take(unit(1, 0, "engine")));
    }

    TEST_CASE("one that wants more than there is runs alone")
    {
        for (const Unit& big : {unit(5), unit(1, 1'001)}) {
            Tokens tokens(capacity(4, 1'000));
            CHECK(tokens.take(unit(0.25)));
            CHECK_FALSE(tokens.take(big));
            tokens.give_back(unit(0.25));
            CHECK(tokens.take(big));
            CHECK_FALSE(tokens.take(unit(0.25)));
            CHECK_FALSE(tokens.take(big));
            tokens.give_back(big);
            CHECK(tokens.take(unit(4, 1'000)));
        }
    }

    TEST_CASE("a cache that is locked is one unit's")
    {
        Tokens tokens(capacity(100));
        CHECK(tokens.take(with_cache("a", true)));
        CHECK_FALSE(tokens.take(with_cache("a", true)));
        CHECK(tokens.take(with_cache("b", true)));
        CHECK(tokens.take(with_cache("c", false)));
        CHECK(tokens.take(with_cache("c", false)));
        tokens.give_back(with_cache("a", true));
        CHECK(tokens.take(with_cache("a", true)));
    }

    TEST_CASE("a unit that may not begin takes nothing")
    {
        Tokens tokens(capacity(4, 0, 1));
        CHECK(tokens.take(with_cache("a", true)));
        Unit both = with_cache("b", true);
        both.caches.push_back({"a", "/a", true});
        CHECK_FALSE(tokens.take(both));
        CHECK(tokens.take(with_cache("b", true)));
        CHECK_FALSE(tokens.take(unit(3, 0, "engine")));
        CHECK(tokens.take(unit(2, 0, "engine")));
    }
}

TEST_SUITE("core.graph.ready_units")
{
    TEST_CASE("one whose dependencies are all built is ready")
    {
        const BuildPlan plan = plan_of(4, {{1, 0}, {2, 0}, {3, 1}, {3, 2}});
        ReadyUnits units(plan);
        CHECK(order_of(units) == Places{0});
        units.take(0);
        CHECK(order_of(units).empty());
        units.built(0);
        CHECK(order_of(units) == Places{1, 2});
        units.take(1);
        units.take(2);
        units.built(2);
        CHECK(order_of(units).empty());
        units.built(1);
        CHECK(order_of(units) == Places{3});
    }

    TEST_CASE("long chains come first, then the order of the plan")
    {
        const BuildPlan plan = plan_of(7, {{4, 3}, {5, 4}, {6, 1}});
        const ReadyUnits units(plan);
        CHECK(order_of(units) == Places{3, 1, 0, 2});
    }

    TEST_CASE("what needs a failed one never becomes ready")
    {
        const BuildPlan plan = plan_of(6, {{2, 0}, {3, 1}, {4, 2}, {4, 3}, {5, 3}});
        ReadyUnits units(plan);
        units.take(0);
        units.take(1);
        CHECK(units.failed(0) == Places{2, 4});
        units.built(1);
        CHECK(order_of(units) == Places{3});
        units.take(3);
        units.built(3);
        CHECK(order_of(units) == Places{5});
        units.take(5);
        CHECK(units.failed(5).empty());
    }

    TEST_CASE("what is told once is not told again")
    {
        const BuildPlan plan = plan_of(3, {{2, 0}, {2, 1}});
        ReadyUnits units(plan);
        CHECK(units.failed(0) == Places{2});
        CHECK(units.failed(1).empty());
    }

    TEST_CASE("nothing to do")
    {
        const BuildPlan plan;
        CHECK(order_of(ReadyUnits(plan)).empty());
    }

    TEST_CASE("a long chain fails without a deep stack")
    {
        constexpr std::size_t count = 100'000;
        BuildPlan plan;
        plan.units.resize(count);
        for (std::size_t i = 1; i < count; ++i) {
            plan.units[i].dependencies = {i - 1};
            plan.units[i - 1].dependents = {i};
        }
        ReadyUnits units(plan);
        units.take(0);
        CHECK(units.failed(0).size() == count - 1);
    }

    TEST_CASE("random graphs on random machines")
    {
        std::mt19937 random(3); // NOLINT(cert-msc51-cpp)
        for (int round = 0; round < 200; ++round) {
            CAPTURE(round);
            const std::size_t count = 1 + random() % 40;
            std::vector<std::pair<std::size_t, std::size_t>> needs;
            std::vector<Unit> all;
            for (std::size_t i = 0; i < count; ++i) {
                all.push_back(random_unit(random));
                for (std::size_t k = 0; k < i; ++k) {
                    if (random() % 8 == 0) needs.emplace_back(i, k);
                }
            }
            const BuildPlan plan = plan_of(count, needs);
            const Machine machine{1.0 + below(random, 4), 1'000, 1 + below(random, 2)};
            Tokens tokens(capacity(machine.cpus, machine.memory, machine.network));
            ReadyUnits units(plan);
            std::set<std::size_t> running, built, failed, out;
            while (true) {
                // As the builder does it: whoever is ready and fits.
                for (const std::size_t place : order_of(units)) {
                    if (!tokens.take(all[place])) continue;
                    units.take(place);
                    CHECK(running.insert(place).second);
                    CHECK_FALSE((built.contains(place) || failed.contains(place)));
                    CHECK_FALSE(out.contains(place));
                    for (const std::size_t dependency : plan.units[place].dependencies) {
                        CHECK(built.contains(dependency));
                    }
                    check_shares(all, running, machine);
                }
                if (running.empty()) break; // else whatever is ready could begin
                auto at = running.begin();
                std::advance(at, random() % running.size());
                const std::size_t ended = *at;
                running.erase(at);
                tokens.give_back(all[ended]);
                if (random() % 10 != 0) {
                    built.insert(ended);
                    units.built(ended);
                    continue;
                }
                failed.insert(ended);
                Places expected;
                for (const std::size_t place : dependents_of(plan, ended)) {
                    if (out.insert(place).second) expected.push_back(place);
                }
                CHECK(units.failed(ended) == expected);
            }
            CHECK(order_of(units).empty());
            CHECK(built.size() + failed.size() + out.size() == count);
        }
    }
}
