#include "unit/digest/tree.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <random>

using namespace slipway;
using namespace slipway::test;
using Paths = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

// What a path is for somebody who knows nothing and reads everything.
std::string naive(const fs::path& root, const std::string& path)
{
    std::error_code failed;
    const fs::path above = fs::canonical((root / path).parent_path(), failed);
    const std::string inside = root.native();
    if (failed || (above != root && !above.native().starts_with(inside + "/"))) return "missing";
    const fs::path file = above / fs::path(path).filename();
    const auto status = fs::symlink_status(file, failed);
    switch (status.type()) {
    case fs::file_type::regular: {
        std::ifstream in(file, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        const bool executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
        return (executable ? "executable " : "file ") + to_hex(core::sha256(bytes));
    }
    case fs::file_type::directory:
        return "directory";
    case fs::file_type::symlink:
        return "symlink " + to_hex(core::sha256(fs::read_symlink(file).native()));
    case fs::file_type::not_found:
        return "missing";
    default:
        return "other";
    }
}

// Does something to a tree of few paths and few bytes, so that much is the same again and again.
class Editor {
public:
    Editor(fs::path root, std::uint32_t seed) : root_(std::move(root)), random_(seed) {}

    std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_()) % end; }

    std::string path()
    {
        constexpr std::array names{"a", "b", "c", "d"};
        std::string out = names.at(below(4));
        const std::uint32_t kind = below(8);
        for (std::uint32_t i = kind < 5 ? 2 : (kind < 7 ? 1 : 0); i > 0; --i) {
            out += std::string("/") + names.at(below(4));
        }
        return out;
    }

    void edit()
    {
        const fs::path file = root_ / path();
        const fs::path other = root_ / path();
        std::error_code ignored;
        if (!is_inside(file.parent_path()) || !is_inside(other.parent_path())) return;
        switch (below(16)) {
        case 0:
        case 1:
        case 2:
        case 3:
            write(file);
            break;
        case 4: { // the same size, the same mtime
            struct stat status {};
            if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) break;
            write(file);
            set_mtime(file, status.st_mtim);
            break;
        }
        case 5:
            fs::rename(file, other, ignored);
            break;
        case 6:
            if (fs::symlink_status(file).type() == fs::file_type::regular) {
                fs::create_hard_link(file, other, ignored);
            }
            break;
        case 7:
            fs::remove_all(file, ignored);
            break;
        case 8:
            fs::create_directories(file, ignored);
            break;
        case 9: {
            constexpr std::array texts{
                "a", "b", "../a", "c/d", "../../..", "../outside", "/nonexistent"};
            fs::create_symlink(texts.at(below(texts.size())), file, ignored);
            break;
        }
        case 10:
            if (fs::symlink_status(file).type() == fs::file_type::regular) {
                fs::permissions(file, fs::perms(below(2) == 0 ? 0644 : 0755), ignored);
            }
            break;
        default:
            write(file);
        }
    }

private:
    // No symlink leads out.
    bool is_inside(const fs::path& path) const
    {
        std::error_code failed;
        const fs::path real = fs::weakly_canonical(path, failed);
        return !failed && (real == root_ || real.native().starts_with(root_.native() + "/"));
    }

    // In place or by a new file.
    void write(const fs::path& file)
    {
        std::error_code ignored;
        if (!is_inside(file)) return;
        fs::create_directories(file.parent_path(), ignored);
        if (below(3) == 0) fs::remove(file, ignored);
        std::ofstream(file, std::ios::binary) << static_cast<char>('0' + below(8));
    }

    fs::path root_;
    std::mt19937 random_;
};

} // namespace

TEST_SUITE("core.input_digests.model")
{
    TEST_CASE("20 000 random edits: what is told is what is there")
    {
        const Tree tree;
        fs::create_directory(tree.outside() / "outside");
        const fs::path root = fs::canonical(tree.root());
        Editor editor(root, 11);
        Paths paths;
        for (const char a : std::string("abcd")) {
            paths.emplace_back(1, a);
            for (const char b : std::string("abcd")) {
                paths.push_back({a, '/', b});
                for (const char c : std::string("abcd")) {
                    paths.push_back({a, '/', b, '/', c});
                }
            }
        }
        std::uint64_t looked = 0;
        std::uint64_t files = 0;
        std::uint64_t read = 0;
        auto digests = tree.open();
        for (int edits = 0, looks = 0; edits < 20'000; ++looks) {
            for (std::uint32_t n = editor.below(6) + 1; n > 0; --n, ++edits) {
                editor.edit();
            }
            if (looks % 100 == 0) {
                wait_until_settled();
                REQUIRE(digests.look(paths));
            }
            if (looks % 20 == 0) {
                REQUIRE(digests.save());
                read += digests.files_read();
                digests = tree.open();
            }
            Paths some;
            for (const std::string& path : paths) {
                if (editor.below(3) == 0) some.push_back(path);
            }
            const Paths told = Tree::texts(digests, some);
            for (std::size_t i = 0; i < some.size(); ++i) {
                const std::string there = naive(root, some[i]);
                if (there.starts_with("file") || there.starts_with("exec")) ++files;
                if (told[i] != there) {
                    FAIL(
                        "after " << edits << " edits " << some[i] << " is " << there << ", told "
                                 << told[i]
                    );
                }
                ++looked;
            }
        }
        read += digests.files_read();
        MESSAGE(looked << " looks, " << files << " at files, " << read << " of them read");
        CHECK(files > 40'000);
        CHECK(files - read > 10'000);
    }
}
