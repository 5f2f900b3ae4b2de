#include "patience.hpp"

#include <doctest/doctest.h>

using namespace slipway::agent;
using namespace std::chrono_literals;

TEST_SUITE("agent.patience")
{
    TEST_CASE("what one has waited is gone for the others, until the end")
    {
        const Patience::Time now{};
        Patience patience;
        CHECK(patience.left(now) == Patience::whole);
        CHECK(patience.left(now + 1h) == Patience::whole);
        patience.begin(now);
        CHECK(patience.left(now) == Patience::whole);
        patience.begin(now + 2s);
        CHECK(patience.left(now + 2s) == Patience::whole - 2s);
        CHECK(patience.left(now + Patience::whole) == Patience::least);
        CHECK(patience.left(now + 1h) == Patience::least);
        patience.end();
        patience.begin(now + 1h);
        CHECK(patience.left(now + 1h) == Patience::whole);
    }
}
