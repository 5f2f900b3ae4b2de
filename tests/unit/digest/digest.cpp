#include <slipway/core/digest.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace slipway::core;

TEST_SUITE("core.digest")
{
    TEST_CASE("digests are those of FIPS 180-4's examples")
    {
        CHECK(
            to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        CHECK(
            to_hex(sha256("abc"))
            == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        CHECK(
            to_hex(sha256(std::string(1'000'000, 'a')))
            == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }

    TEST_CASE("pieces of any size give the digest of the whole, again and again")
    {
        std::string text;
        for (int i = 0; i < 5'000; ++i) {
            text += static_cast<char>(i * i % 251);
        }
        Sha256Hasher hasher;
        for (std::size_t piece = 1; piece < 200; piece += 7) {
            for (std::size_t at = 0; at < text.size(); at += piece) {
                hasher.add(std::string_view(text).substr(at, piece));
            }
            CHECK(hasher.finish() == sha256(text));
        }
        CHECK(hasher.finish() == sha256(""));
    }

    TEST_CASE("one that was moved from is as a new one")
    {
        Sha256Hasher from;
        from.add("ab");
        Sha256Hasher to(std::move(from));
        from.add("xyz"); // NOLINT(bugprone-use-after-move): that is what is tested
        to.add("c");
        CHECK(to.finish() == sha256("abc"));
        CHECK(from.finish() == sha256("xyz"));
        from.add("left");
        to = std::move(from);
        CHECK(from.finish() == sha256("")); // NOLINT(bugprone-use-after-move)
        CHECK(to.finish() == sha256("left"));
    }

    TEST_CASE("only 64 lower-case digits are a digest")
    {
        const std::string hex = to_hex(sha256("abc"));
        CHECK(sha256_from_hex(hex) == sha256("abc"));
        CHECK_FALSE(sha256_from_hex(""));
        CHECK_FALSE(sha256_from_hex(hex.substr(1)));
        CHECK_FALSE(sha256_from_hex(hex + "0"));
        for (const char wrong : {'A', 'g', 'x', ' ', '\0', '/', ':', '`'}) {
            for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{63}}) {
                std::string bad = hex;
                bad[at] = wrong;
                CHECK_FALSE(sha256_from_hex(bad));
            }
        }
    }
}
