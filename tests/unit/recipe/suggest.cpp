#include <slipway/core/suggest.hpp>

#include <doctest/doctest.h>

using namespace slipway::core;

TEST_SUITE("core.suggest")
{
    TEST_CASE("edit_distance")
    {
        CHECK(edit_distance("", "") == 0);
        CHECK(edit_distance("", "abc") == 3);
        CHECK(edit_distance("abc", "") == 3);
        CHECK(edit_distance("doctor", "doctor") == 0);
        CHECK(edit_distance("doctr", "doctor") == 1);
        CHECK(edit_distance("dcotor", "doctor") == 1); // two neighbours swapped
        CHECK(edit_distance("kitten", "sitting") == 3);
    }

    TEST_CASE("nearest finds what was meant, and nothing where nothing is near")
    {
        const std::vector<std::string> commands{"run", "cargo", "images", "doctor", "version"};
        CHECK(nearest("dcotor", commands) == "doctor");
        CHECK(nearest("image", commands) == "images");
        CHECK(nearest("rn", commands) == "run");
        CHECK(nearest("ver", commands) == "version"); // the start of a word
        CHECK(!nearest("deploy", commands));
        CHECK(!nearest("", commands));
        CHECK(!nearest("x", {}));
    }

    TEST_CASE("of two words the nearer one is taken")
    {
        CHECK(
            nearest(
                "aarch64-unknown-linux-gnu",
                {"aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnux"}
            )
            == "aarch64-unknown-linux-gnux"
        );
    }

    TEST_CASE("a part of a triple stands for it")
    {
        const std::vector<std::string> targets{
            "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"};
        CHECK(nearest("aarch64", targets) == "aarch64-unknown-linux-gnu");
        CHECK(nearest("aarch64-linux-gnu", targets) == "aarch64-unknown-linux-gnu");
        CHECK(!nearest("riscv64gc", targets));
    }
}
