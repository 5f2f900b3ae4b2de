#include "agent/kept_tree.hpp"
#include "archive/content_hasher.hpp"
#include "unit/agent_client/support.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <fstream>
#include <map>
#include <random>

using namespace slipway;
using namespace slipway::test;
using core::AgentSession;
using core::ContentHash;
using core::KeptTree;
using core::TreeNews;
namespace fs = std::filesystem;

namespace {

core::AgentIds own_ids()
{
    core::AgentIds ids;
    ids.uid = ::geteuid();
    ids.gid = ::getegid();
    return ids;
}

void write(const fs::path& path, std::string_view text)
{
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> paths_of(const sync::TreeState& state)
{
    std::vector<std::string> out;
    for (const sync::StateEntry& entry : state) {
        out.push_back(entry.path);
    }
    return out;
}

Task<std::unique_ptr<KeptTree>>
keep(AgentSession& session, std::string directory, bool* waits = nullptr)
{
    const std::function<bool()> on_wait = [waits] {
        if (waits != nullptr) *waits = true;
        return waits != nullptr;
    };
    co_return co_await session.keep(std::move(directory), own_ids(), on_wait);
}

using Strings = std::vector<std::string>;

} // namespace

TEST_SUITE("core.agent_client.kept")
{
    TEST_CASE("what is there is told once, and then what is new")
    {
        const Agent agent;
        const fs::path top = agent.directory() / "kept";
        write(top / "a" / "file", "one");
        write(top / "b", "two");
        with_session(agent.socket(), [&](AgentSession& session) -> Task<> {
            CO_TRY(const auto tree, co_await keep(session, top.string()));
            const ContentHash nothing;
            CO_TRY(TreeNews news, co_await tree->scan(nothing));
            CHECK_FALSE(news.from_base);
            CHECK(paths_of(news.change.changed) == Strings{"a", "a/file", "b"});
            sync::TreeState state = std::move(news.change.changed);
            const ContentHash base = sync::digest_of(state);
            CO_TRY(news, co_await tree->scan(base));
            CHECK(news.from_base);
            CHECK(news.change.empty());
            write(top / "b", "2");
            write(top / "c", "three");
            fs::remove_all(top / "a");
            CO_TRY(news, co_await tree->scan(base));
            CHECK(news.from_base);
            CHECK(paths_of(news.change.changed) == Strings{"b", "c"});
            CHECK(news.change.gone == Strings{"a", "a/file"});
            CHECK(news.change.changed.front().digest == core::content_hash("2"));
            // A job may lock what is its own.
            const int directory = ::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            CHECK(::flock(directory, LOCK_EX | LOCK_NB) == 0);
            ::close(directory);
            CO_CHECK(co_await tree->close());
            co_return ok();
        });
    }

    TEST_CASE("the next session is told what is new since the last one, whoever changed it")
    {
        const Agent agent;
        const fs::path top = agent.directory() / "kept";
        write(top / "file", "one");
        write(top / "other", "same");
        ContentHash base;
        const auto look = [&](AgentSession& session) -> Task<> {
            CO_TRY(const auto tree, co_await keep(session, top.string()));
            CO_TRY(const TreeNews news, co_await tree->scan(base));
            if (base == ContentHash()) {
                base = sync::digest_of(news.change.changed);
            } else {
                CHECK(news.from_base);
                CHECK(paths_of(news.change.changed) == Strings{"file"});
            }
            co_return co_await tree->close();
        };
        with_session(agent.socket(), look);
        write(top / "file", "two");
        with_session(agent.socket(), look);
    }

    TEST_CASE("what was noted is believed only when it is whole")
    {
        const Agent agent;
        const fs::path top = agent.directory() / "kept";
        const fs::path noted = top / ".slipway" / "tree";
        write(top / "file", "one");
        const auto look = [&](AgentSession& session) -> Task<> {
            CO_TRY(const auto tree, co_await keep(session, top.string()));
            const ContentHash nothing;
            CO_TRY(const TreeNews news, co_await tree->scan(nothing));
            CHECK(paths_of(news.change.changed) == Strings{"file"});
            CHECK(news.change.changed.front().digest == core::content_hash("one"));
            co_return co_await tree->close();
        };
        with_session(agent.socket(), look);
        REQUIRE(fs::exists(noted));
        const auto size = fs::file_size(noted);
        SUBCASE("cut")
        {
            fs::resize_file(noted, size - 1);
        }
        SUBCASE("other bytes")
        {
            std::fstream(noted, std::ios::in | std::ios::out | std::ios::binary).seekp(40).put('!');
        }
        SUBCASE("of a newer version")
        {
            write(noted, "slipway tree 2\nwhatever");
        }
        SUBCASE("a fifo")
        {
            fs::remove(noted);
            REQUIRE(::mkfifo(noted.c_str(), 0600) == 0);
        }
        SUBCASE("nothing that is ours is left")
        {
            fs::remove_all(top / ".slipway");
        }
        with_session(agent.socket(), look);
        with_session(agent.socket(), look);
    }

    TEST_CASE("one has it at a time, and its death gives it to the next")
    {
        const Agent agent;
        const Agent other;
        const Agent another;
        const fs::path top = agent.directory() / "kept";
        write(top / "file", "one");
        boost::asio::io_context io;
        const auto whole = [&]() -> Task<> {
            CO_TRY(auto first, co_await open_session(agent.socket()));
            CO_TRY(const auto tree, co_await keep(*first, top.string()));
            CO_TRY(const auto second, co_await open_session(other.socket()));
            CO_TRY(const auto third, co_await open_session(another.socket()));
            const auto waits = std::make_shared<bool>(false);
            const auto has_it = std::make_shared<bool>(false);
            const auto wait = [](AgentSession& session,
                                 std::string directory,
                                 std::shared_ptr<bool> told,
                                 std::shared_ptr<bool> done) -> Task<> {
                CO_TRY(const auto held, co_await keep(session, directory, told.get()));
                *done = true;
                co_return co_await held->close();
            };
            const auto executor = co_await boost::asio::this_coro::executor;
            engine::Child waiting(executor, wait(*second, top.string(), waits, has_it));
            for (int i = 0; i < 3'000 && !*waits; ++i) {
                CO_CHECK(co_await engine::pause(std::chrono::milliseconds(10)));
            }
            CHECK(*waits);
            CO_CHECK(co_await engine::pause(std::chrono::milliseconds(50)));
            CHECK_FALSE(*has_it);
            const auto refused = co_await keep(*third, top.string());
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == Errc::conflict);
            first.reset(); // as by a client's death
            CO_CHECK(co_await waiting.join());
            CHECK(*has_it);
            co_return ok();
        };
        const auto done = run(io, whole());
        INFO((done ? std::string() : describe(done.error())));
        REQUIRE(done);
    }

    TEST_CASE("paths are removed with all below them, read-only or not, and none outside")
    {
        const Agent agent;
        const fs::path top = agent.directory() / "kept";
        const fs::path outside = agent.directory() / "outside";
        write(top / "a" / "b" / "c", "x");
        write(top / "locked" / "file", "x");
        write(top / "stays", "x");
        write(outside / "file", "x");
        fs::create_symlink(outside, top / "a" / "link");
        fs::permissions(top / "locked", fs::perms::owner_read | fs::perms::owner_exec);
        with_session(agent.socket(), [&](AgentSession& session) -> Task<> {
            CO_TRY(const auto tree, co_await keep(session, top.string()));
            std::vector<std::string> paths{"a", "locked", "never/was"};
            CO_CHECK(co_await tree->remove(std::move(paths)));
            CHECK_FALSE(fs::exists(top / "a"));
            CHECK_FALSE(fs::exists(top / "locked"));
            CHECK(fs::exists(top / "stays"));
            CHECK(fs::exists(outside / "file"));
            fs::create_directory(top.string() + "2");
            for (const char* hostile : {"", "/etc", "..", "../outside", "x/../../outside"}) {
                CO_TRY(const auto again, co_await keep(session, (top.string() + "2")));
                std::vector<std::string> one(1, hostile);
                const auto refused = co_await again->remove(std::move(one));
                REQUIRE_FALSE(refused);
                CHECK(refused.error().code == Errc::invalid_argument);
            }
            CHECK(fs::exists(outside / "file"));
            co_return co_await tree->close();
        });
    }

    TEST_CASE("many changes at random, told as they are")
    {
        const Agent agent;
        const fs::path top = agent.directory() / "kept";
        fs::create_directory(top);
        std::mt19937 random(5);
        with_session(agent.socket(), [&](AgentSession& session) -> Task<> {
            sync::TreeState state;
            for (int round = 0; round < 40; ++round) {
                for (int i = 0; i < 8; ++i) {
                    const fs::path path =
                        top / std::to_string(random() % 4) / std::to_string(random() % 4);
                    std::error_code ignored;
                    switch (random() % 4) {
                    case 0:
                        fs::remove_all(path, ignored);
                        break;
                    case 1:
                        fs::remove_all(path, ignored);
                        fs::create_directories(path);
                        break;
                    default:
                        fs::remove_all(path, ignored);
                        write(path, std::to_string(random() % 10));
                    }
                }
                CO_TRY(const auto tree, co_await keep(session, top.string()));
                const ContentHash base = state.empty() ? ContentHash() : sync::digest_of(state);
                CO_TRY(TreeNews news, co_await tree->scan(base));
                CHECK((news.from_base || state.empty()));
                if (!news.from_base) state.clear();
                state = sync::changed_by(std::move(state), std::move(news.change));
                std::map<std::string, std::string> told;
                for (const sync::StateEntry& entry : state) {
                    told.emplace(entry.path, is(entry, agent::EntryKind::file) ? "file" : "dir");
                    if (!is(entry, agent::EntryKind::file)) continue;
                    std::ifstream in(top / entry.path, std::ios::binary);
                    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
                    CHECK(entry.digest == core::content_hash(bytes));
                }
                std::size_t there = 0;
                for (const auto& entry : fs::recursive_directory_iterator(top)) {
                    const std::string path = entry.path().lexically_relative(top).string();
                    if (path.starts_with(".slipway")) continue;
                    ++there;
                    CHECK(told[path] == (entry.is_directory() ? "dir" : "file"));
                }
                CHECK(there == told.size());
                CO_CHECK(co_await tree->close());
            }
            co_return ok();
        });
    }
}
