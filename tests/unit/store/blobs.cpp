#include "descriptor.hpp"
#include "store/blob_form.hpp"
#include "stores.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

using namespace slipway;
using namespace slipway::test;

namespace {

struct Scratch {
    TempDirectory directory{quick_place()};
    core::Store store = open_store(directory.path() / "store");
};

/// A file of those bytes, or an empty one; without a name.
Fd file_of(const std::string& bytes = {})
{
    Fd fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    REQUIRE(fd);
    REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    return fd;
}

std::string all_of(int file)
{
    struct stat status {};
    ::fstat(file, &status);
    std::string out(static_cast<std::size_t>(status.st_size), '\0');
    REQUIRE(::pread(file, out.data(), out.size(), 0) == static_cast<ssize_t>(out.size()));
    return out;
}

std::vector<std::string> samples()
{
    std::vector<std::string> out;
    for (const std::size_t size :
         {0U,
          1U,
          4095U,
          4096U,
          65535U,
          65536U,
          65537U,
          300'000U,
          524'288U,
          1'048'577U,
          5'000'000U}) {
        out.push_back(random_bytes(size, size));
        out.push_back(text_bytes(size, size));
    }
    out.push_back(random_bytes(65536, 1) + text_bytes(3'000'000, 1));
    out.push_back(text_bytes(65536, 1) + random_bytes(3'000'000, 1));
    return out;
}

bool is_packed(const core::Store& store, const core::Blob& blob)
{
    return fs::file_size(path_of(store, store::Kind::blob, blob.digest)) < blob.size;
}

} // namespace

TEST_SUITE("core.store.blobs")
{
    TEST_CASE("every way in and every way out give the same bytes")
    {
        for (const std::string& bytes : samples()) {
            core::Blob wanted{core::sha256(bytes), bytes.size()};
            std::vector<std::string> stored;
            for (int way = 0; way < 4; ++way) {
                Scratch scratch;
                core::Store& store = scratch.store;
                CHECK(!store.has(wanted));
                Result<core::Blob> blob = wanted;
                if (way == 0) {
                    blob = store.put(bytes);
                } else if (way == 1) {
                    const Fd file = file_of(bytes);
                    blob = store.put_file(file.get());
                } else {
                    auto writer = store.blob_writer();
                    REQUIRE(writer);
                    const std::size_t step = way == 2 ? 700'000 : 10'007;
                    for (std::size_t at = 0; at < bytes.size(); at += step) {
                        REQUIRE((*writer)->write(std::string_view(bytes).substr(at, step)));
                    }
                    blob = (*writer)->finish();
                }
                REQUIRE(blob);
                CHECK(*blob == wanted);
                CHECK(store.has(*blob));
                CHECK(bytes_of(store, *blob) == bytes);
                const Fd file = file_of();
                REQUIRE(store.read_into(*blob, file.get()));
                CHECK(all_of(file.get()) == bytes);
                CHECK(*store.put_file(file.get()) == wanted);
                CHECK(files_in(store.directory() / "tmp") == 0);
                CHECK(files_in(store.directory() / "blobs") == 1);
            }
        }
    }

    TEST_CASE("packed where that helps, and only there")
    {
        Scratch scratch;
        CHECK(is_packed(scratch.store, *scratch.store.put(text_bytes(5'000, 1))));
        CHECK(is_packed(scratch.store, *scratch.store.put(text_bytes(5'000'000, 1))));
        for (const std::string& bytes :
             {text_bytes(4'000, 1), random_bytes(5'000, 1), random_bytes(5'000'000, 1)}) {
            const auto blob = scratch.store.put(bytes);
            CHECK(
                fs::file_size(path_of(scratch.store, store::Kind::blob, blob->digest))
                == bytes.size() + store::Trailer::bytes
            );
        }
    }

    TEST_CASE("a writer that is dropped leaves nothing")
    {
        Scratch scratch;
        {
            auto writer = scratch.store.blob_writer();
            REQUIRE((*writer)->write(text_bytes(200'000, 1)));
            CHECK(files_in(scratch.store.directory() / "tmp") == 1);
        }
        CHECK(files_in(scratch.store.directory() / "tmp") == 0);
    }

    TEST_CASE("each flipped bit and each cut is found, removed, and as if never there")
    {
        Scratch scratch;
        core::Store& store = scratch.store;
        for (const std::string& bytes :
             {std::string("twenty bytes of text"), text_bytes(5'000, 2)}) {
            const auto blob = store.put(bytes);
            REQUIRE(blob);
            const fs::path path = path_of(store, store::Kind::blob, blob->digest);
            const std::string whole = contents_of(path);
            std::size_t rounds = 0;
            std::size_t meaningless = 0;
            const auto check = [&](const std::string& damaged) {
                write_over(path, damaged);
                const auto read = bytes_of(store, *blob);
                if (read) {
                    // A few bits of zstd's have no meaning.
                    CHECK(*read == bytes);
                    ++meaningless;
                    return;
                }
                CHECK(!fs::exists(path));
                CHECK(!store.has(*blob));
                ++rounds;
                if (rounds % 100 != 0) return;
                REQUIRE(store.put(bytes));
                CHECK(bytes_of(store, *blob) == bytes);
            };
            for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
                std::string damaged = whole;
                damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
                check(damaged);
            }
            for (std::size_t size = 0; size < whole.size(); ++size) {
                check(whole.substr(0, size));
            }
            check(whole + "x");
            check(std::string(whole.size(), '\0'));
            CHECK(meaningless <= (bytes.size() < 4096 ? 0 : rounds / 20));
        }
    }

    TEST_CASE("a damaged blob leaves the file empty that it was read into")
    {
        Scratch scratch;
        for (const std::string& bytes : {random_bytes(3'000'000, 1), text_bytes(3'000'000, 1)}) {
            const auto blob = scratch.store.put(bytes);
            const fs::path path = path_of(scratch.store, store::Kind::blob, blob->digest);
            std::string damaged = contents_of(path);
            const std::size_t late = damaged.size() - damaged.size() / 8;
            damaged[late] = static_cast<char>(damaged[late] ^ 1);
            write_over(path, damaged);
            const Fd file = file_of();
            const auto read = scratch.store.read_into(*blob, file.get());
            REQUIRE(!read);
            CHECK(read.error().code == Errc::not_found);
            CHECK(all_of(file.get()).empty());
            CHECK(!scratch.store.has(*blob));
        }
    }

    TEST_CASE("a blob of another size is none, and its file stays")
    {
        Scratch scratch;
        auto blob = *scratch.store.put("text");
        ++blob.size;
        CHECK(!scratch.store.has(blob));
        CHECK(bytes_of(scratch.store, blob) == std::nullopt);
        --blob.size;
        CHECK(scratch.store.has(blob));
    }

    TEST_CASE("the reader's own error comes out, and the blob stays")
    {
        Scratch scratch;
        for (const std::string& bytes : {random_bytes(3'000'000, 1), text_bytes(3'000'000, 1)}) {
            const auto blob = *scratch.store.put(bytes);
            const auto read = scratch.store.read(blob, [](std::string_view) -> Result<> {
                return fail(Errc::cancelled, "enough");
            });
            REQUIRE(!read);
            CHECK(read.error().code == Errc::cancelled);
            CHECK(bytes_of(scratch.store, blob) == bytes);
        }
    }

    TEST_CASE("export and import carry the bytes as stored")
    {
        for (const std::string& bytes : samples()) {
            Scratch from;
            Scratch to;
            const auto blob = *from.store.put(bytes);
            const auto form = from.store.export_form(blob);
            REQUIRE(form);
            CHECK(*form == contents_of(path_of(from.store, store::Kind::blob, blob.digest)));
            REQUIRE(to.store.import_form(blob, *form));
            CHECK(bytes_of(to.store, blob) == bytes);
            REQUIRE(to.store.import_form(blob, *form));
        }
    }

    TEST_CASE("import takes nothing else")
    {
        Scratch from;
        Scratch to;
        const std::string bytes = text_bytes(10'000, 3);
        const auto blob = *from.store.put(bytes);
        const std::string form = *from.store.export_form(blob);
        const auto refused = [&](const core::Blob& as, const std::string& what) {
            const auto imported = to.store.import_form(as, what);
            REQUIRE(!imported);
            CHECK(imported.error().code == Errc::protocol);
            CHECK(files_in(to.store.directory() / "blobs") == 0);
            CHECK(files_in(to.store.directory() / "tmp") == 0);
        };
        for (std::size_t i = 0; i < form.size(); i += 7) {
            std::string damaged = form;
            damaged[i] = static_cast<char>(damaged[i] ^ 4);
            refused(blob, damaged);
            refused(blob, form.substr(0, i));
        }
        refused({core::sha256("other"), blob.size}, form);
        refused({blob.digest, blob.size + 1}, form);
        refused(blob, form + form);
        refused(blob, "");
    }

    TEST_CASE("what unpacks to more than its size is refused before it is unpacked")
    {
        Scratch scratch;
        // 512 MiB of zeros in few bytes.
        std::string packed;
        const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(
            ZSTD_createCCtx(), &ZSTD_freeCCtx
        );
        const std::string zeros(std::size_t{1} << 20U, '\0');
        std::string out(ZSTD_CStreamOutSize(), '\0');
        for (int i = 0; i <= 512; ++i) {
            ZSTD_inBuffer in{zeros.data(), i < 512 ? zeros.size() : 0, 0};
            std::size_t left = 1;
            while (left > 0) {
                ZSTD_outBuffer to{out.data(), out.size(), 0};
                left = ZSTD_compressStream2(
                    context.get(), &to, &in, i < 512 ? ZSTD_e_flush : ZSTD_e_end
                );
                packed.append(out, 0, to.pos);
            }
        }
        REQUIRE(packed.size() < 1'000'000);
        store::Trailer trailer;
        trailer.form = store::Form::zstd;
        trailer.size = 100;
        trailer.stored = packed.size();
        const core::Blob blob{core::sha256(std::string(100, '\0')), 100};
        rusage before{};
        ::getrusage(RUSAGE_SELF, &before);
        const auto imported = scratch.store.import_form(blob, packed + trailer.encode());
        REQUIRE(!imported);
        CHECK(imported.error().code == Errc::protocol);
        rusage after{};
        ::getrusage(RUSAGE_SELF, &after);
        CHECK(after.ru_maxrss - before.ru_maxrss < 100'000); // KiB
        // One that got in by itself does not reach the reader either.
        const fs::path path = path_of(scratch.store, store::Kind::blob, blob.digest);
        fs::create_directories(path.parent_path());
        write_over(path, packed + trailer.encode());
        std::size_t seen = 0;
        CHECK(!scratch.store.read(blob, [&](std::string_view piece) {
            seen += piece.size();
            return ok();
        }));
        CHECK(seen <= blob.size);
    }

    TEST_CASE("a full disk is an error with its cause, and leaves nothing")
    {
        TempDirectory directory{quick_place()};
        const fs::path mount = directory.path() / "small";
        fs::create_directory(mount);
        const int code = end_of(in_child([&] {
            // No root, no mount: the other test tells enough then.
            if (::unshare(CLONE_NEWNS) != 0) return 0;
            if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 0;
            if (::mount("none", mount.c_str(), "tmpfs", 0, "size=1m") != 0) return 0;
            auto store = core::Store::open(mount / "store");
            if (!store) return 1;
            for (const bool file : {false, true}) {
                const std::string bytes = random_bytes(3'000'000, 1);
                const auto put = file ? store->put_file(file_of(bytes).get()) : store->put(bytes);
                if (put || put.error().code != Errc::io) return 2;
                if (put.error().cause != std::errc::no_space_on_device) return 3;
                if (put.error().hint.empty()) return 4;
                if (files_in(store->directory() / "tmp") != 0) return 5;
                if (files_in(store->directory() / "blobs") != 0) return 6;
            }
            const auto small = store->put(random_bytes(300'000, 1));
            if (!small || !store->has(*small)) return 7;
            // To the last byte; then it can still be opened, read and emptied.
            std::uint64_t number = 2;
            while (store->put(random_bytes(20'000, number))) {
                ++number;
            }
            auto second = core::Store::open(mount / "store");
            if (!second || !second->writable()) return 8;
            if (!second->has(*small)) return 9;
            store = fail(Errc::io, "closed");
            second = core::Store::open(mount / "store");
            core::GcOptions all;
            all.older_than = std::chrono::seconds(0);
            const auto collected = second->collect(all);
            if (!collected || collected->blobs < 10) return 10;
            return second->put(random_bytes(300'000, 2)) ? 0 : 11;
        }));
        CHECK(code == 0);
    }

    TEST_CASE("a file that may not grow is an error with its cause, and leaves nothing")
    {
        TempDirectory directory{quick_place()};
        const int code = end_of(in_child([&] {
            auto store = core::Store::open(directory.path() / "store");
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{1'000'000, 1'000'000};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            for (const std::size_t size : {2'000'000U, 6'000'000U}) {
                const auto put = store->put(random_bytes(size, 1));
                if (put || put.error().code != Errc::io || put.error().cause.value() != EFBIG) {
                    return 1;
                }
                if (files_in(store->directory() / "tmp") != 0) return 2;
            }
            return store->put(random_bytes(500'000, 1)) ? 0 : 3;
        }));
        CHECK(code == 0);
    }
}
