#include "http/custom_headers.hpp"
#include "unit/discovery/home.hpp"

#include <slipway/engine/http_headers.hpp>

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::engine;
using slipway::test::Home;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Error refused(const Headers& headers)
{
    const auto sent = custom_headers(headers);
    REQUIRE(!sent.has_value());
    return sent.error();
}

Headers one(std::string name, std::string value)
{
    Headers headers;
    headers.add(std::move(name), std::move(value));
    return headers;
}

} // namespace

TEST_SUITE("engine.http_headers")
{
    TEST_CASE("those of docker's file, without those that docker sets itself")
    {
        const Home home;
        home.write(".docker/config.json", R"({"auths":{},"HttpHeaders":{
            "X-Meta":"a b","authorization":"Bearer hunter2","User-Agent":"evil","host":"evil",
            "x-registry-auth":"e30=","X-REGISTRY-CONFIG":"e30=","Content-Length":"7",
            "Transfer-Encoding":"chunked","Connection":"close","Empty":""}})");
        const auto headers = read_http_headers(home.environment);
        REQUIRE_MESSAGE(headers.has_value(), describe(headers.error()));
        CHECK(
            headers->all()
            == Fields{{"Empty", ""}, {"X-Meta", "a b"}, {"authorization", "Bearer hunter2"}}
        );
    }

    TEST_CASE("the file of DOCKER_CONFIG")
    {
        Home home;
        home.write("other/config.json", R"({"HttpHeaders":{"A":"b"}})");
        CHECK(read_http_headers(home.environment)->all().empty());
        home.set("DOCKER_CONFIG", (home.path / "other").string());
        CHECK(read_http_headers(home.environment)->get("a") == "b");
        CHECK(read_http_headers(Environment())->all().empty());
    }

    TEST_CASE("a file that is broken is an error that names the place, without its values")
    {
        const std::pair<const char*, const char*> table[] = {
            {R"({"HttpHeaders":{"A":["hunter2"]}})", "$.HttpHeaders.A is not a string"},
            {R"({"HttpHeaders":"hunter2"})", "$.HttpHeaders is not an object"},
            {R"({"HttpHeaders":{"A":"hunter2\r\nX-Evil: 1"}})",
             "$.HttpHeaders: the header \"A\" has a line break or control character in its value"},
            {R"({"HttpHeaders":{"A: b":"hunter2"}})",
             "$.HttpHeaders: \"A: b\" cannot name a header of HTTP"}};
        for (const auto& [text, message] : table) {
            const Home home;
            const auto file = home.write(".docker/config.json", text);
            const auto headers = read_http_headers(home.environment);
            REQUIRE(!headers.has_value());
            CHECK(headers.error().code == Errc::invalid_argument);
            CHECK(headers.error().message == file.string() + ": " + message);
        }
    }

    TEST_CASE("what HTTP does not allow, reserved or not")
    {
        for (const char* name : {"", "a b", "a:", "a\r\nb", "\xc3\xa4", "a(b)"}) {
            CAPTURE(std::string(name));
            CHECK(refused(one(name, "hunter2")).code == Errc::invalid_argument);
            CHECK(describe(refused(one(name, "hunter2"))).find("hunter2") == std::string::npos);
        }
        for (const char* value : {"hunter2\r", "hunter2\n", "hunter2\x7f", "hunter2\x01"}) {
            const Error error = refused(one("Host", value));
            CHECK(error.code == Errc::invalid_argument);
            CHECK(describe(error).find("hunter2") == std::string::npos);
        }
        CHECK(refused(one("A", std::string("b\0c", 3))).code == Errc::invalid_argument);
        CHECK(custom_headers(one("A!#$%&'*+-.^_`|~9", "b\tc \xc3\xa4")).has_value());
    }

    TEST_CASE("of two spellings of a name the first is sent")
    {
        Headers headers = one("X-A", "1");
        headers.add("x-a", "2");
        CHECK(custom_headers(headers)->all() == Fields{{"X-A", "1"}});
    }
}
