#include "archive/posix.hpp"
#include "fuzz.hpp"
#include "support/run.hpp"
#include "support/temp_directory.hpp"
#include "tar_mutator.hpp"

#include <slipway/core/tar_reader.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>

// A tar that is put into a directory in which somebody has laid traps. Beside that directory stands
// what must never be touched.

using namespace slipway;
using namespace slipway::core;
using namespace slipway::fuzz;

namespace fs = std::filesystem;

namespace {

class Pieces final : public engine::ByteSource {
public:
    Pieces(std::string_view bytes, std::size_t step) : bytes_(bytes), step_(step) {}
    Task<std::size_t> read(std::span<char> into) override
    {
        const std::size_t count = std::min({into.size(), step_, bytes_.size()});
        std::memcpy(into.data(), bytes_.data(), count);
        bytes_.remove_prefix(count);
        co_return count;
    }

private:
    std::string_view bytes_;
    std::size_t step_;
};

/// work/ with the traps, and outside/ with the witness.
class Scene {
public:
    Scene()
    {
        fs::create_directory(outside());
        std::ofstream(outside() / "witness") << "untouched";
        before_ = state();
    }

    fs::path work() const { return top_.path() / "work"; }

    void lay_traps() const
    {
        make_clean(work());
        fs::create_directories(work() / "d");
        fs::create_directory_symlink("../outside", work() / "up");
        fs::create_directory_symlink(outside(), work() / "d" / "out");
        fs::create_symlink("../outside/witness", work() / "w");
        std::ofstream(work() / "f") << "old";
    }

    void check() const
    {
        require(state() == before_, "something outside of the destination has changed");
        std::size_t names = 0;
        for (const auto& entry : fs::directory_iterator(top_.path())) {
            const std::string name = entry.path().filename();
            require(name == "work" || name == "outside", "a new name beside the destination");
            ++names;
        }
        require(names == 2, "a directory is gone");
        for (const auto& entry : fs::recursive_directory_iterator(
                 work(), fs::directory_options::skip_permission_denied
             )) {
            const std::string name = entry.path().filename();
            require(!name.starts_with(".slipway-"), "a temporary file is left");
        }
    }

private:
    fs::path outside() const { return top_.path() / "outside"; }

    static void make_clean(const fs::path& path)
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }

    std::string state() const
    {
        std::string text;
        for (const auto& path : {outside(), outside() / "witness"}) {
            struct stat status {};
            require(::lstat(path.c_str(), &status) == 0, "what stood outside is gone");
            for (const auto number :
                 {static_cast<std::int64_t>(status.st_mode),
                  static_cast<std::int64_t>(status.st_nlink),
                  static_cast<std::int64_t>(status.st_size),
                  posix::mtime_ns(status)}) {
                text += std::to_string(number) + " ";
            }
        }
        return text;
    }

    test::TempDirectory top_;
    std::string before_;
};

void check_written(const fs::path& work, const Unpacked& done)
{
    for (const std::string& path : done.written) {
        require(done.seen.contains(path), "a path was written that is not in the archive");
        require(!path.empty() && path.front() != '/', "an absolute path");
    }
    for (const std::string& path : done.seen) {
        require(
            posix::clean_path(path + "/.", Errc::protocol).value_or("?") == path || path.empty(),
            "a path that is not clean"
        );
    }
    // The last entry of a name is the one that stands; none comes after the last one written.
    if (!done.written.empty()) {
        struct stat status {};
        const fs::path last = work / done.written.back();
        require(::lstat(last.c_str(), &status) == 0, "what was written last is not there");
    }
}

Result<Manifest> listed(std::string_view tar, std::size_t step)
{
    return test::run(list_tar(std::make_shared<Pieces>(tar, step), ""));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const Scene scene;
    std::string_view tar = text_of(data, size);
    const bool with_sent = take_choice(tar, 2) == 1;

    const auto list = listed(tar, std::max<std::size_t>(size, 1));
    const auto again = listed(tar, 100);
    require(list.has_value() == again.has_value(), "small pieces are read differently");
    if (!list) {
        check_error(list.error());
    } else {
        require(list->entries == again->entries, "small pieces give other entries");
    }

    scene.lay_traps();
    UnpackOptions options;
    if (with_sent) options.sent = std::make_shared<Manifest>(list ? *list : Manifest());
    const auto done = test::run(unpack(std::make_shared<Pieces>(tar, 4096), scene.work(), options));
    scene.check();
    if (!done) {
        check_error(done.error());
        return 0;
    }
    require(list.has_value(), "what is unpacked cannot be listed");
    check_written(scene.work(), *done);
    for (const auto& [path, meta] : list->entries) {
        require(done->seen.contains(path), "an entry of the list was not seen by the unpacking");
    }
    return 0;
}
