// What InputDigests takes for the paths that stdin has, each with a NUL behind it.
// usage: bench_digests [--marks] ROOT [NOTES] < PATHS
// --marks: their marks alone.

#include <slipway/core/input_digests.hpp>

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

using namespace slipway;
using Clock = std::chrono::steady_clock;

namespace {

class Lap {
public:
    double ms()
    {
        const auto before = std::exchange(last_, Clock::now());
        return std::chrono::duration<double, std::milli>(last_ - before).count();
    }

private:
    Clock::time_point last_ = Clock::now();
};

Result<> run(const std::string& root, const std::string& notes, bool only_marks)
{
    std::vector<std::string> paths;
    for (std::string path; std::getline(std::cin, path, '\0');) {
        paths.push_back(path);
    }
    Lap lap;
    TRY(auto digests, core::InputDigests::open(root, notes));
    const double open = lap.ms();
    if (only_marks) {
        const std::size_t marks = digests.marks(paths).size();
        fmt::print(R"({{"paths": {}, "marks": {:.2f}}})", marks, lap.ms());
        return ok();
    }
    TRY(const auto found, digests.look(paths));
    const double look = lap.ms();
    CHECK_OK(digests.save());
    const double save = lap.ms();
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    fmt::print(
        R"({{"paths": {}, "files_read": {}, "open": {:.2f}, "look": {:.2f}, "save": {:.2f}, )"
        R"("rss_mib": {:.1f}}})",
        found.size(),
        digests.files_read(),
        open,
        look,
        save,
        static_cast<double>(usage.ru_maxrss) / 1024
    );
    return ok();
}

} // namespace

int main(int argc, char** argv)
{
    std::vector<std::string> words(argv + 1, argv + argc);
    const bool only_marks = std::erase(words, "--marks") != 0;
    if (words.empty()) {
        fmt::print(stderr, "usage: bench_digests [--marks] ROOT [NOTES] < PATHS\n");
        return 2;
    }
    std::ios::sync_with_stdio(false);
    const auto done = run(words[0], words.size() > 1 ? words[1] : "", only_marks);
    if (done) return 0;
    fmt::print(stderr, "error: {}\n", describe(done.error()));
    return 1;
}
