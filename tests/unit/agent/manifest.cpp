#include "sha256.hpp"
#include "trees.hpp"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <map>
#include <string>

using namespace slipway;
using namespace slipway::test;
using agent::EntryKind;

namespace fs = std::filesystem;

namespace {

std::map<std::string, agent::Entry> by_path(const Outcome& manifest)
{
    REQUIRE(manifest.err == "");
    REQUIRE(manifest.exited(0));
    std::map<std::string, agent::Entry> out;
    for (agent::Entry& entry : entries_of(manifest.out)) {
        out.emplace(entry.path, entry);
    }
    return out;
}

bool is(const agent::Entry& entry, EntryKind kind)
{
    return entry.kind == static_cast<std::uint8_t>(kind);
}

std::string hex(std::string_view bytes)
{
    std::string out;
    for (const char byte : bytes) {
        constexpr std::string_view digits = "0123456789abcdef";
        out += digits[static_cast<unsigned char>(byte) >> 4U];
        out += digits[static_cast<unsigned char>(byte) & 15U];
    }
    return out;
}

} // namespace

TEST_SUITE("agent.manifest")
{
    TEST_CASE("it tells what stands there, of every kind")
    {
        const TempDirectory top;
        write(top.path() / "file", "hello");
        set_time(top.path() / "file", -2, 500'000'000);
        fs::permissions(top.path() / "file", fs::perms(04751));
        fs::create_hard_link(top.path() / "file", top.path() / "same");
        fs::create_symlink("no where\n", top.path() / "link");
        REQUIRE(::mkfifo((top.path() / "fifo").c_str(), 0600) == 0);
        const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (top.path() / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::close(listener);
        TreeSession session;
        const auto entries = by_path(session.manifest(top.path(), {path(".")}));
        REQUIRE(entries.size() == 6);
        CHECK(is(entries.at("."), EntryKind::directory));
        const agent::Entry& file = entries.at("file");
        CHECK(is(file, EntryKind::file));
        CHECK(file.mode == 04751);
        CHECK(file.uid == ::geteuid());
        CHECK(file.gid == status_of(top.path() / "file").st_gid);
        CHECK(file.size == 5);
        CHECK(file.mtime_ns == -1'500'000'000);
        CHECK(file.links == 2);
        CHECK(file.digest.empty());
        CHECK(file.inode == entries.at("same").inode);
        CHECK(file.file_system == entries.at("same").file_system);
        CHECK(is(entries.at("link"), EntryKind::symlink));
        CHECK(entries.at("link").link_target == "no where\n");
        CHECK(is(entries.at("fifo"), EntryKind::fifo));
        CHECK(is(entries.at("socket"), EntryKind::socket));

        const auto devices = by_path(session.manifest("/dev", {path("null")}));
        const agent::Entry& null = devices.at("null");
        CHECK(is(null, EntryKind::character_device));
        CHECK(null.major == 1);
        CHECK(null.minor == 3);
    }

    TEST_CASE("digests are those of the bytes")
    {
        const TempDirectory top;
        fs::create_directory(top.path() / "d");
        write(top.path() / "d" / "empty", "");
        write(top.path() / "d" / "abc", "abc");
        write(top.path() / "d" / "big", std::string(1'000'000, 'a'));
        TreeSession session;
        const auto sha =
            by_path(session.manifest(top.path(), {path("d")}, agent::DigestKind::sha256));
        CHECK(sha.at("d").digest.empty());
        // FIPS 180-4
        CHECK(
            hex(sha.at("d/empty").digest)
            == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        CHECK(
            hex(sha.at("d/abc").digest)
            == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        CHECK(
            hex(sha.at("d/big").digest)
            == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
        const auto xxh3 =
            by_path(session.manifest(top.path(), {path("d")}, agent::DigestKind::xxh3));
        CHECK(hex(xxh3.at("d/empty").digest) == "99aa06d3014798d86001c324468d497f");
        CHECK(hex(xxh3.at("d/abc").digest) == "06b05ab6733a618578af5f94892f3950");
    }

    TEST_CASE("a digest is the same however its bytes are cut")
    {
        const std::string text(300, 'x');
        agent::Sha256 whole;
        whole.add(text);
        const std::string wanted = whole.finish();
        for (std::size_t first = 0; first <= 130; ++first) {
            agent::Sha256 cut;
            cut.add(std::string_view(text).substr(0, first));
            cut.add(std::string_view(text).substr(first));
            CHECK(cut.finish() == wanted);
        }
    }

    TEST_CASE("one walk, however large the tree is")
    {
        const TempDirectory top;
        constexpr int directories = 50;
        constexpr int files = 40;
        for (int d = 0; d < directories; ++d) {
            const fs::path directory = top.path() / ("d" + std::to_string(d));
            fs::create_directory(directory);
            for (int f = 0; f < files; ++f) {
                write(directory / ("f" + std::to_string(f)), "x");
            }
        }
        TreeSession session;
        const auto all = by_path(
            session.manifest(top.path(), {glob("**"), glob("**/f1*"), glob("d1/*"), path("d2")})
        );
        CHECK(all.size() == directories * (files + 1));
    }
}
