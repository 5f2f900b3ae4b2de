#include "conformance/lab.hpp"
#include "conformance/tar_entries.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

// What a tar can say survives the way in and out, as far as the engine lets it.

namespace {

TarEntry file(std::string path, std::string content)
{
    TarEntry entry;
    entry.path = std::move(path);
    entry.content = std::move(content);
    return entry;
}

TarEntry link(Kind kind, std::string path, std::string target)
{
    TarEntry entry;
    entry.path = std::move(path);
    entry.kind = kind;
    entry.permissions = 0777;
    entry.target = std::move(target);
    return entry;
}

void put(Lab& lab, const std::string& id, const std::vector<TarEntry>& entries)
{
    lab.must(lab.archives.put(id, "/tmp", engine::text_source(write_tar(entries))));
}

std::map<std::string, TarEntry> get(Lab& lab, const std::string& id, const std::string& path)
{
    auto download = lab.must(lab.archives.get(id, path));
    return read_tar(
        lab.read(std::shared_ptr<engine::ResponseStream>(std::move(download.tar)), false).out
    );
}

TarEntry directory(std::string path)
{
    TarEntry entry;
    entry.path = std::move(path);
    entry.kind = Kind::directory;
    entry.permissions = 0755;
    return entry;
}

} // namespace

TEST_SUITE("Archive")
{
    TEST_CASE("files in, looked at, and out again")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto big = pattern(std::size_t{3} << 20U);
        const auto tar = make_tar({{"hello.txt", "hello\n"}, {"big", big}});
        lab.must(lab.archives.put(id, "/tmp", engine::text_source(tar)));
        const auto stat = lab.must(lab.archives.stat(id, "/tmp/hello.txt"));
        CHECK(stat.name == "hello.txt");
        CHECK(stat.size == 6);
        CHECK(stat.permissions == 0644);
        CHECK(lab.must(lab.archives.stat(id, "/tmp")).type == engine::FileType::directory);

        auto download = lab.must(lab.archives.get(id, "/tmp/big"));
        CHECK(download.stat.size == static_cast<std::int64_t>(big.size()));
        const auto bytes =
            lab.read(std::shared_ptr<engine::ResponseStream>(std::move(download.tar)), false);
        CHECK(bytes.out.find(big) != std::string::npos);

        CHECK(lab.refused(lab.archives.stat(id, "/tmp/none")).code == Errc::not_found);
        CHECK(lab.refused(lab.archives.get(id, "/tmp/none")).code == Errc::not_found);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("changes, and all files as a tar")
    {
        Lab lab;
        const auto id = lab.create(lab.spec(
            {"sh", "-c", "echo hi > /made; mkdir -p /tmp/d; rm /bin/arch; echo > /gone; rm /gone"}
        ));
        CHECK(lab.must(lab.containers.changes(id)).empty());
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        CHECK(lab.exit_code(id) == 0);
        const auto changes = lab.must(lab.containers.changes(id));
        const auto kind_of = [&](std::string_view path) -> std::optional<engine::ChangeKind> {
            const auto found = std::ranges::find(changes, path, &engine::FileChange::path);
            if (found == changes.end()) return std::nullopt;
            return found->kind;
        };
        CHECK(kind_of("/made") == engine::ChangeKind::added);
        CHECK(kind_of("/tmp/d") == engine::ChangeKind::added);
        CHECK(kind_of("/bin") == engine::ChangeKind::modified);
        CHECK(kind_of("/bin/arch") == engine::ChangeKind::deleted);
        CHECK(!kind_of("/gone").has_value());

        const auto tar = lab.read(
            std::shared_ptr<engine::ResponseStream>(lab.must(lab.containers.export_files(id))),
            false
        );
        CHECK(contains(tar.out, "made"));
        CHECK(tar.out.size() > 1'000'000);
        lab.remove(id);
        CHECK(lab.refused(lab.containers.changes(id)).code == Errc::not_found);
        CHECK(lab.refused(lab.containers.export_files(id)).code == Errc::not_found);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("names: long, of any language, of no encoding, with a line break")
    {
        Lab lab;
        const auto id = lab.idle();
        const std::string part(120, 'p');
        const std::vector<std::string> names{
            part,
            std::string(255, 'n'),
            "d" + part + "/" + part + "/" + part + "/deep", // more than a path of ustar holds
            "\xC3\xA4\xE6\x97\xA5\xF0\x9F\x98\x80",         // UTF-8
            "no\xFF\xFEutf8",
            "line\nbreak",
            " space ",
            "-dash",
        };
        std::vector<TarEntry> entries{directory("t")};
        for (const auto& name : names) {
            entries.push_back(file("t/" + name, "of " + name));
        }
        put(lab, id, entries);
        const auto back = get(lab, id, "/tmp/t");
        for (const auto& name : names) {
            CAPTURE(name);
            REQUIRE(back.contains("t/" + name));
            CHECK(back.at("t/" + name).content == "of " + name);
            if (name.find('/') == std::string::npos) {
                CHECK(
                    lab.must(lab.archives.stat(id, "/tmp/t/" + name)).size
                    == 3 + static_cast<std::int64_t>(name.size())
                );
            }
        }
        lab.remove(id);
    }

    TEST_CASE("modes, and times to the nanosecond")
    {
        Lab lab;
        const auto id = lab.idle();
        auto setuid = file("t/setuid", "x");
        setuid.permissions = 04755;
        auto precise = file("t/precise", "x");
        precise.nanoseconds = 123'456'789;
        auto sticky = directory("t/sticky");
        sticky.permissions = 01777;
        put(lab, id, {directory("t"), setuid, precise, sticky});
        const auto back = get(lab, id, "/tmp/t");
        CHECK(back.at("t/setuid").permissions == 04755);
        CHECK(back.at("t/sticky").permissions == 01777);
        CHECK(back.at("t/precise").seconds == precise.seconds);
        CHECK(back.at("t/precise").nanoseconds == 0); // every engine cuts them on the way out
        const auto stat = lab.must(lab.archives.stat(id, "/tmp/t/setuid"));
        CHECK(stat.permissions == 04755);
        const auto modified = *lab.must(lab.archives.stat(id, "/tmp/t/precise")).modified;
        // Podman rounds to microseconds.
        const auto sent = std::chrono::nanoseconds(1'600'000'000'123'456'789);
        CHECK(std::chrono::abs(modified.time_since_epoch() - sent) < std::chrono::microseconds(1));
        lab.remove(id);
    }

    TEST_CASE("owners by number")
    {
        Lab lab;
        const auto id = lab.idle();
        auto theirs = file("t/theirs", "x");
        theirs.uid = 1234;
        theirs.gid = 2345;
        put(lab, id, {directory("t"), theirs});
        CHECK(lab.in(id, "stat -c %u:%g /tmp/t/theirs") == "1234:2345\n");
        const auto back = get(lab, id, "/tmp/t").at("t/theirs");
        const bool lost = differs(
            lab,
            &engine::Traits::get_archive_loses_owners,
            "gives all files to the container's user"
        );
        CHECK(back.uid == (lost ? 0 : 1234));
        CHECK(back.gid == (lost ? 0 : 2345));
        lab.remove(id);
    }

    TEST_CASE("symbolic links: relative, absolute, dangling; and hard links")
    {
        Lab lab;
        const auto id = lab.idle();
        put(lab,
            id,
            {directory("t"),
             file("t/file", "content"),
             link(Kind::symlink, "t/relative", "file"),
             link(Kind::symlink, "t/absolute", "/tmp/t/file"),
             link(Kind::symlink, "t/dangling", "no-such-file"),
             link(Kind::hard_link, "t/hard", "t/file")});
        CHECK(
            lab.in(id, "cd /tmp/t; cat relative absolute hard; stat -c %h file")
            == "contentcontentcontent2\n"
        );
        for (const auto& [name, target] : std::map<std::string, std::string>{
                 {"relative", "file"}, {"absolute", "/tmp/t/file"}, {"dangling", "no-such-file"}}) {
            const std::string path = "/tmp/t/" + name;
            CAPTURE(path);
            const auto stat = lab.must(lab.archives.stat(id, path));
            CHECK(stat.type == engine::FileType::symlink);
            CHECK(contains(stat.link_target, target)); // podman resolves it
        }
        const auto back = get(lab, id, "/tmp/t");
        CHECK(back.at("t/relative").target == "file");
        CHECK(back.at("t/absolute").target == "/tmp/t/file");
        CHECK(back.at("t/dangling").target == "no-such-file");
        const bool file_first = back.at("t/hard").kind == Kind::hard_link;
        const auto& second = back.at(file_first ? "t/hard" : "t/file");
        CHECK(second.kind == Kind::hard_link);
        CHECK(second.target == (file_first ? "t/file" : "t/hard"));
        lab.remove(id);
    }

    TEST_CASE("devices and fifos")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        const auto id = lab.idle();
        TarEntry fifo = file("t/fifo", "");
        fifo.kind = Kind::fifo;
        put(lab, id, {directory("t"), fifo});
        CHECK(lab.must(lab.archives.stat(id, "/tmp/t/fifo")).type == engine::FileType::fifo);
        CHECK(get(lab, id, "/tmp/t").at("t/fifo").kind == Kind::fifo);

        TarEntry null = file("null", "");
        null.kind = Kind::character_device;
        null.device_major = 1;
        null.device_minor = 3;
        const auto tar = write_tar({null});
        const auto done = run(lab.io, lab.archives.put(id, "/tmp/t", engine::text_source(tar)));
        if (differs(is_rootless(info), "rootless", "makes no devices")) {
            const auto made = run(lab.io, lab.archives.stat(id, "/tmp/t/null"));
            CHECK((!done || !made || made->type != engine::FileType::character_device));
        } else {
            REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
            CHECK(
                lab.must(lab.archives.stat(id, "/tmp/t/null")).type
                == engine::FileType::character_device
            );
            const auto back = get(lab, id, "/tmp/t").at("t/null");
            CHECK(back.kind == Kind::character_device);
            CHECK(back.device_major == 1);
            CHECK(back.device_minor == 3);
        }
        lab.remove(id);
    }

    TEST_CASE("extended attributes: the capability of a file")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        const auto id = lab.idle();
        // VFS_CAP_REVISION_2, CAP_NET_RAW permitted and effective
        const std::string capability(
            "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20
        );
        auto able = file("t/able", "x");
        able.xattrs["security.capability"] = capability;
        put(lab, id, {directory("t"), able});
        const auto back = get(lab, id, "/tmp/t").at("t/able").xattrs;
        if (differs(is_rootless(info), "rootless", "adds the user's number to a capability")) {
            CHECK(back.contains("security.capability"));
        } else {
            REQUIRE(back.contains("security.capability"));
            CHECK(back.at("security.capability") == capability);
        }
        lab.remove(id);
    }

    TEST_CASE("many small files, in and out")
    {
        Lab lab;
        const auto id = lab.idle();
        const int count = sized(2'000, 20'000);
        std::vector<TarEntry> entries{directory("t")};
        for (int i = 0; i < count; ++i) {
            entries.push_back(file("t/" + std::to_string(i), std::to_string(i * 7)));
        }
        put(lab, id, entries);
        const auto back = get(lab, id, "/tmp/t");
        CHECK(back.size() == static_cast<std::size_t>(count) + 1);
        for (int i = 0; i < count; ++i) {
            const auto found = back.find("t/" + std::to_string(i));
            REQUIRE(found != back.end());
            REQUIRE(found->second.content == std::to_string(i * 7));
        }
        lab.remove(id);
    }
}
