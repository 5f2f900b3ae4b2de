#pragma once

#include <slipway/engine/discovery.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slipway::test {

/// A user's home in a temporary directory that goes away with it, and the environment of a process
/// of that user: no variables, no files.
class Home {
public:
    Home()
    {
        std::string name = (std::filesystem::temp_directory_path() / "slipway-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        // The path without symbolic links, so that it compares equal to what is found.
        path = std::filesystem::canonical(name);
        environment.home = path;
        environment.uid = 4242;
    }
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;
    ~Home()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    std::filesystem::path write(const std::string& name, std::string_view text) const
    {
        std::filesystem::path file = path / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file;
    }

    void set(const std::string& name, std::string value)
    {
        environment.variables[name] = std::move(value);
    }

    std::filesystem::path path;
    engine::Environment environment;
};

// Directories of docker contexts are named by the SHA-256 of the context's name (sha256sum).
inline constexpr const char* hash_of_foo =
    "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
inline constexpr const char* hash_of_prod =
    "6754af9632a2745e85c293e5aac0863370d9bd3330b9938c00cadfd215227d77";

inline void write_context(const Home& home, const std::string& hash, std::string_view json)
{
    home.write(".docker/contexts/meta/" + hash + "/meta.json", json);
}

} // namespace slipway::test
