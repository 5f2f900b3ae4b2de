#include "support/run.hpp"
#include "tools.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

using namespace slipway;
using namespace slipway::test;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// A place with a directory to unpack into and a file beside it that nobody may touch.
struct Yard {
    TempDir dir;
    fs::path into = dir / "into";
    fs::path outside = dir / "outside";

    Yard()
    {
        fs::create_directory(into);
        fs::create_directory(outside);
        write_file(outside / "secret", "untouched");
    }
    void check_outside() const
    {
        CHECK(read_file(outside / "secret") == "untouched");
        CHECK(std::distance(fs::directory_iterator(outside), {}) == 1);
        CHECK(std::distance(fs::directory_iterator(dir.path()), {}) == 2);
    }
};

void check_no_temporaries(const fs::path& dir)
{
    for (const auto& entry : fs::recursive_directory_iterator(dir)) {
        CHECK_MESSAGE(
            !entry.path().filename().native().starts_with(".slipway-"), entry.path().native()
        );
    }
}

/// Gives its text and then never ends.
class Endless final : public engine::ByteSource {
public:
    explicit Endless(std::string text) : text_(std::move(text)) {}
    Task<std::size_t> read(std::span<char> into) override
    {
        if (text_.empty()) {
            asio::steady_timer never(co_await asio::this_coro::executor);
            never.expires_at(asio::steady_timer::time_point::max());
            boost::system::error_code ignored;
            co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            co_return fail(Errc::cancelled, "cancelled");
        }
        const std::size_t count = std::min(into.size(), text_.size());
        text_.copy(into.data(), count);
        text_.erase(0, count);
        co_return count;
    }

private:
    std::string text_;
};

} // namespace

TEST_SUITE("core.archive.unpack.hostile")
{
    TEST_CASE("names that lead out are refused [fault 45]")
    {
        for (const std::string name :
             {"../outside/secret",
              "/outside/secret",
              "a/../../outside/secret",
              "..",
              "a/..",
              "/",
              "",
              "./../outside/secret"}) {
            CAPTURE(name);
            for (const std::string& tar :
                 {raw_file(name, "bad"),
                  raw_dir(name),
                  raw_symlink(name, "x"),
                  raw_pax({{"path", name.empty() ? "/" : name}}) + raw_file("innocent", "bad"),
                  raw_file("ok", "1") + raw_hard_link("l", name)}) {
                const Yard yard;
                const auto done = unpacked(tar + raw_end(), yard.into);
                REQUIRE(!done.has_value());
                CHECK(done.error().code == Errc::protocol);
                yard.check_outside();
            }
        }
    }

    TEST_CASE(
        "a GNU long name that leads out is refused, one that does not is used whole [fault 49]"
    )
    {
        const Yard yard;
        const auto long_name = [](const std::string& name) {
            Raw raw;
            raw.name = "././@LongLink";
            raw.type = 'L';
            raw.size = name.size() + 1;
            return raw_header(raw) + raw_padded(name + '\0');
        };
        CHECK(
            !unpacked(long_name("../outside/secret") + raw_file("x", "bad") + raw_end(), yard.into)
        );
        const std::string deep = std::string(120, 'a') + '/' + std::string(200, 'b');
        REQUIRE(unpacked(long_name(deep) + raw_file("x", "good") + raw_end(), yard.into));
        CHECK(read_file(yard.into / deep) == "good");
        yard.check_outside();
    }

    TEST_CASE("dots and doubled slashes are taken off, a backslash is a letter [fault 45]")
    {
        const Yard yard;
        const auto done = unpacked(
            raw_dir("./") + raw_file("./a//b/./c", "1") + raw_file("C:\\x", "2") + raw_end(),
            yard.into
        );
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(read_file(yard.into / "a/b/c") == "1");
        CHECK(read_file(yard.into / "C:\\x") == "2");
    }

    TEST_CASE("nothing is written through a symlink of the archive [fault 46]")
    {
        for (const std::string& tar :
             {raw_symlink("l", "../outside") + raw_file("l/secret", "bad"),
              raw_symlink("l", "../outside") + raw_dir("l/sub/"),
              raw_symlink("l", "../outside") + raw_symlink("l/secret", "x"),
              raw_symlink("a", "..") + raw_symlink("a/b", "outside")
                  + raw_file("a/b/secret", "bad"),
              raw_dir("d/") + raw_symlink("d/l", "../../outside") + raw_file("d/l/secret", "bad"),
              raw_symlink("l", "../outside/secret") + raw_hard_link("h", "l")
                  + raw_file("h/x", "bad")}) {
            const Yard yard;
            const auto done = unpacked(tar + raw_end(), yard.into);
            REQUIRE(!done.has_value());
            CHECK(done.error().code == Errc::protocol);
            yard.check_outside();
        }
    }

    TEST_CASE("a file in the place of a symlink replaces the symlink, not its target [fault 46]")
    {
        const Yard yard;
        const auto done = unpacked(
            raw_symlink("l", "../outside/secret") + raw_file("l", "new") + raw_end(), yard.into
        );
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(read_file(yard.into / "l") == "new");
        yard.check_outside();
    }

    TEST_CASE("nothing is written through a symlink that was there before")
    {
        const Yard yard;
        fs::create_directory_symlink(yard.outside, yard.into / "l");
        const auto done = unpacked(raw_file("l/secret", "bad") + raw_end(), yard.into);
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::conflict);
        CHECK(done.error().message.find("symlink") != std::string::npos);
        CHECK(!done.error().hint.empty());
        yard.check_outside();
    }

    TEST_CASE("hard links lead only to earlier entries of the archive [fault 47]")
    {
        for (const std::string& tar :
             {raw_hard_link("h", "../outside/secret"),
              raw_hard_link("h", "there"),
              raw_hard_link("h", "later") + raw_file("later", "1"),
              raw_dir("d/") + raw_hard_link("h", "d"),
              raw_symlink("l", "../outside") + raw_hard_link("h", "l/secret")}) {
            const Yard yard;
            write_file(yard.into / "there", "mine");
            const auto done = unpacked(tar + raw_end(), yard.into);
            REQUIRE(!done.has_value());
            CHECK(done.error().code == Errc::protocol);
            CHECK(!fs::exists(fs::symlink_status(yard.into / "h")));
            yard.check_outside();
        }
    }

    TEST_CASE("a hard link to a symlink links the symlink itself [fault 47]")
    {
        const Yard yard;
        const auto done = unpacked(
            raw_symlink("l", "../outside/secret") + raw_hard_link("h", "l") + raw_end(), yard.into
        );
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(fs::is_symlink(fs::symlink_status(yard.into / "h")));
        CHECK(fs::hard_link_count(yard.outside / "secret") == 1);
    }

    TEST_CASE("a hard link that is there already leaves no temporary name")
    {
        const Yard yard;
        write_file(yard.into / "x", "1");
        for (int round = 0; round < 2; ++round) {
            REQUIRE(unpacked(
                raw_file("f", "1") + raw_hard_link("g", "f") + raw_hard_link("g", "f")
                    + raw_hard_link("f", "f") + raw_end(),
                yard.into
            ));
        }
        CHECK(fs::hard_link_count(yard.into / "f") == 2);
        check_no_temporaries(yard.into);
    }

    TEST_CASE("devices are skipped and a fifo is made [fault 48]")
    {
        const Yard yard;
        Raw device{"null", '3', 0, 0666};
        Raw block{"sda", '4', 0, 0666};
        Raw fifo{"pipe", '6', 0, 0640};
        const auto done = unpacked(
            raw_header(device) + raw_header(block) + raw_header(fifo) + raw_end(), yard.into
        );
        REQUIRE(done.has_value());
        REQUIRE(done->skipped.size() == 2);
        CHECK(done->skipped[0].reason == core::SkipReason::device);
        CHECK(!fs::exists(yard.into / "null"));
        struct stat status {};
        REQUIRE(::lstat((yard.into / "pipe").c_str(), &status) == 0);
        CHECK(status.st_mode == (S_IFIFO | 0640U));
    }

    TEST_CASE("the same path thrice: the last one wins, and a full directory does not go [fault 50]"
    )
    {
        const Yard yard;
        REQUIRE(unpacked(
            raw_file("p", "1") + raw_dir("p/") + raw_symlink("p", "../outside") + raw_end(),
            yard.into
        ));
        CHECK(fs::is_symlink(fs::symlink_status(yard.into / "p")));
        const auto full = unpacked(
            raw_dir("q/") + raw_file("q/f", "1") + raw_symlink("q", "../outside") + raw_end(),
            yard.into
        );
        REQUIRE(!full.has_value());
        CHECK(full.error().code == Errc::conflict);
        CHECK(read_file(yard.into / "q/f") == "1");
        yard.check_outside();
    }

    TEST_CASE(
        "pax records that override size, path and link are obeyed within the limits [fault 49]"
    )
    {
        const Yard yard;
        Raw big{"x", '0', 0};
        REQUIRE(unpacked(
            raw_pax({{"size", "3"}, {"path", "real"}}) + raw_header(big) + raw_padded("abc")
                + raw_pax({{"comment", "for all"}}, 'g') + raw_file("next", "1") + raw_end(),
            yard.into
        ));
        CHECK(read_file(yard.into / "real") == "abc");
        CHECK(read_file(yard.into / "next") == "1");
        for (const std::string size :
             {"-1", "-512", "99999999999999999999", "9223372036854775807"}) {
            CAPTURE(size);
            const auto done =
                unpacked(raw_pax({{"size", size}}) + raw_file("bad", "abc") + raw_end(), yard.into);
            CHECK(!done.has_value());
            CHECK(!fs::exists(yard.into / "bad"));
        }
    }

    TEST_CASE("a base-256 size beyond the bytes is a truncated archive [fault 49]")
    {
        const Yard yard;
        std::string header = raw_header({"huge", '0', 0});
        header.replace(124, 12, std::string("\x80\0\0\0\0\0\0\x7f\0\0\0\0", 12));
        header.replace(148, 8, 8, ' ');
        unsigned sum = 0;
        for (const char c : header) {
            sum += static_cast<unsigned char>(c);
        }
        std::array<char, 16> text{};
        std::snprintf(text.data(), text.size(), "%06o", sum);
        header.replace(148, 7, text.data(), 7);
        const auto done = unpacked(header + raw_padded("abc"), yard.into);
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::truncated);
        CHECK(fs::is_empty(yard.into));
    }

    TEST_CASE("sparse maps: a sound one is followed, a lying one is refused [fault 49]")
    {
        const auto sparse =
            [](const std::string& map, const std::string& real, const std::string& bytes) {
                return raw_pax(
                           {{"GNU.sparse.major", "1"},
                            {"GNU.sparse.minor", "0"},
                            {"GNU.sparse.name", "s"},
                            {"GNU.sparse.realsize", real}}
                       )
                       + raw_file("GNUSparseFile.0/s", raw_padded(map) + bytes) + raw_end();
            };
        const Yard yard;
        REQUIRE(unpacked(sparse("1\n10\n3\n", "20", "abc"), yard.into));
        CHECK(read_file(yard.into / "s") == std::string(10, '\0') + "abc" + std::string(7, '\0'));
        fs::remove(yard.into / "s");
        for (const std::string map :
             {"1\n18\n3\n",
              "2\n10\n1\n5\n1\n",
              "1\n-5\n3\n",
              "1\n9223372036854775807\n3\n",
              "99\n1\n1\n",
              "nonsense\n"}) {
            CAPTURE(map);
            CHECK(!unpacked(sparse(map, "20", "abc"), yard.into).has_value());
            CHECK(!fs::exists(yard.into / "s"));
            CHECK(!unpacked(sparse(map, "-20", "abc"), yard.into).has_value());
        }
        const auto old = [](const std::string& numbytes) {
            return raw_pax(
                       {{"GNU.sparse.size", "20"},
                        {"GNU.sparse.numblocks", "1"},
                        {"GNU.sparse.offset", "3"},
                        {"GNU.sparse.numbytes", numbytes}}
                   )
                   + raw_file("s", "abc") + raw_end();
        };
        CHECK(!unpacked(old("-5"), yard.into).has_value());
        // A map that promises more than there is gives what there is, in the size of the file.
        REQUIRE(unpacked(old("99"), yard.into).has_value());
        CHECK(read_file(yard.into / "s") == std::string(3, '\0') + "abc" + std::string(14, '\0'));
        check_no_temporaries(yard.into);
    }

    TEST_CASE("a wrong checksum is refused [fault 56]")
    {
        const Yard yard;
        std::string tar = raw_file("a", "1") + raw_file("b", "2") + raw_end();
        tar[1024] = 'X';
        const auto done = unpacked(tar, yard.into);
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::protocol);
        CHECK(!fs::exists(yard.into / "b"));
    }

    TEST_CASE("what is no tar is refused")
    {
        const Yard yard;
        CHECK(unpacked("", yard.into).error().code == Errc::truncated);
        CHECK(unpacked("x", yard.into).error().code == Errc::truncated);
        CHECK(unpacked(std::string(5000, 'x'), yard.into).error().code == Errc::protocol);
        const auto json = unpacked("{\"message\":\"no such file\"}\n", yard.into);
        REQUIRE(!json.has_value());
        CHECK(json.error().code == Errc::engine);
        CHECK(json.error().message.find("no such file") != std::string::npos);
    }

    TEST_CASE("a compressed archive is refused and not inflated, whatever is in it [fault 57]")
    {
        const Yard yard;
        const TempDir made;
        write_file(made / "bomb", raw_file("zeros", std::string(64U << 20U, '\0')) + raw_end());
        for (const std::string tool : {"gzip", "bzip2", "xz"}) {
            CAPTURE(tool);
            shell(tool + " -c " + (made / "bomb").native() + " > " + (made / tool).native());
            const std::string small = read_file(made / tool);
            CHECK(small.size() < 100'000);
            const auto done = unpacked(small, yard.into);
            REQUIRE(!done.has_value());
            // bzip2 needs less than one block of a tar.
            const Errc code = small.size() < 512 ? Errc::truncated : Errc::protocol;
            CHECK_MESSAGE(done.error().code == code, describe(done.error()));
            CHECK(fs::is_empty(yard.into));
        }
    }

    TEST_CASE("names that differ in case alone are two files where the file system has two "
              "[fault 55]")
    {
        const Yard yard;
        const auto done = unpacked(
            raw_file("Makefile", "1") + raw_file("makefile", "2") + raw_dir("MAKEFILE/")
                + raw_file("MAKEFILE/x", "3") + raw_end(),
            yard.into
        );
        REQUIRE_MESSAGE(done.has_value(), describe(done.error()));
        CHECK(done->written.size() == 4);
        CHECK(read_file(yard.into / "Makefile") == "1");
        CHECK(read_file(yard.into / "makefile") == "2");
        CHECK(read_file(yard.into / "MAKEFILE/x") == "3");
    }

    TEST_CASE("zeros may follow the end, text is shown, other bytes are refused [fault 52]")
    {
        const Yard yard;
        const std::string tar = raw_file("a", "1") + raw_end();
        for (const std::size_t zeros : {1U, 511U, 512U, 9216U, 300'000U}) {
            CHECK(unpacked(tar + std::string(zeros, '\0'), yard.into).has_value());
        }
        const std::string text = "{\"message\":\"lstat /x: no such file\"}\n";
        for (const std::size_t zeros : {0U, 512U, 200'000U}) {
            const auto done = unpacked(tar + std::string(zeros, '\0') + text, yard.into);
            REQUIRE(!done.has_value());
            CHECK(done.error().code == Errc::engine);
            CHECK(done.error().message.ends_with(": {\"message\":\"lstat /x: no such file\"}"));
        }
        const auto more = unpacked(tar + raw_file("b", "1") + raw_end(), yard.into);
        REQUIRE(!more.has_value());
        CHECK(more.error().code == Errc::protocol);
        CHECK(!fs::exists(yard.into / "b"));
    }

    TEST_CASE("text in the middle of an archive is shown [fault 52]")
    {
        const Yard yard;
        const std::string text = "{\"message\":\"the disk is gone\"}\n";
        for (const std::string& tar :
             {raw_file("a", "1") + text,
              raw_file("a", "1") + raw_file("b", std::string(5000, 'b')).substr(0, 1500) + text,
              raw_file("a", "1") + std::string(512, '\0') + text}) {
            const auto done = unpacked(tar, yard.into);
            REQUIRE(!done.has_value());
            CHECK(done.error().code == Errc::engine);
            CHECK(done.error().message.find("the disk is gone") != std::string::npos);
            CHECK(!fs::exists(yard.into / "b"));
        }
    }

    TEST_CASE("a cut at any byte is an error and leaves no part of a file [fault 51]")
    {
        const std::string big(3000, 'x');
        const std::string tar =
            raw_dir("d/") + raw_file("d/a", big) + raw_pax({{"path", "d/zeros"}})
            + raw_file("z", std::string(2048, '\0')) + raw_hard_link("d/h", "d/a")
            + raw_symlink("d/l", "a") + raw_file("last", "end") + raw_end();
        std::vector<std::size_t> cuts{1, 100, 511};
        for (std::size_t at = 512; at < tar.size(); at += 512) {
            cuts.insert(cuts.end(), {at - 1, at, at + 1, at + 257});
        }
        for (const std::size_t cut : cuts) {
            if (cut >= tar.size()) continue;
            CAPTURE(cut);
            const Yard yard;
            const auto done = unpacked(tar.substr(0, cut), yard.into);
            REQUIRE(!done.has_value());
            CHECK(done.error().code == Errc::truncated);
            check_no_temporaries(yard.into);
            for (const auto& [name, size] : std::map<std::string, std::size_t>{
                     {"d/a", 3000}, {"d/zeros", 2048}, {"d/h", 3000}, {"last", 3}}) {
                if (fs::exists(yard.into / name)) CHECK(fs::file_size(yard.into / name) == size);
            }
        }
        const Yard yard;
        CHECK(unpacked(tar, yard.into).has_value());
    }

    TEST_CASE("one byte at a time gives the same tree")
    {
        const std::string tar = raw_dir("d/") + raw_file("d/a", std::string(3000, 'x'))
                                + raw_pax({{"path", "d/long"}}) + raw_file("z", "1") + raw_end();
        const Yard slow;
        const Yard fast;
        REQUIRE(run(core::unpack(pieces(tar, 1), slow.into, {})).has_value());
        REQUIRE(unpacked(tar, fast.into).has_value());
        CHECK(snapshot(slow.into) == snapshot(fast.into));
    }

    TEST_CASE("many empty files [fault 53]")
    {
        const Yard yard;
        std::string tar;
        for (int i = 0; i < 20'000; ++i) {
            tar += raw_file("d" + std::to_string(i % 7) + "/f" + std::to_string(i), "");
        }
        const auto done = unpacked(tar + raw_end(), yard.into);
        REQUIRE(done.has_value());
        CHECK(done->written.size() == 20'000);
    }

    TEST_CASE("a full disk is an error with a hint and leaves nothing half-written [fault 54]")
    {
        const Yard yard;
        if (::mount("tmpfs", yard.into.c_str(), "tmpfs", 0, "size=1m") != 0) {
            REQUIRE_MESSAGE(
                std::getenv("SLIPWAY_TEST_NO_ROOT") != nullptr, // NOLINT(concurrency-mt-unsafe)
                "no tmpfs could be mounted: run as root or set SLIPWAY_TEST_NO_ROOT"
            );
            return;
        }
        const auto done = unpacked(
            raw_file("small", "1") + raw_file("big", std::string(3 << 20U, 'x')) + raw_end(),
            yard.into
        );
        const bool small = fs::exists(yard.into / "small");
        const bool big = fs::exists(yard.into / "big");
        check_no_temporaries(yard.into);
        REQUIRE(::umount2(yard.into.c_str(), MNT_DETACH) == 0);
        REQUIRE(!done.has_value());
        CHECK(done.error().code == Errc::io);
        CHECK(done.error().cause == std::errc::no_space_on_device);
        CHECK(done.error().message.find((yard.into / "big").native()) != std::string::npos);
        CHECK(done.error().hint.find("space") != std::string::npos);
        CHECK(small);
        CHECK(!big);
    }

    TEST_CASE("cancelling ends the work and removes what was half-written")
    {
        const Yard yard;
        const auto source = std::make_shared<Endless>(
            raw_file("a", "1") + raw_file("b", std::string(500'000, 'b')).substr(0, 300'000)
        );
        asio::io_context io;
        asio::cancellation_signal cancel;
        std::optional<Result<core::Unpacked>> done;
        auto task = [&]() -> Task<core::Unpacked> {
            co_await asio::this_coro::throw_if_cancelled(false);
            co_return co_await core::unpack(source, yard.into);
        };
        asio::co_spawn(
            io,
            task(),
            asio::bind_cancellation_slot(
                cancel.slot(),
                [&](std::exception_ptr thrown, Result<core::Unpacked> result) {
                    CHECK(!thrown);
                    done.emplace(std::move(result));
                }
            )
        );
        io.run_for(std::chrono::milliseconds(50));
        CHECK(!done);
        cancel.emit(asio::cancellation_type::terminal);
        io.restart();
        io.run();
        REQUIRE(done);
        REQUIRE(!done->has_value());
        CHECK(done->error().code == Errc::cancelled);
        CHECK(!fs::exists(yard.into / "b"));
        check_no_temporaries(yard.into);
    }

    TEST_CASE("an io_context that goes in the middle takes the work with it")
    {
        const Yard yard;
        {
            asio::io_context io;
            const auto source = std::make_shared<Endless>(
                raw_file("b", std::string(500'000, 'b')).substr(0, 300'000)
            );
            asio::co_spawn(
                io,
                core::unpack(source, yard.into, {}),
                [](std::exception_ptr, Result<core::Unpacked>) {}
            );
            io.run_for(std::chrono::milliseconds(20));
        }
        CHECK(fs::is_empty(yard.into));
    }
}
