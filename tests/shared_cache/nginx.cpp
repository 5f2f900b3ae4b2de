#include "unit/cache/support.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

using namespace slipway;
using namespace slipway::test;

namespace {

std::string variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string plain(const std::string& path)
{
    return "http://" + variable("SLIPWAY_TEST_WEBDAV") + path;
}
std::string secure(const std::string& path)
{
    return "https://" + variable("SLIPWAY_TEST_WEBDAV_TLS") + path;
}
std::filesystem::path on_disk(const std::string& path)
{
    return variable("SLIPWAY_TEST_WEBDAV_ROOT") + path;
}
std::string contents(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string percent_encoded(const std::string& text)
{
    std::string out;
    for (const char c : text) {
        char piece[4];
        std::snprintf(
            piece, sizeof piece, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c))
        );
        out += piece;
    }
    return out;
}

std::string random_bytes(std::size_t size)
{
    std::mt19937_64 random(size); // NOLINT: the same each time
    std::string out(size, '\0');
    for (char& c : out)
        c = static_cast<char>(random());
    return out;
}

std::string object(std::string_view directory, std::string_view name)
{
    return path_of(directory, name).substr(std::string("/cache").size());
}

} // namespace

TEST_SUITE("core.cache.nginx")
{
    TEST_CASE("what one stores another finds, byte by byte")
    {
        for (const std::string where : {"/open", "/open/a/b%20c", "/bare/one", "/bare"}) {
            CAPTURE(where);
            CacheRig one(plain(where));
            CacheRig other(plain(where));
            for (const std::size_t size : {0U, 1U, 1000U, 65'536U, 65'537U, 300'000U, 1'048'576U}) {
                CAPTURE(size);
                const std::string bytes = random_bytes(size);
                const std::string name = "round trip " + std::to_string(size);
                for (const Kind kind : {Kind::result, Kind::blob, Kind::note}) {
                    CHECK(!other.get(name, kind));
                    one.put(name, bytes, kind);
                    const bool same = other.get(name, kind) == bytes;
                    CHECK(same);
                }
            }
            CHECK(one.cache->report().last_failure == "");
            CHECK(one.cache->report().stored == 21);
            CHECK(other.cache->report().found == 21);
            CHECK(other.cache->report().missed == 21);
            CHECK(other.cache->report().failed == 0);
        }
        CHECK(contents(on_disk("/open/a/b c" + object("blobs", "round trip 1"))).size() == 1);
    }

    TEST_CASE("large ones, over HTTP and HTTPS")
    {
        const std::string bytes = random_bytes(50U << 20U);
        for (const std::string& url : {plain("/open/large"), secure("/open/large-tls")}) {
            CAPTURE(url);
            CacheRig rig(url, [](SharedCacheOptions& options) {
                options.ca = variable("SLIPWAY_TEST_WEBDAV_CA");
            });
            const StopWatch watch;
            rig.put("large", bytes, Kind::blob);
            const auto put = watch.passed();
            const bool same = rig.get("large", Kind::blob, bytes.size()) == bytes;
            CHECK(same);
            MESSAGE(
                url << ": 50 MiB put in " << put.count() << " ms, got in "
                    << (watch.passed() - put).count() << " ms"
            );
            CHECK(!rig.get("large", Kind::blob, bytes.size() - 1));
            CHECK(contains(rig.cache->report().last_failure, "more than 52428799 bytes"));
            CHECK(rig.cache->report().failed == 1);
        }
    }

    TEST_CASE("a blob that is there is not sent again")
    {
        const std::string bytes = random_bytes(100'000);
        const auto file = on_disk("/open" + object("blobs", "twice"));
        CacheRig rig(plain("/open"));
        rig.put("twice", bytes, Kind::blob);
        const auto written = std::filesystem::last_write_time(file);
        CacheRig again(plain("/open"));
        again.put("twice", bytes, Kind::blob);
        CHECK(again.cache->report().stored == 0);
        CHECK(std::filesystem::last_write_time(file) == written);
        // A damaged one is replaced by who has found it so.
        std::ofstream(file, std::ios::binary) << std::string(100'000, 'x');
        CacheRig third(plain("/open"));
        CHECK(third.get("twice", Kind::blob) == std::string(100'000, 'x'));
        third.put("twice", bytes, Kind::blob);
        CHECK(third.cache->report().stored == 1);
        const bool healed = contents(file) == bytes;
        CHECK(healed);
    }

    TEST_CASE("many at once, while directories are made")
    {
        CacheRig rig(plain("/bare/many/at/once"));
        const auto executor = rig.io.get_executor();
        const auto all = [&]() -> Task<> {
            std::vector<engine::Child> children;
            for (int i = 0; i < 400; ++i) {
                const auto one = [](std::shared_ptr<SharedCache> cache, int number) -> Task<> {
                    const std::string name = "many " + std::to_string(number);
                    CO_CHECK(co_await cache->put(Kind::result, name_of(name), name));
                    CO_TRY(const auto got, co_await cache->get(Kind::result, name_of(name), 100));
                    if (got != name) co_return fail(Errc::internal, "not there");
                    co_return ok();
                };
                children.emplace_back(executor, one(rig.cache, i));
            }
            for (auto& child : children) {
                CO_CHECK(co_await child.join());
            }
            co_return ok();
        };
        const auto done = run(rig.io, all());
        CHECK(rig.cache->report().last_failure == "");
        REQUIRE(done);
        CHECK(rig.cache->report().stored == 400);
    }

    TEST_CASE("Basic")
    {
        const std::string password = variable("SLIPWAY_TEST_WEBDAV_PASSWORD");
        const auto with = [](const std::string& login) {
            std::string url = plain("/auth/x");
            return url.insert(url.find("//") + 2, login);
        };
        CacheRig good(with("tester:" + percent_encoded(password) + "@"));
        good.put("a", "bytes");
        CHECK(good.get("a") == "bytes");
        CHECK(good.cache->report().failed == 0);
        for (const std::string login : {"", "tester@", "tester:Wr0ng-one@", "nobody:Wr0ng-one@"}) {
            CAPTURE(login);
            CacheRig bad(with(login));
            bad.put("b", "bytes");
            for (int i = 0; i < 4; ++i) {
                CHECK(!bad.get("a"));
            }
            const auto report = bad.cache->report();
            CHECK(report.failed == 4);
            CHECK(contains(report.left_alone, "HTTP 401: it wants a user and a password"));
            CHECK(!contains(report.left_alone + report.last_failure, "Wr0ng-one"));
            CHECK(!std::filesystem::exists(on_disk("/auth/x" + object("results", "b"))));
        }
    }

    TEST_CASE("HTTPS: by its authority alone, and with Basic")
    {
        const auto trusting = [](const char* ca) {
            return [ca](SharedCacheOptions& options) { options.ca = variable(ca); };
        };
        CacheRig good(secure("/open/tls"), trusting("SLIPWAY_TEST_WEBDAV_CA"));
        good.put("a", "bytes");
        CHECK(good.get("a") == "bytes");
        for (const char* ca : {"SLIPWAY_TEST_WEBDAV_WRONG_CA", ""}) {
            CacheRig bad(secure("/open/tls"), trusting(ca));
            CHECK(!bad.get("a"));
            CHECK(contains(bad.cache->report().last_failure, "certificate is not trusted"));
        }
        std::string url = secure("/auth/tls");
        const std::string password = percent_encoded(variable("SLIPWAY_TEST_WEBDAV_PASSWORD"));
        CacheRig both(
            url.insert(url.find("//") + 2, "tester:" + password + "@"),
            trusting("SLIPWAY_TEST_WEBDAV_CA")
        );
        both.put("a", "bytes");
        CHECK(both.get("a") == "bytes");
        // Without TLS where it is due, and the other way round.
        CacheRig confused("http://" + variable("SLIPWAY_TEST_WEBDAV_TLS") + "/open");
        CHECK(!confused.get("a"));
        CHECK(contains(confused.cache->report().last_failure, "HTTP 400"));
        CacheRig other("https://" + variable("SLIPWAY_TEST_WEBDAV") + "/open");
        CHECK(!other.get("a"));
        CHECK(contains(other.cache->report().last_failure, "TLS"));
    }

    TEST_CASE("what nginx refuses")
    {
        CacheRig large(plain("/bare/large"));
        for (int i = 0; i < 4; ++i) {
            large.put("large", random_bytes(3U << 20U));
        }
        CHECK(contains(large.cache->report().last_failure, "HTTP 413: the object is too large"));
        large.put("small", "bytes");
        CHECK(large.get("small") == "bytes");
        CHECK(large.cache->report().left_alone == "");
        CHECK(large.cache->report().not_written == "");

        CacheRig closed(plain("/readonly"));
        std::filesystem::create_directories(
            on_disk("/readonly" + object("results", "a")).parent_path()
        );
        std::ofstream(on_disk("/readonly" + object("results", "a"))) << "bytes";
        for (int i = 0; i < 4; ++i) {
            closed.put("b" + std::to_string(i), "bytes");
        }
        CHECK(contains(closed.cache->report().not_written, "HTTP 405: it does not take files"));
        CHECK(closed.get("a") == "bytes");

        CacheRig moved(plain("/moved"));
        CHECK(!moved.get("a"));
        CHECK(contains(moved.cache->report().last_failure, "HTTP 301: it redirects"));
    }

    TEST_CASE("a server that stops in the middle of it does not keep anybody")
    {
        const int pid = std::stoi(variable("SLIPWAY_TEST_WEBDAV_PID"));
        CacheRig rig(plain("/open"), short_limits);
        rig.put("here", "bytes");
        CHECK(rig.get("here") == "bytes");
        const auto executor = rig.io.get_executor();
        REQUIRE(::kill(pid, SIGSTOP) == 0);
        const StopWatch watch;
        const auto all = [&]() -> Task<> {
            std::vector<engine::Child> children;
            for (int i = 0; i < 200; ++i) {
                const auto one = [](std::shared_ptr<SharedCache> cache) -> Task<> {
                    CO_TRY(const auto got, co_await cache->get(Kind::result, name_of("here"), 100));
                    if (got) co_return fail(Errc::internal, "found");
                    co_return co_await cache->put(Kind::result, name_of("new"), "bytes");
                };
                children.emplace_back(executor, one(rig.cache));
            }
            for (auto& child : children) {
                CO_CHECK(co_await child.join());
            }
            co_return ok();
        };
        const auto done = run(rig.io, all());
        const auto passed = watch.passed();
        REQUIRE(::kill(pid, SIGCONT) == 0);
        CHECK(done);
        CHECK(passed >= 2s);
        CHECK(passed < 3500ms);
        CHECK(contains(rig.cache->report().left_alone, "2 s"));
        CHECK(!rig.get("here")); // for this process, though it is back
        CacheRig next(plain("/open"));
        CHECK(next.get("here") == "bytes");
    }
}
