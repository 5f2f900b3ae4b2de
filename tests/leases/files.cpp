#include "leases/lab.hpp"
#include "support/tar.hpp"

#include <slipway/core/tar_writer.hpp>

#include <openssl/sha.h>

#include <set>

using namespace slipway;
using namespace slipway::test;
using core::TreeItem;

namespace {

using Kind = TreeItem::Kind;
using Need = TreeItem::Need;

Task<> fill(core::Lease& lease)
{
    std::map<std::string, std::string> files;
    files["a.txt"] = "alpha";
    files["b.o"] = "object";
    files["sub/c.txt"] = "gamma";
    files["sub/deep/d.txt"] = "delta";
    files["sub/.hidden"] = "dot";
    files["odd [x]* name"] = "odd";
    const auto tar = std::make_shared<Bytes>(make_tar(files));
    CO_CHECK(co_await lease.put("/work/tree", tar));
    auto links = shell("cd /work/tree && ln -s a.txt link && ln a.txt hard && chmod 751 sub/c.txt");
    CO_TRY(const Ran ran, co_await run_job(lease, std::move(links)));
    CHECK(ran.result.exit_code == 0);
    co_return ok();
}

Task<std::set<std::string>> names(core::Lease& lease, std::vector<TreeItem> items)
{
    std::set<std::string> found;
    core::TreeEntries each = [&](const core::TreeEntry& entry) -> Result<> {
        CHECK_MESSAGE(found.insert(entry.path).second, entry.path);
        return ok();
    };
    CO_CHECK(
        co_await lease.manifest("/work/tree", std::move(items), core::Digest::none, std::move(each))
    );
    co_return found;
}

std::vector<TreeItem> one(Kind kind, std::string text, Need need = Need::required)
{
    return std::vector<TreeItem>(1, TreeItem(kind, std::move(text), need));
}

using Set = std::set<std::string>;

Task<> patterns(core::Lease& lease)
{
    CO_CHECK(co_await fill(lease));
    auto items = one(Kind::pattern, "**/*.txt");
    CO_TRY(const Set texts, co_await names(lease, std::move(items)));
    CHECK(texts == Set{"a.txt", "sub/c.txt", "sub/deep/d.txt"});
    items = one(Kind::pattern, "*");
    CO_TRY(const Set top, co_await names(lease, std::move(items)));
    CHECK(top.size() == 10);
    CHECK(top.contains("sub/deep/d.txt")); // what is meant, and all below
    items = one(Kind::pattern, "h?rd");    // its other name is not asked for
    CO_TRY(const Set link, co_await names(lease, std::move(items)));
    CHECK(link == Set{"hard"});
    items = one(Kind::path, "odd [x]* name");
    items.emplace_back(Kind::path, "sub/.hidden");
    items.emplace_back(Kind::pattern, "sub/.h*");
    items.emplace_back(Kind::path, "none", Need::optional);
    CO_TRY(const Set paths, co_await names(lease, std::move(items)));
    CHECK(paths == Set{"odd [x]* name", "sub/.hidden"});
    for (const Kind kind : {Kind::path, Kind::pattern}) {
        items = one(kind, "no-such.*");
        const auto missing = co_await names(lease, std::move(items));
        REQUIRE(!missing);
        CHECK(missing.error().code == Errc::not_found);
        CHECK(describe(missing.error()).find("no-such.*") != std::string::npos);
        items = one(kind, "../etc/passwd");
        const auto refused = co_await names(lease, std::move(items));
        REQUIRE(!refused);
        CHECK(refused.error().code == Errc::invalid_argument);
    }
    co_return ok();
}

std::string sha256(const std::string& bytes)
{
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    ::SHA256(
        reinterpret_cast<const unsigned char*>(bytes.data()),
        bytes.size(),
        reinterpret_cast<unsigned char*>(digest.data())
    );
    return digest;
}

Task<> manifest(core::Lease& lease)
{
    CO_CHECK(co_await fill(lease));
    std::map<std::string, core::TreeEntry> found;
    auto items = one(Kind::path, ".");
    core::TreeEntries each = [&](const core::TreeEntry& entry) -> Result<> {
        found.emplace(entry.path, entry);
        return ok();
    };
    CO_CHECK(co_await lease.manifest("/work/tree", std::move(items), core::Digest::sha256, each));
    CHECK(found.size() == 11);
    CHECK(found["sub"].meta.type == core::EntryType::directory);
    CHECK(found["link"].meta.type == core::EntryType::symlink);
    CHECK(found["link"].meta.link_target == "a.txt");
    CHECK(found["sub/c.txt"].meta.mode == 0751);
    CHECK(found["sub/c.txt"].meta.size == 5);
    CHECK(found["hard"].inode == found["a.txt"].inode);
    CHECK(found["b.o"].inode != found["a.txt"].inode);
    for (const auto& [path, text] : std::map<std::string, std::string>{
             {"a.txt", "alpha"}, {"hard", "alpha"}, {"sub/deep/d.txt", "delta"}}) {
        CAPTURE(path);
        REQUIRE(found[path].sha256);
        const auto& digest = *found[path].sha256;
        CHECK(std::string(digest.begin(), digest.end()) == sha256(text));
    }
    // An error of the caller's ends it.
    items = one(Kind::path, ".");
    each = [](const core::TreeEntry&) -> Result<> { return fail(Errc::conflict, "enough"); };
    const auto ended =
        co_await lease.manifest("/work/tree", std::move(items), core::Digest::none, each);
    REQUIRE(!ended);
    CHECK(ended.error().code == Errc::conflict);
    co_return ok();
}

Task<> single_files(core::Lease& lease)
{
    core::FileAttributes attributes;
    attributes.mode = 0640;
    attributes.mtime_ns = std::int64_t{1'500'000'000} * 1'000'000'000;
    const std::string path = "/work/new/dir/file with\nodd name";
    const auto put = [&](std::string bytes, std::optional<Error> failure = {}) {
        const auto source = std::make_shared<Bytes>(std::move(bytes), std::move(failure));
        return lease.put_file(path, attributes, source);
    };
    CO_CHECK(co_await put(std::string(1'000'000, 'x')));
    CO_CHECK(co_await put("second"));
    auto script = shell("stat -c '%a %Y' /work/new/dir/*");
    CO_TRY(const Ran ran, co_await run_job(lease, std::move(script)));
    CHECK(ran.out == "640 1500000000\n");
    std::string text;
    engine::StringSink text_sink(text);
    CO_CHECK(co_await lease.get_file(path, text_sink));
    CHECK(text == "second");
    // What was there stays when the source fails.
    Error broken(Errc::io, "the source has failed");
    const auto half = co_await put("half", broken);
    REQUIRE(!half);
    CHECK(half.error().code == Errc::io);
    std::string after;
    engine::StringSink after_sink(after);
    CO_CHECK(co_await lease.get_file(path, after_sink));
    CHECK(after == "second");
    auto look = shell("ls -A /work/new/dir | grep -c slipway; true");
    CO_TRY(const Ran left, co_await run_job(lease, std::move(look)));
    CHECK(left.out == "0\n");
    std::string nothing;
    engine::StringSink nothing_sink(nothing);
    const auto missing = co_await lease.get_file("/work/none", nothing_sink);
    REQUIRE(!missing);
    CHECK(missing.error().code == Errc::not_found);
    const auto directory = co_await lease.get_file("/work/new", nothing_sink);
    CHECK(!directory);
    const auto bytes = std::make_shared<Bytes>("x");
    const auto in_the_way = co_await lease.put_file("/work/new/dir", attributes, bytes);
    CHECK(!in_the_way);
    const auto relative = co_await lease.put_file("file", attributes, bytes);
    REQUIRE(!relative);
    CHECK(relative.error().code == Errc::invalid_argument);
    const auto read_only = co_await lease.put_file("/etc/file", attributes, bytes);
    REQUIRE(!read_only);
    CHECK(read_only.error().code == Errc::engine);
    co_return ok();
}

// dockerd refuses an archive with a link that leads out of where it is unpacked.
Task<> links(core::Lease& lease)
{
    core::PackOptions options;
    const auto add = [&](const char* path, const char* bytes, core::EntryType type) {
        core::PackExtra extra;
        extra.path = path;
        extra.bytes = bytes;
        extra.type = type;
        if (type == core::EntryType::directory) extra.mode = 0755;
        options.extras.push_back(std::move(extra));
    };
    add("work/l", "", core::EntryType::directory);
    add("work/l/d", "", core::EntryType::directory);
    add("work/l/d/in", "../f", core::EntryType::symlink);
    add("work/l/d/out", "../../../etc/passwd", core::EntryType::symlink);
    add("work/l/d/-far 'x'", "../../../../../..", core::EntryType::symlink);
    add("work/l/absolute", "/etc/passwd", core::EntryType::symlink);
    add("work/l/nowhere", "../../none", core::EntryType::symlink);
    add("work/l/f", "text", core::EntryType::file);
    for (int turn = 0; turn < 2; ++turn) {
        std::vector<core::PackRoot> none;
        const std::shared_ptr<engine::ByteSource> tar = core::pack(std::move(none), options);
        CO_CHECK(co_await lease.put("/", tar));
        auto look =
            shell("cd /work/l; cat d/in; for l in d/in d/out \"d/-far 'x'\" absolute nowhere; "
                  "do echo \" $(readlink \"$l\")\"; done; ls d/out/.. 2>&1 | wc -l");
        CO_TRY(const Ran ran, co_await run_job(lease, std::move(look)));
        CHECK(
            ran.out
            == "text ../f\n ../../../etc/passwd\n ../../../../../..\n /etc/passwd\n ../../none\n1\n"
        );
        // In the place of the links, which are put once more.
        auto spoil = shell("cd /work/l; rm d/out nowhere; mkdir d/out; echo x > nowhere");
        CO_TRY(const Ran spoiled, co_await run_job(lease, std::move(spoil)));
        CHECK(spoiled.result.exit_code == 0);
    }
    co_return ok();
}

Task<> broken_tars(core::Lease& lease)
{
    std::map<std::string, std::string> files;
    files["a"] = std::string(100'000, 'x');
    const std::string whole = make_tar(files);
    for (const std::string& bytes : {std::string("no tar at all"), whole.substr(0, 50'000)}) {
        CAPTURE(bytes.size());
        const auto tar = std::make_shared<Bytes>(bytes);
        const auto put = co_await lease.put("/work/broken", tar);
        CHECK(!put);
    }
    auto still = shell("echo still");
    CO_TRY(const Ran ran, co_await run_job(lease, std::move(still)));
    CHECK(ran.out == "still\n");
    co_return ok();
}

} // namespace

TEST_SUITE("leases.files")
{
    TEST_CASE("patterns and paths")
    {
        with_and_without_agent(patterns);
    }
    TEST_CASE("a manifest")
    {
        with_and_without_agent(manifest);
    }
    TEST_CASE("single files")
    {
        with_and_without_agent(single_files);
    }
    TEST_CASE("links that lead out")
    {
        with_and_without_agent(links);
    }
    TEST_CASE("broken tars")
    {
        with_and_without_agent(broken_tars);
    }
}
