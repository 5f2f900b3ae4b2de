#include "digest/notes.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"
#include "unit/digest/tree.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <map>
#include <random>

using namespace slipway;
using namespace slipway::test;
using core::Notes;
using Paths = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

core::FileMark mark_of(std::uint64_t inode)
{
    return {1, inode, 3, -4, 5, 0100644};
}

std::string read_all(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_all(const fs::path& file, std::string_view bytes)
{
    std::ofstream(file, std::ios::binary) << bytes;
}

const Paths three{"a", "b/c", "b/d"};

// A tree of three files with notes.
struct Noted {
    Noted()
    {
        for (const std::string& path : three) {
            tree.write(path, "of " + path);
        }
        wait_until_settled();
        auto digests = tree.open();
        REQUIRE(digests.look(three));
        REQUIRE(digests.save());
        bytes = read_all(tree.notes());
    }

    // How many files are read with these notes; what is told is right.
    std::uint64_t reads_with(std::string_view other) const
    {
        write_all(tree.notes(), other);
        auto digests = tree.open();
        const auto texts = Tree::texts(digests, three);
        for (std::size_t i = 0; i < three.size(); ++i) {
            REQUIRE(texts[i] == file_text("of " + three[i]));
        }
        return digests.files_read();
    }

    Tree tree;
    std::string bytes;
};

} // namespace

TEST_SUITE("core.input_digests.notes")
{
    TEST_CASE("each flipped bit and each cut is as if there were none")
    {
        const Noted noted;
        CHECK(noted.reads_with(noted.bytes) == 0);
        for (std::size_t at = 0; at < noted.bytes.size(); ++at) {
            for (const unsigned bit : {0U, 7U}) {
                std::string bad = noted.bytes;
                bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ 1U << bit);
                REQUIRE(noted.reads_with(bad) == 3);
            }
            REQUIRE(noted.reads_with(noted.bytes.substr(0, at)) == 3);
        }
        CHECK(noted.reads_with(noted.bytes + '\0') == 3);
        CHECK(noted.reads_with(noted.bytes) == 0);
    }

    TEST_CASE("another version, and a count that lies")
    {
        const Noted noted;
        const auto line = noted.bytes.find('\n') + 1;
        CHECK(noted.reads_with("slipway digests 2\n" + noted.bytes.substr(line)) == 3);
        const auto whole = [&](const std::string& body) {
            return noted.bytes.substr(0, line) + core::bytes_of(core::content_hash(body)) + body;
        };
        const std::string body = noted.bytes.substr(line + 16);
        REQUIRE(Notes::decode(whole(body)));
        std::string paths;
        agent::Writer{paths}(std::string("ab/cb/d"));
        REQUIRE(body.starts_with(paths));
        const std::string entries = body.substr(paths.size() + 4);
        const auto with = [&](std::string_view all, std::uint32_t count) {
            std::string out;
            agent::Writer write(out);
            write(all);
            write(count);
            return Notes::decode(whole(out + entries));
        };
        CHECK(with("ab/cb/d", 3));
        CHECK_FALSE(with("ab/cb/d", 2));
        CHECK_FALSE(with("ab/cb/d", 4));
        CHECK_FALSE(with("ab/cb/d", 0xffff'ffff));
        CHECK_FALSE(with("ab/cb/", 3));
        CHECK_FALSE(with("ab/cb/de", 3));
        CHECK_FALSE(Notes::decode(whole("")));
        CHECK_FALSE(Notes::decode(""));
    }

    TEST_CASE("a directory, a fifo or nothing in their place")
    {
        const Noted noted;
        fs::remove(noted.tree.notes());
        REQUIRE(::mkfifo(noted.tree.notes().c_str(), 0644) == 0);
        auto digests = noted.tree.open();
        CHECK(digests.look(three));
        CHECK(digests.files_read() == 3);
        CHECK(digests.save());
        CHECK(fs::is_regular_file(noted.tree.notes()));
        fs::remove(noted.tree.notes());
        fs::create_directory(noted.tree.notes());
        auto again = noted.tree.open();
        CHECK(again.look(three));
        const auto saved = again.save();
        REQUIRE_FALSE(saved);
        CHECK(saved.error().code == Errc::io);
        // Nothing is left of the attempt.
        const auto left = fs::directory_iterator(noted.tree.outside());
        CHECK(std::distance(left, fs::directory_iterator()) == 2);
    }

    TEST_CASE("they are written where they can be")
    {
        const Noted noted;
        const auto below = noted.tree.outside() / "new/place/notes";
        auto digests = core::InputDigests::open(noted.tree.root(), below).value();
        REQUIRE(digests.look(three));
        REQUIRE(digests.save());
        CHECK(read_all(below).size() == noted.bytes.size());
        const auto beyond = noted.tree.root() / "a/notes";
        auto wrong = core::InputDigests::open(noted.tree.root(), beyond).value();
        REQUIRE(wrong.look(three));
        CHECK(wrong.save().error().code == Errc::io);
    }

    TEST_CASE("what nobody asks for goes at last, what is forgotten at once")
    {
        Notes notes;
        notes.put(Notes::nowhere, "often", mark_of(1), core::sha256("1"));
        notes.put(Notes::nowhere, "once", mark_of(2), core::sha256("2"));
        notes.put(Notes::nowhere, "gone", mark_of(3), core::sha256("3"));
        notes.forget(notes.find("gone"));
        int kept = 0;
        for (int i = 0; i < 300; ++i) {
            notes = Notes::decode(notes.encode()).value();
            REQUIRE(notes.find("gone") == Notes::nowhere);
            REQUIRE(notes.find("often") != Notes::nowhere);
            if (i % 90 == 0) REQUIRE(notes.find("once") != Notes::nowhere);
            kept = i;
            if (i > 200) break;
        }
        for (int i = 0; i < 150; ++i) {
            notes = Notes::decode(notes.encode()).value();
            REQUIRE(notes.at(notes.find("often")).digest == core::sha256("1"));
        }
        CHECK(kept > 200);
        CHECK(notes.find("once") == Notes::nowhere);
    }

    TEST_CASE("20 000 random calls are those of a map")
    {
        std::mt19937 random(7);
        std::map<std::string, core::FileMark> model;
        Notes notes;
        for (int i = 0; i < 20'000; ++i) {
            const std::string path = "p" + std::to_string(random() % 3'000);
            const auto place = notes.find(path);
            const bool known = place != Notes::nowhere && notes.at(place).mark.mode != 0;
            REQUIRE(known == model.contains(path));
            if (known) REQUIRE(notes.at(place).mark == model.at(path));
            switch (random() % 4) {
            case 0:
                if (place != Notes::nowhere) notes.forget(place);
                model.erase(path);
                break;
            case 1:
                break;
            default:
                model[path] = mark_of(random());
                notes.put(place, path, model[path], core::sha256(path));
                // A path that was asked for twice at once.
                if (place == Notes::nowhere)
                    notes.put(place, path, model[path], core::sha256(path));
            }
            if (i % 1'000 == 0) {
                notes = Notes::decode(notes.encode()).value();
                REQUIRE_FALSE(notes.changed());
            }
        }
        for (const auto& [path, mark] : model) {
            REQUIRE(notes.at(notes.find(path)).mark == mark);
            REQUIRE(notes.at(notes.find(path)).digest == core::sha256(path));
        }
    }
}
