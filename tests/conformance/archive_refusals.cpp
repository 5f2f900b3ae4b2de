#include "conformance/lab.hpp"
#include "conformance/tar_entries.hpp"

using namespace slipway;
using namespace slipway::test;

namespace {

// Gives the first half of a text, then fails.
class HalfSource final : public engine::ByteSource {
public:
    explicit HalfSource(const std::string& text)
        : first_(engine::text_source(text.substr(0, text.size() / 2)))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        CO_TRY(const std::size_t n, co_await first_->read(into));
        if (n == 0) co_return fail(Errc::permission_denied, "cannot read the rest");
        co_return n;
    }

private:
    std::shared_ptr<engine::ByteSource> first_;
};

Result<> put(Lab& lab, const std::string& id, const std::string& path, const std::string& tar)
{
    return run(lab.io, lab.archives.put(id, path, engine::text_source(tar)));
}

std::string small_tar()
{
    return make_tar({{"file", "content"}});
}

Task<std::uint64_t> drain(std::shared_ptr<engine::ByteSource> source)
{
    class Nowhere final : public engine::ByteSink {
    public:
        Task<> write(std::string_view /*data*/) override { co_return ok(); }
    } nowhere;
    co_return co_await engine::copy(*source, nowhere);
}

} // namespace

TEST_SUITE("Archive")
{
    TEST_CASE("files into a directory that is not there")
    {
        Lab lab;
        const auto id = lab.idle();
        // Large enough that an early refusal meets a body that is still on its way.
        const auto tar = make_tar({{"big", pattern(std::size_t{8} << 20U)}});
        const auto done = put(lab, id, "/no/such", tar);
        if (differs(lab, &engine::Traits::put_archive_makes_directories, "makes the directory")) {
            CHECK(done.has_value());
        } else {
            REQUIRE(!done);
            CHECK_MESSAGE(done.error().code == Errc::not_found, describe(done.error()));
        }
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("HEAD on what is not there is refused by its status alone")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto head = [&](const std::string& container, const std::string& path) {
            engine::Request request("HEAD", "/containers/" + container + "/archive");
            request.query("path", path);
            return lab.raw(std::move(request));
        };
        const auto there = head(id, "/etc/passwd");
        CHECK(there.status == 200);
        CHECK(there.headers.has("X-Docker-Container-Path-Stat"));
        for (const auto& [container, path] :
             {std::pair{id, "/no/such"}, {unique_name("none"), "/etc"}}) {
            CAPTURE(path);
            const auto absent = head(container, path);
            CHECK(absent.status == 404);
            CHECK(absent.body.empty());
            // The connection goes on with the next answer, whatever length this one told.
            CHECK(head(id, "/etc/passwd").status == 200);
            const auto error = lab.refused(lab.archives.stat(container, path));
            CHECK(error.code == Errc::not_found);
            CHECK_MESSAGE(contains(describe(error), path), describe(error));
        }
        const auto no_path = head(id, "");
        CHECK(no_path.status >= 400);
        CHECK(no_path.body.empty());
        lab.remove(id);
        CHECK(head(id, "/etc/passwd").status == 404);
    }

    TEST_CASE("an archive whose source fails is the source's error")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto tar = make_tar({{"big", pattern(std::size_t{4} << 20U)}});
        const auto error =
            lab.refused(lab.archives.put(id, "/tmp", std::make_shared<HalfSource>(tar)));
        CHECK(error.code == Errc::permission_denied);
        CHECK(error.message == "cannot read the rest");
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("upload packed by gzip")
    {
        Lab lab;
        const auto id = lab.idle();
        TarEntry entry;
        entry.path = "packed";
        entry.content = pattern(100'000);
        REQUIRE(put(lab, id, "/tmp", write_tar({entry}, Packing::gzip)));
        CHECK(lab.must(lab.archives.stat(id, "/tmp/packed")).size == 100'000);
        lab.remove(id);
    }

    TEST_CASE("upload packed by zstd")
    {
        Lab lab;
        const auto id = lab.idle();
        TarEntry entry;
        entry.path = "packed";
        entry.content = pattern(100'000);
        const auto done = put(lab, id, "/tmp", write_tar({entry}, Packing::zstd));
        if (lacks(lab, &engine::Traits::put_archive_takes_zstd, "knows no zstd")) {
            CHECK(!done);
        } else {
            REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
            CHECK(lab.must(lab.archives.stat(id, "/tmp/packed")).size == 100'000);
        }
        lab.remove(id);
    }

    TEST_CASE("upload to what is a file")
    {
        Lab lab;
        const auto id = lab.idle();
        CHECK(!put(lab, id, "/etc/passwd", small_tar()));
        CHECK(lab.must(lab.archives.stat(id, "/etc/passwd")).type == engine::FileType::regular);
        lab.remove(id);
        CHECK(
            lab.refused(lab.archives.put(id, "/", engine::text_source(small_tar()))).code
            == Errc::not_found
        );
    }

    TEST_CASE("upload to a read-only root, and to a volume of it")
    {
        Lab lab;
        auto spec = lab.spec({"sleep", "600"});
        spec.host.readonly_rootfs = true;
        engine::Mount mount;
        mount.type = "volume";
        mount.target = "/data";
        mount.volume.emplace();
        mount.volume->labels = lab.labels();
        spec.host.mounts.push_back(mount);
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        CHECK(!put(lab, id, "/etc", small_tar()));
        REQUIRE(put(lab, id, "/data", small_tar()));
        CHECK(lab.in(id, "cat /data/file") == "content");
        lab.remove(id);
    }

    TEST_CASE("upload to a container that never ran, and to one that has ended")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"true"}));
        REQUIRE(put(lab, id, "/tmp", make_tar({{"before", "x"}})));
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        CHECK(lab.exit_code(id) == 0);
        // Podman is "stopped" first and unmounts its files then, under those of an upload too.
        wait_until([&] { return lab.must(lab.containers.inspect(id)).state.status == "exited"; });
        const auto after = put(lab, id, "/tmp", make_tar({{"after", "x"}}));
        if (!after) FAIL(describe(after.error()));
        CHECK(lab.must(lab.archives.stat(id, "/tmp/before")).size == 1);
        CHECK(lab.must(lab.archives.stat(id, "/tmp/after")).size == 1);
        lab.remove(id);
    }

    TEST_CASE("a tar that is cut inside a file is refused, and between files it is not")
    {
        // The latter is the reason why `put` drops the connection when its source fails.
        Lab lab;
        const auto id = lab.idle();
        CHECK(!put(lab, id, "/tmp", make_tar({{"cut", pattern(100'000)}}).substr(0, 50'000)));
        TarHeader header;
        header.name = "whole";
        CHECK(put(lab, id, "/tmp", tar_entry(header, "content")).has_value());
        CHECK(lab.must(lab.archives.stat(id, "/tmp/whole")).size == 7);
        lab.remove(id);
    }

    TEST_CASE("an entry that leads out of the directory")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto done = put(lab, id, "/tmp", make_tar({{"../outside", "x"}}));
        if (differs(
                lab, &engine::Traits::put_archive_clamps_parents, "puts `../x` inside the directory"
            )) {
            CHECK(done.has_value());
            CHECK(lab.must(lab.archives.stat(id, "/tmp/outside")).size == 1);
        } else {
            CHECK(!done);
        }
        CHECK(lab.refused(lab.archives.stat(id, "/outside")).code == Errc::not_found);
        lab.remove(id);
    }

    TEST_CASE("a directory over a file, where that is forbidden")
    {
        Lab lab;
        const auto id = lab.idle();
        REQUIRE(put(lab, id, "/tmp", small_tar()));
        TarEntry entry;
        entry.path = "file";
        entry.kind = Kind::directory;
        entry.permissions = 0755;
        engine::PutArchive options;
        options.no_overwrite_dir_non_dir = true;
        CHECK(!run(
            lab.io, lab.archives.put(id, "/tmp", engine::text_source(write_tar({entry})), options)
        ));
        CHECK(lab.must(lab.archives.stat(id, "/tmp/file")).type == engine::FileType::regular);
        lab.remove(id);
    }

    TEST_CASE("a large file up, in flat memory")
    {
        Lab lab;
        const auto id = lab.idle();
        const std::uint64_t size = sized(std::uint64_t{64} << 20U, std::uint64_t{1} << 30U) + 5;
        const MemoryGrowth growth;
        lab.must(lab.archives.put(id, "/tmp", tar_of_one("large", pattern(1'000'003), size)));
        CHECK(growth.peak_bytes() < stream_memory);
        CHECK(
            lab.must(lab.archives.stat(id, "/tmp/large")).size == static_cast<std::int64_t>(size)
        );
        lab.remove(id);
    }

    TEST_CASE("a sparse file down, in flat memory: past 8 GiB its size is no octal number")
    {
        Lab lab;
        const auto id = lab.idle();
        const std::uint64_t size = sized(std::uint64_t{256} << 20U, std::uint64_t{9} << 30U);
        lab.in(id, "truncate -s " + std::to_string(size) + " /tmp/sparse");
        auto download = lab.must(lab.archives.get(id, "/tmp/sparse"));
        CHECK(download.stat.size == static_cast<std::int64_t>(size));
        const MemoryGrowth growth;
        const auto bytes =
            lab.must(drain(std::shared_ptr<engine::ResponseStream>(std::move(download.tar))));
        CHECK(bytes >= size + std::size_t{3} * 512);
        CHECK(growth.peak_bytes() < stream_memory);
        lab.remove(id);
    }
}
