#include "sandbox/masked_sink.hpp"

#include "support/run.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::core;

namespace {

std::string masked(std::vector<std::string> words, const std::vector<std::string>& pieces)
{
    std::string said;
    engine::StringSink to(said);
    MaskedSink sink(to, std::move(words));
    for (const std::string& piece : pieces) {
        CHECK(test::run(sink.write(piece)).has_value());
    }
    CHECK(test::run(sink.flush()).has_value());
    return said;
}

} // namespace

TEST_SUITE("core.sandbox.masked_sink")
{
    TEST_CASE("a word is stars, however it comes")
    {
        const std::string text = "a secret, secsecret and secre.";
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            CAPTURE(cut);
            CHECK(
                masked({"secret"}, {text.substr(0, cut), text.substr(cut)})
                == "a ***, sec*** and secre."
            );
        }
    }

    TEST_CASE("words that begin with one another, and empty ones")
    {
        CHECK(masked({"abc", "abcdef", ""}, {"abcdef abcd", "x"}) == "*** ***dx");
        CHECK(masked({""}, {"text"}) == "text");
        CHECK(masked({}, {"text"}) == "text");
    }

    TEST_CASE("the begin of a word at the end is not told either")
    {
        CHECK(masked({"secret"}, {"a sec"}) == "a ***");
    }
}
