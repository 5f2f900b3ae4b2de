#include "phrase_watch.hpp"

#include "support/run.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace slipway;
using cli::PhraseWatch;

namespace {

class Collected final : public engine::ByteSink {
public:
    Task<> write(std::string_view data) override
    {
        text += data;
        co_return ok();
    }
    std::string text;
};

constexpr std::array<std::string_view, 2> phrases{"needle", "a longer one"};

bool is_seen(const std::vector<std::string>& pieces)
{
    Collected to;
    PhraseWatch watch(to, phrases);
    std::string all;
    for (const std::string& piece : pieces) {
        all += piece;
        CHECK(test::run(watch.write(piece)));
    }
    CHECK(to.text == all);
    return watch.seen();
}

} // namespace

TEST_SUITE("cli.phrase_watch")
{
    TEST_CASE("a phrase is seen wherever it is cut")
    {
        CHECK(is_seen({"needle"}));
        CHECK(is_seen({std::string(100'000, 'x') + "needle" + std::string(100'000, 'x')}));
        CHECK(is_seen({std::string(100'000, 'x') + "need", "le" + std::string(100'000, 'x')}));
        CHECK(is_seen({"n", "e", "e", "d", "l", "e"}));
        CHECK(is_seen({"x", "a longer", " ", "one", "x"}));
        CHECK(is_seen({"needle", "x"}));
    }

    TEST_CASE("what only looks like one is none")
    {
        CHECK(!is_seen({}));
        CHECK(!is_seen({"needl", "x", "e"}));
        CHECK(!is_seen({"nee", std::string(100'000, 'x'), "dle"}));
        CHECK(!is_seen({"Needle"}));
    }
}
