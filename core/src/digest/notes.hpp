#pragma once

#include <slipway/core/input_digests.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// The marks and digests of files by their paths, as they are kept in a file. Paths are found
/// quickest in the order in which they were put in.
class Notes {
public:
    using Place = std::uint32_t;
    static constexpr Place nowhere = 0xffff'ffff;

    struct Entry {
        std::uint32_t path_size = 0;
        std::uint8_t idle = 0; ///< so often the notes were written, and nobody had asked for it
        FileMark mark{};       ///< of mode 0: the entry is dead
        Sha256 digest{};
        // Not in the file.
        std::uint64_t path_at = 0;
        bool asked_for = false;

        static void fields(auto& f, auto& e);
    };

    /// The bytes of a file that holds them, with their own checksum. Those that nobody has asked
    /// for since they were read grow old, and are left out at last.
    std::string encode() const;
    /// Nothing when the bytes are no such file, are damaged, or of another version.
    static std::optional<Notes> decode(std::string_view bytes);

    Place find(std::string_view path);
    /// Undefined for `nowhere`.
    const Entry& at(Place place) const noexcept { return entries_[place]; }

    /// `place`: where `find` found the path, or `nowhere`. The path is not in it twice.
    void put(Place place, std::string_view path, const FileMark& mark, const Sha256& digest);
    void forget(Place place);
    /// Whether something was put or forgotten since.
    bool changed() const noexcept { return changed_; }
    void set_unchanged() noexcept { changed_ = false; }

private:
    std::string_view path_of(const Entry& entry) const noexcept
    {
        return std::string_view(paths_).substr(entry.path_at, entry.path_size);
    }
    std::size_t slot_of(std::string_view path) const noexcept;
    void make_slots();

    std::string paths_; ///< one after the other
    std::vector<Entry> entries_;
    std::vector<Place> slots_; ///< a hash table of places, once it is needed
    Place next_ = 0;           ///< behind the place that was found last
    bool changed_ = false;
};

} // namespace slipway::core
