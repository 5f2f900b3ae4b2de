#pragma once

#include "store/clock.hpp"
#include "store/layout.hpp"
#include "support/temp_directory.hpp"

#include <slipway/core/store.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

// What the store's tests share.
namespace slipway::test {

namespace fs = std::filesystem;

/// Memory where that can be: thousands of small files are made, and other programs' syncs would
/// hold them up. The tests of the commands are on the disk.
inline fs::path quick_place()
{
    const fs::path memory = "/dev/shm";
    return ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
}

inline core::Store open_store(const fs::path& path)
{
    auto store = core::Store::open(path);
    REQUIRE_MESSAGE(store, (store ? std::string() : describe(store.error())));
    return *std::move(store);
}

inline std::string random_bytes(std::size_t size, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; i += 8) {
        const std::uint64_t word = random();
        for (std::size_t j = 0; j < 8 && i + j < size; ++j) {
            out[i + j] = static_cast<char>(word >> (8 * j));
        }
    }
    return out;
}

/// Packs well.
inline std::string text_bytes(std::size_t size, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    std::string out;
    while (out.size() < size) {
        out += "line " + std::to_string(random() % 1000) + " of a log\n";
    }
    out.resize(size);
    return out;
}

inline std::string contents_of(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

inline void write_over(const fs::path& path, const std::string& bytes)
{
    fs::remove(path); // they are not writable
    std::ofstream(path, std::ios::binary) << bytes;
}

/// Nothing: not_found. Fails for any other error.
inline std::optional<std::string> bytes_of(core::Store& store, const core::Blob& blob)
{
    std::string out;
    const auto read = store.read(blob, [&](std::string_view piece) {
        out += piece;
        return ok();
    });
    if (read) return out;
    CHECK_MESSAGE(read.error().code == Errc::not_found, describe(read.error()));
    return std::nullopt;
}

inline fs::path path_of(const core::Store& store, store::Kind kind, const core::Sha256& key)
{
    return store.directory() / store::name_of(kind, key);
}

inline core::Sha256 key_of(std::uint64_t number)
{
    return core::sha256("key " + std::to_string(number));
}

/// A result with one file of that contents for each text.
inline core::StoredResult
result_of(core::Store& store, std::uint64_t key, const std::vector<std::string>& texts)
{
    core::StoredResult result;
    result.key = key_of(key);
    result.unit = "unit " + std::to_string(key);
    for (const std::string& text : texts) {
        core::StoredOutput& output = result.outputs.emplace_back();
        output.path = "file" + std::to_string(result.outputs.size());
        const auto blob = store.put(text);
        REQUIRE(blob);
        output.content = *blob;
    }
    return result;
}

inline void put_result(core::Store& store, std::uint64_t key, const std::vector<std::string>& texts)
{
    const auto put = store.put_result(result_of(store, key, texts));
    REQUIRE_MESSAGE(put, (put ? std::string() : describe(put.error())));
}

/// Sets a file's last use.
inline void age(const fs::path& path, std::chrono::seconds age)
{
    const std::int64_t ns = store::now_ns() - std::chrono::nanoseconds(age).count();
    timespec time{};
    time.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
    const timespec times[2] = {time, time};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

/// The last use of all that is in it.
inline void age_all(const fs::path& store, std::chrono::seconds by)
{
    for (const char* part : {"blobs", "results", "notes"}) {
        for (const auto& entry : fs::recursive_directory_iterator(store / part)) {
            if (entry.is_regular_file()) age(entry.path(), by);
        }
    }
}

inline std::size_t files_in(const fs::path& directory)
{
    std::size_t count = 0;
    if (!fs::exists(directory)) return 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (entry.is_regular_file()) ++count;
    }
    return count;
}

/// Another process, which ends with what `work` returns, without any clean-up.
inline pid_t in_child(const std::function<int()>& work)
{
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int code = 99;
        try {
            code = work();
        } catch (...) {
            code = 98;
        }
        ::_exit(code);
    }
    return child;
}

inline int end_of(pid_t child)
{
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Puts the clock back where it was.
struct ClockJump {
    ClockJump() = default;
    ClockJump(const ClockJump&) = delete;
    ClockJump& operator=(const ClockJump&) = delete;
    ~ClockJump() { store::clock_shift_ns = 0; }
    static void to(std::chrono::seconds by)
    {
        store::clock_shift_ns = std::chrono::nanoseconds(by).count();
    }
};

} // namespace slipway::test
