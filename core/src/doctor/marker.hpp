#pragma once

#include <slipway/engine/result.hpp>

#include <filesystem>
#include <string>

namespace slipway::core {

/// A fresh private directory with one file of a known size. Both go with the object.
class Marker {
public:
    static constexpr const char* file_name = "marker";
    static constexpr std::int64_t file_size = 23;

    /// Errors: io, permission_denied.
    static Result<Marker> make(const std::filesystem::path& parent);

    Marker(Marker&& other) noexcept;
    Marker& operator=(Marker&&) = delete;
    ~Marker();

    const std::filesystem::path& directory() const noexcept { return directory_; }

private:
    explicit Marker(std::filesystem::path directory) : directory_(std::move(directory)) {}

    std::filesystem::path directory_;
};

} // namespace slipway::core
