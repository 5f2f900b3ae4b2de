#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Runs inputs through one target, where there is no fuzzer:
//
//   replay TARGET FILE-OR-DIRECTORY...
//
// The program ends as a fuzzer would at the first input that breaks what must hold; the last name
// on stdout is that input's.

#define TARGET(name) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "targets.inc"
#undef TARGET

namespace fs = std::filesystem;

namespace {

struct Target {
    std::string_view name;
    int (*run)(const std::uint8_t* data, std::size_t size);
};

constexpr Target targets[] = {
#define TARGET(name) {#name, &fuzz_##name},
#include "targets.inc"
#undef TARGET
};

std::vector<fs::path> files_of(const fs::path& place)
{
    if (!fs::is_directory(place)) return {place};
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(place)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    if (files.empty()) throw std::runtime_error("there is no input in " + place.string());
    return files;
}

void replay(const Target& target, const fs::path& file)
{
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    // A vector of the very size: AddressSanitizer sees a read behind its end.
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    target.run(input.data(), input.size());
}

} // namespace

int main(int count, char** words)
{
    try {
        const std::string_view wanted = count > 2 ? words[1] : "";
        const auto* const target =
            std::find_if(std::begin(targets), std::end(targets), [&](const Target& t) {
                return t.name == wanted;
            });
        if (target == std::end(targets)) throw std::runtime_error("replay TARGET FILE...");
        for (int i = 2; i < count; ++i) {
            for (const fs::path& file : files_of(words[i])) {
                replay(*target, file);
            }
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 1;
    }
}
