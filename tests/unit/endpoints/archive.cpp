#include "base64.hpp"
#include "support/fake_transport.hpp"
#include "support/fixture.hpp"
#include "support/run.hpp"
#include "support/tar.hpp"

#include <slipway/engine/archive.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::test;

namespace {

Headers with_stat(std::string value)
{
    Headers headers;
    headers.add("X-Docker-Container-Path-Stat", std::move(value));
    return headers;
}

std::string encoded(std::string_view json)
{
    return base64_url(json);
}

PathStat parsed(std::string_view json)
{
    const auto stat = parse_path_stat(encoded(json));
    REQUIRE(stat.has_value());
    return *stat;
}

} // namespace

TEST_SUITE("engine.archive.path_stat")
{
    TEST_CASE("recorded headers of both engines")
    {
        for (const bool podman : {false, true}) {
            CAPTURE(podman);
            const auto recorded = [&](const std::string& file) {
                const auto stat = parse_path_stat(podman ? podman_reply(file) : docker_reply(file));
                REQUIRE(stat.has_value());
                return *stat;
            };
            const PathStat file = recorded("archive-stat.file.txt");
            CHECK(file.name == "busybox");
            CHECK(file.type == FileType::regular);
            CHECK(file.permissions == 0755);
            CHECK(file.size == 1982256);
            CHECK(file.link_target.empty());
            CHECK(file.modified == std::chrono::sys_time<std::chrono::nanoseconds>());
            CHECK(st_mode(file) == (S_IFREG | 0755));
            const PathStat directory = recorded("archive-stat.directory.txt");
            CHECK(directory.type == FileType::directory);
            CHECK(directory.permissions == 01777);
            CHECK(directory.link_target.empty());
            const PathStat link = recorded("archive-stat.dangling.txt");
            CHECK(link.type == FileType::symlink);
            CHECK(link.link_target == "/nowhere");
            CHECK(st_mode(link) == (S_IFLNK | 0777));
        }
    }

    TEST_CASE("Go's mode bits become a type and permissions")
    {
        struct Row {
            std::uint64_t go;
            FileType type;
            std::uint32_t unix_mode;
        };
        const Row rows[] = {
            {0644, FileType::regular, S_IFREG | 0644U},
            {1ULL << 31 | 0755, FileType::directory, S_IFDIR | 0755U},
            {1ULL << 27 | 0777, FileType::symlink, S_IFLNK | 0777U},
            {1ULL << 26 | 0660, FileType::block_device, S_IFBLK | 0660U},
            {1ULL << 26 | 1ULL << 21 | 0666, FileType::character_device, S_IFCHR | 0666U},
            {1ULL << 25 | 0600, FileType::fifo, S_IFIFO | 0600U},
            {1ULL << 24 | 0700, FileType::socket, S_IFSOCK | 0700U},
            {1ULL << 23 | 0755, FileType::regular, S_IFREG | 04755U},
            {1ULL << 22 | 0755, FileType::regular, S_IFREG | 02755U},
            {1ULL << 31 | 1ULL << 20 | 0777, FileType::directory, S_IFDIR | 01777U},
            {1ULL << 19, FileType::irregular, 0}};
        for (const Row& row : rows) {
            CAPTURE(row.go);
            const PathStat stat = parsed("{\"mode\":" + std::to_string(row.go) + "}");
            CHECK(stat.type == row.type);
            CHECK(st_mode(stat) == row.unix_mode);
            CHECK(stat.permissions == (row.unix_mode & 07777U));
        }
    }

    TEST_CASE("either alphabet is read, padded or not")
    {
        std::string url = encoded(R"({"name":"~~~~~~","mode":420})");
        std::string standard = url;
        std::ranges::replace(standard, '-', '+');
        std::ranges::replace(standard, '_', '/');
        REQUIRE(standard != url);
        for (const std::string& text : {url, standard}) {
            std::string bare = text;
            while (bare.ends_with('=')) {
                bare.pop_back();
            }
            CHECK(parse_path_stat(text)->name == "~~~~~~");
            CHECK(parse_path_stat(bare)->name == "~~~~~~");
        }
    }

    TEST_CASE("a time nobody can hold is none")
    {
        CHECK(!parsed(R"({"mtime":"0001-01-01T00:00:00Z"})").modified.has_value());
        CHECK(!parsed("{}").modified.has_value());
    }

    TEST_CASE("what is no stat is a protocol error")
    {
        for (const std::string& header :
             {std::string(),
              std::string("!"),
              encoded("no json"),
              encoded("[]"),
              encoded(R"({"mode":-1})"),
              encoded(R"({"mode":4294967296})"),
              encoded(R"({"size":"1"})"),
              encoded(R"({"name":1})")}) {
            CAPTURE(header);
            const auto stat = parse_path_stat(header);
            REQUIRE(!stat.has_value());
            CHECK(stat.error().code == Errc::protocol);
        }
    }
}

TEST_SUITE("engine.archive.put")
{
    TEST_CASE("the tar is streamed, and the flags are sent when they are set")
    {
        FakeTransport engine;
        engine.reply(200);
        engine.reply(200, "{}\n");
        REQUIRE(run(Archives(engine).put("box", "/a b", text_source("tar bytes"))).has_value());
        CHECK(engine.calls[0].method == "PUT");
        CHECK(engine.calls[0].target == "/containers/box/archive?path=/a%20b");
        CHECK(engine.calls[0].headers.get("content-type") == "application/x-tar");
        CHECK(engine.calls[0].body == "tar bytes");
        CHECK(!engine.calls[0].deadline.has_value());
        PutArchive options;
        options.no_overwrite_dir_non_dir = true;
        options.copy_uid_gid = true;
        REQUIRE(run(Archives(engine).put("box", "/", text_source(""), options)).has_value());
        CHECK(
            engine.calls[1].target
            == "/containers/box/archive?path=/&noOverwriteDirNonDir=1&copyUIDGID=1"
        );
    }

    TEST_CASE("a source that fails makes the call fail with its error [fault 63]")
    {
        FakeTransport engine;
        engine.reply(200);
        auto source = std::make_shared<ScriptedSource>(
            std::vector<std::string>{"half"}, 100, Error(Errc::io, "the file shrank")
        );
        const auto done = run(Archives(engine).put("box", "/", source));
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::io);
        CHECK(describe(done.error()) == "putting files into / of container box: the file shrank");
        CHECK(!engine.calls[0].body_was_whole);
    }

    TEST_CASE("refusals have a code, and an empty path is refused here")
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("archive-put.404.json"));
        const auto absent = run(Archives(engine).put("nope", "/", text_source("")));
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(absent.error().message == "No such container: nope");
        const auto empty = run(Archives(engine).put("box", "", text_source("")));
        REQUIRE(!empty.has_value());
        CHECK(empty.error().code == Errc::invalid_argument);
        CHECK(engine.calls.size() == 1);
    }

    TEST_CASE("an answer that breaks off is an error too")
    {
        FakeTransport engine;
        engine.stream(200, {"x"}, {}, Error(Errc::truncated, "cut"));
        const auto done = run(Archives(engine).put("box", "/", text_source("")));
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::truncated);
    }
}

TEST_SUITE("engine.archive.get")
{
    TEST_CASE("the stat comes from the header and the tar from the body")
    {
        FakeTransport engine;
        const std::string tar = make_tar({{"busybox", "content"}});
        engine.stream(
            200,
            {tar.substr(0, 700), tar.substr(700)},
            with_stat(docker_reply("archive-stat.file.txt"))
        );
        auto download = run(Archives(engine).get("box", "/bin/busybox"));
        REQUIRE(download.has_value());
        CHECK(engine.calls[0].kind == "open");
        CHECK(engine.calls[0].method == "GET");
        CHECK(engine.calls[0].target == "/containers/box/archive?path=/bin/busybox");
        CHECK(download->stat.name == "busybox");
        std::string bytes;
        StringSink sink(bytes);
        REQUIRE(run(copy(*download->tar, sink)).has_value());
        CHECK(bytes == tar);
    }

    TEST_CASE("a tar that is cut short is an error of its stream, with dockerd's reason behind it")
    {
        const std::string tar = make_tar({{"busybox", "content"}});
        const std::pair<std::string, Errc> table[] = {
            {"", Errc::truncated},
            {tar.substr(0, 600), Errc::truncated},
            {tar.substr(0, 600)
                 + R"({"message":"no space left on device"})"
                   "\n",
             Errc::engine},
            {"<html>" + std::string(600, 'x'), Errc::protocol}};
        for (const auto& [body, code] : table) {
            FakeTransport engine;
            engine.reply(200, body, with_stat(docker_reply("archive-stat.file.txt")));
            auto download = run(Archives(engine).get("box", "/bin/busybox"));
            REQUIRE(download.has_value());
            std::string bytes;
            StringSink sink(bytes);
            const auto copied = run(copy(*download->tar, sink));
            REQUIRE(!copied.has_value());
            CHECK(copied.error().code == code);
            CHECK(copied.error().context.back() == "getting /bin/busybox from container box");
            CHECK(copied.error().answer->route == "/v1.41/containers/box/archive");
        }
    }

    TEST_CASE("without its header the answer is a protocol error, and lets go of its connection")
    {
        FakeTransport engine;
        engine.stream(200, {"tar"});
        const auto download = run(Archives(engine).get("box", "/x"));
        REQUIRE(!download.has_value());
        CHECK(download.error().code == Errc::protocol);
        CHECK(engine.witness->closed);
    }

    TEST_CASE("a path that is not there is not found on both engines")
    {
        FakeTransport engine;
        engine.reply(404, docker_reply("archive-get.404.json"));
        engine.reply(404, podman_reply("archive-get.404.json"));
        for (int i = 0; i < 2; ++i) {
            const auto download = run(Archives(engine).get("box", "/nope"));
            REQUIRE(!download.has_value());
            CHECK(download.error().code == Errc::not_found);
            CHECK(download.error().context.back() == "getting /nope from container box");
        }
    }
}

TEST_SUITE("engine.archive.stat")
{
    TEST_CASE("it asks with HEAD")
    {
        FakeTransport engine;
        engine.reply(200, "", with_stat(podman_reply("archive-stat.directory.txt")));
        const auto stat = run(Archives(engine).stat("box", "/tmp"));
        REQUIRE(stat.has_value());
        CHECK(stat->type == FileType::directory);
        CHECK(engine.calls[0].method == "HEAD");
        CHECK(engine.calls[0].target == "/containers/box/archive?path=/tmp");
    }

    TEST_CASE("a dangling link is a value on dockerd (200) and on podman (404 with the header)")
    {
        FakeTransport engine;
        engine.reply(200, "", with_stat(docker_reply("archive-stat.dangling.txt")));
        engine.reply(404, "", with_stat(podman_reply("archive-stat.dangling.txt")));
        for (int i = 0; i < 2; ++i) {
            const auto stat = run(Archives(engine).stat("box", "/dangling"));
            REQUIRE(stat.has_value());
            CHECK(stat->link_target == "/nowhere");
        }
    }

    TEST_CASE("a 404 without a link's header is not found, although HEAD has no text")
    {
        FakeTransport engine;
        engine.reply(404);
        engine.reply(404, "", with_stat(podman_reply("archive-stat.file.txt")));
        engine.reply(404, "", with_stat("!"));
        for (int i = 0; i < 3; ++i) {
            const auto stat = run(Archives(engine).stat("box", "/nope"));
            REQUIRE(!stat.has_value());
            CHECK(stat.error().code == Errc::not_found);
            CHECK(
                describe(stat.error())
                == "looking at /nope in container box: HTTP 404 from HEAD "
                   "/v1.41/containers/box/archive"
            );
        }
    }
}
