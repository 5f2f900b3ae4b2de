#include "support/run.hpp"
#include "tools.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <latch>

using namespace slipway;
using namespace slipway::test;
namespace asio = boost::asio;
namespace fs = std::filesystem;
using core::EntryType;
using core::SkipReason;

namespace {

bool is_root()
{
    return ::geteuid() == 0;
}

/// Without root a case can only be left out on demand.
bool left_out_without_root()
{
    if (is_root()) return false;
    REQUIRE_MESSAGE(
        std::getenv("SLIPWAY_TEST_NO_ROOT") != nullptr, // NOLINT(concurrency-mt-unsafe)
        "run as root or set SLIPWAY_TEST_NO_ROOT"
    );
    return true;
}

void make_socket(const fs::path& path)
{
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
}

std::vector<std::string> names(const core::Manifest& manifest)
{
    std::vector<std::string> out;
    for (const auto& [path, entry] : manifest.entries) {
        out.push_back(path);
    }
    return out;
}

Result<std::string> pack_result(std::vector<core::PackRoot> roots, core::PackOptions options = {})
{
    return drain(core::pack(std::move(roots), std::move(options)));
}

} // namespace

TEST_SUITE("core.archive.pack")
{
    TEST_CASE("the manifest tells what was sent, in the archive's own paths")
    {
        const TempDir dir;
        fs::create_directory(dir / "d");
        write_file(dir / "d/f", "hello");
        ::chmod((dir / "d/f").c_str(), 04751);
        set_mtime(dir / "d/f", 1'234'567'890'123'456'789);
        fs::create_symlink("../gone", dir / "d/l");
        fs::create_hard_link(dir / "d/f", dir / "d/h");
        REQUIRE(::mkfifo((dir / "d/p").c_str(), 0600) == 0);
        const Packed sent = packed_with_manifest({{dir / "d", "home/me/d"}});
        const auto& entries = sent.manifest->entries;
        CHECK(
            names(*sent.manifest)
            == std::vector<
                std::
                    string>{"home/me/d", "home/me/d/f", "home/me/d/h", "home/me/d/l", "home/me/d/p"}
        );
        const core::ManifestEntry& file = entries.at("home/me/d/f");
        CHECK(file.type == EntryType::file);
        CHECK(file.mode == 04751);
        CHECK(file.size == 5);
        CHECK(file.mtime_ns == 1'234'567'890'123'456'789);
        CHECK(entries.at("home/me/d/h") == file);
        CHECK(entries.at("home/me/d/l").type == EntryType::symlink);
        CHECK(entries.at("home/me/d/l").link_target == "../gone");
        CHECK(entries.at("home/me/d/p").type == EntryType::fifo);
        CHECK(entries.at("home/me/d").type == EntryType::directory);
    }

    TEST_CASE("equal trees give equal archives, whatever the order on disk")
    {
        const TempDir dir;
        for (const char* which : {"1", "2"}) {
            fs::create_directory(dir / which);
            std::vector<std::string> files{"b", "a", "c", "a-b", "B"};
            if (*which == '2') std::reverse(files.begin(), files.end());
            for (const std::string& name : files) {
                write_file(dir / which / name, name);
                set_mtime(dir / which / name, 1'000'000'000'000'000'007);
            }
            set_mtime(dir / which, 1'000'000'000'000'000'000);
        }
        CHECK(packed({{dir / "1", "x"}}) == packed({{dir / "2", "x"}}));
    }

    TEST_CASE("ids are those asked for, also beyond 21 bits [fault 62]")
    {
        const TempDir dir;
        write_file(dir / "f", "");
        core::PackOptions options;
        options.uid = 3'000'000'001;
        options.gid = 2'999'999'999;
        write_file(dir / "t.tar", packed({{dir / "f", "f"}}, options));
        shell(
            "tar --numeric-owner -tvf " + (dir / "t.tar").native() + " > " + (dir / "list").native()
        );
        CHECK(read_file(dir / "list").find("3000000001/2999999999") != std::string::npos);
    }

    TEST_CASE("sockets and devices are left out with a note [fault 60]")
    {
        const TempDir dir;
        fs::create_directory(dir / "t");
        make_socket(dir / "t/socket");
        const bool device = !left_out_without_root();
        if (device) REQUIRE(::mknod((dir / "t/null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
        const Packed sent = packed_with_manifest({{dir / "t", "t"}});
        CHECK(names(*sent.manifest) == std::vector<std::string>{"t"});
        REQUIRE(sent.manifest->skipped.size() == (device ? 2 : 1));
        CHECK(sent.manifest->skipped.back().path == "t/socket");
        CHECK(sent.manifest->skipped.back().reason == SkipReason::socket);
        if (device) CHECK(sent.manifest->skipped.front().reason == SkipReason::device);
    }

    TEST_CASE("the filter prunes, and a tagged cache is left out when asked")
    {
        const TempDir dir;
        fs::create_directories(dir / "t/target/deep");
        fs::create_directories(dir / "t/cache/x");
        fs::create_directories(dir / "t/fake");
        fs::create_directories(dir / "t/link");
        write_file(dir / "t/target/deep/f", "1");
        const std::string tag = "Signature: 8a477f597d28d172789f06886806bc55";
        write_file(dir / "t/cache/CACHEDIR.TAG", tag + "\n# any text");
        write_file(dir / "t/fake/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc56");
        fs::create_symlink("../cache/CACHEDIR.TAG", dir / "t/link/CACHEDIR.TAG");
        write_file(dir / "t/CACHEDIR.TAG", tag); // a root is never left out
        core::PackOptions options;
        options.skip_tagged_caches = true;
        std::vector<std::string> asked;
        options.keep = [&](std::string_view path, EntryType type) {
            asked.emplace_back(path);
            return !(path == "target" && type == EntryType::directory);
        };
        const Packed sent = packed_with_manifest({{dir / "t", "w"}}, options);
        CHECK(
            names(*sent.manifest)
            == std::vector<
                std::
                    string>{"w", "w/CACHEDIR.TAG", "w/fake", "w/fake/CACHEDIR.TAG", "w/link", "w/link/CACHEDIR.TAG"}
        );
        REQUIRE(sent.manifest->skipped.size() == 1);
        CHECK(sent.manifest->skipped[0].path == "w/cache");
        CHECK(sent.manifest->skipped[0].reason == SkipReason::tagged_cache);
        CHECK(std::find(asked.begin(), asked.end(), "target/deep") == asked.end());
        options.skip_tagged_caches = false;
        CHECK(packed_with_manifest({{dir / "t", "w"}}, options)
                  .manifest->entries.contains("w/cache/x"));
    }

    TEST_CASE("extras and several roots travel in one archive")
    {
        const TempDir dir;
        fs::create_directory(dir / "a");
        write_file(dir / "a/f", "1");
        write_file(dir / "single", "2");
        core::PackOptions options;
        options.extras = {
            {"etc/marker", 0600, "mark", EntryType::file, 5'000'000'000},
            {"bin/sh", 0777, "dash", EntryType::symlink},
            {"run/x", 01777, "", EntryType::directory}};
        const Packed sent =
            packed_with_manifest({{dir / "a", ""}, {dir / "single", "in/side"}}, options);
        CHECK(
            names(*sent.manifest)
            == std::vector<std::string>{"bin/sh", "etc/marker", "f", "in/side", "run/x"}
        );
        fs::create_directory(dir / "out");
        REQUIRE(unpacked(sent.tar, dir / "out"));
        CHECK(read_file(dir / "out/etc/marker") == "mark");
        CHECK(read_file(dir / "out/in/side") == "2");
        CHECK(fs::read_symlink(dir / "out/bin/sh") == "dash");
        CHECK(fs::is_directory(dir / "out/run/x"));
    }

    TEST_CASE("a symlink is followed as a root and nowhere else [fault 61]")
    {
        const TempDir dir;
        fs::create_directory(dir / "real");
        fs::create_directory_symlink(".", dir / "real/loop");
        fs::create_directory_symlink(dir / "real", dir / "link");
        const Packed sent = packed_with_manifest({{dir / "link", "w"}});
        CHECK(sent.manifest->entries.at("w").type == EntryType::directory);
        CHECK(sent.manifest->entries.at("w/loop").type == EntryType::symlink);
        CHECK(sent.manifest->entries.size() == 2);
    }

    TEST_CASE("a root that is absent, bad inside names and bad extras are errors")
    {
        const TempDir dir;
        write_file(dir / "f", "");
        const auto absent = pack_result({{dir / "absent", "x"}});
        REQUIRE(!absent.has_value());
        CHECK(absent.error().code == Errc::not_found);
        CHECK(absent.error().message.find((dir / "absent").native()) != std::string::npos);
        for (const std::string inside : {"/abs", "a/../../b", ".."}) {
            CHECK(pack_result({{dir.path(), inside}}).error().code == Errc::invalid_argument);
        }
        CHECK(pack_result({{dir / "f", ""}}).error().code == Errc::invalid_argument);
        make_socket(dir / "s");
        CHECK(pack_result({{dir / "s", "s"}}).error().code == Errc::invalid_argument);
        core::PackOptions options;
        options.extras = {{"../x"}};
        CHECK(pack_result({}, options).error().code == Errc::invalid_argument);
    }

    TEST_CASE("an unreadable file is an error that names it [fault 59]")
    {
        if (left_out_without_root()) return;
        // Root reads everything, so the reader is a child without that right.
        const TempDir dir;
        ::chmod(dir.path().c_str(), 0755);
        write_file(dir / "locked", "x");
        ::chmod((dir / "locked").c_str(), 0);
        const ::pid_t child = ::fork();
        if (child == 0) {
            if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
            const auto got = pack_result({{dir.path(), "w"}});
            const bool right = !got && got.error().code == Errc::permission_denied
                               && got.error().message.find("/locked") != std::string::npos;
            ::_exit(right ? 0 : 1);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }

    TEST_CASE("a file that shrinks, grows or is touched while it is read is an error without an "
              "end [fault 58]")
    {
        for (const std::string change : {"shrinks", "grows", "is touched"}) {
            CAPTURE(change);
            const TempDir dir;
            write_file(dir / "f", std::string(8 << 20U, 'x')); // more than all buffers hold
            set_mtime(dir / "f", 1'000'000'000);
            const auto source = core::pack({{dir / "f", "f"}});
            asio::io_context io;
            std::string got(4096, '\0');
            REQUIRE(run(io, source->read(got)).has_value());
            if (change == "shrinks") fs::resize_file(dir / "f", 5 << 20U);
            if (change == "grows") fs::resize_file(dir / "f", 9 << 20U);
            if (change == "is touched") set_mtime(dir / "f", 2'000'000'000);
            std::string all;
            Result<std::size_t> last = 1;
            while ((last = run(io, source->read(got))) && *last > 0) {
                all.append(got, 0, *last);
            }
            REQUIRE(!last.has_value());
            CHECK(last.error().code == Errc::io);
            CHECK(last.error().message.find((dir / "f").native()) != std::string::npos);
            CHECK(!last.error().hint.empty());
            CHECK(source->manifest().error().code == Errc::invalid_argument);
            CHECK(!all.ends_with(std::string(1024, '\0')));
        }
    }

    TEST_CASE("a file that vanished before it was opened is left out with a note [fault 58]")
    {
        const TempDir dir;
        fs::create_directory(dir / "t");
        write_file(dir / "t/a", "1");
        write_file(dir / "t/b", "2");
        fs::create_directory(dir / "t/c");
        core::PackOptions options;
        options.keep = [&](std::string_view path, EntryType) {
            if (path == "b" || path == "c") fs::remove(dir.path() / "t" / path);
            return true;
        };
        const Packed sent = packed_with_manifest({{dir / "t", "t"}}, options);
        CHECK(names(*sent.manifest) == std::vector<std::string>{"t", "t/a"});
        REQUIRE(sent.manifest->skipped.size() == 2);
        CHECK(sent.manifest->skipped[0].path == "t/b");
        CHECK(sent.manifest->skipped[0].reason == SkipReason::vanished);
        CHECK(sent.manifest->skipped[1].path == "t/c");
    }

    TEST_CASE("a file that turned into a symlink is not followed")
    {
        const TempDir dir;
        fs::create_directory(dir / "t");
        write_file(dir / "t/f", "1");
        write_file(dir / "secret", "secret");
        core::PackOptions options;
        options.keep = [&](std::string_view, EntryType) {
            fs::remove(dir / "t/f");
            fs::create_symlink(dir / "secret", dir / "t/f");
            return true;
        };
        const auto got = pack_result({{dir / "t", "t"}}, options);
        REQUIRE(!got.has_value());
        CHECK(got.error().message.find("/t/f") != std::string::npos);
    }

    TEST_CASE("a source that is dropped early, or never read, stops its thread")
    {
        const TempDir dir;
        write_file(dir / "f", std::string(8 << 20U, 'x'));
        for (int round = 0; round < 20; ++round) {
            const auto unread = core::pack({{dir / "f", "f"}});
            CHECK(unread->manifest().error().code == Errc::invalid_argument);
            const auto source = core::pack({{dir / "f", "f"}});
            std::string some(1000, '\0');
            CHECK(run(source->read(some)).has_value());
        }
    }

    TEST_CASE("cancelling a read leaves the source usable")
    {
        const TempDir dir;
        write_file(dir / "f", "1");
        std::latch go(1);
        core::PackOptions options;
        options.keep = [&](std::string_view, EntryType) {
            go.wait();
            return true;
        };
        const auto source = core::pack({{dir.path(), ""}}, options);
        asio::io_context io;
        asio::cancellation_signal cancel;
        std::string some(1000, '\0');
        std::optional<Result<std::size_t>> got;
        asio::co_spawn(
            io,
            source->read(some),
            asio::bind_cancellation_slot(
                cancel.slot(),
                [&](std::exception_ptr thrown, Result<std::size_t> result) {
                    CHECK(!thrown);
                    got.emplace(std::move(result));
                }
            )
        );
        io.poll();
        cancel.emit(asio::cancellation_type::terminal);
        io.restart();
        io.run();
        REQUIRE(got);
        CHECK(got->error().code == Errc::cancelled);
        go.count_down();
        CHECK(drain(source).has_value());
    }

    TEST_CASE("a filter that throws is an error of the read")
    {
        const TempDir dir;
        write_file(dir / "f", "1");
        core::PackOptions options;
        options.keep = [](std::string_view, EntryType) -> bool { throw std::runtime_error("oh"); };
        const auto got = pack_result({{dir.path(), ""}}, options);
        REQUIRE(!got.has_value());
        CHECK(got.error().code == Errc::internal);
    }
}
