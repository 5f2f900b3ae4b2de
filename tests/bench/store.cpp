// Puts files into a store and gets them out again:
//   bench_store insert STORE LIST FILE...   LIST gets a line for each: digest, size
//   bench_store read STORE LIST             all bytes, to nowhere
//   bench_store into STORE LIST DIRECTORY   each as a new file
//   bench_store find STORE LIST             whether they are there
// Prints the seconds it took, without the start of the process.
#include <slipway/core/store.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>

using namespace slipway;

namespace {

Result<> insert(core::Store& store, const std::string& list, const std::vector<std::string>& files)
{
    std::ofstream out(list);
    for (const std::string& file : files) {
        const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        auto blob = store.put_file(fd);
        ::close(fd);
        if (!blob) return fail(blob.error());
        out << core::to_hex(blob->digest) << ' ' << blob->size << '\n';
    }
    return ok();
}

Result<>
each(const std::string& list, const std::function<Result<>(const core::Blob&, std::size_t)>& one)
{
    std::ifstream in(list);
    std::string hex;
    core::Blob blob;
    for (std::size_t number = 0; in >> hex >> blob.size; ++number) {
        blob.digest = *core::sha256_from_hex(hex);
        CHECK_OK(one(blob, number));
    }
    return ok();
}

Result<> work(core::Store& store, const std::vector<std::string>& words)
{
    const std::string& what = words[0];
    if (what == "insert") return insert(store, words[2], {words.begin() + 3, words.end()});
    return each(words[2], [&](const core::Blob& blob, std::size_t number) -> Result<> {
        if (what == "find") {
            return store.has(blob) ? ok() : Result<>(fail(Errc::not_found, "a blob"));
        }
        if (what == "read") return store.read(blob, [](std::string_view) { return ok(); });
        const std::string path = fmt::format("{}/{}", words[3], number);
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        auto got = store.read_into(blob, fd);
        ::close(fd);
        return got;
    });
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 3 || (words[0] == "into" && words.size() != 4)) return 2;
    auto store = core::Store::open(words[1]);
    const auto begin = std::chrono::steady_clock::now();
    const auto done = store ? work(*store, words) : Result<>(fail(store.error()));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (!done) {
        std::cerr << describe(done.error()) << '\n';
        return 1;
    }
    fmt::print("{}\n", took.count());
    return 0;
}
