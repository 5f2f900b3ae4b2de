#pragma once

#include <slipway/core/unit_file.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace slipway::core {

/// What all units of a file make, to be found by path. The file stays as it is meanwhile.
class UnitOutputs {
public:
    struct Output {
        std::uint32_t unit = 0;
        std::uint32_t number = 0; ///< among the unit's outputs
    };
    /// How a path stands to the outputs.
    struct Sight {
        const Output* output = nullptr; ///< that it is, or that it is below
        bool is_above = false;          ///< outputs are below it
    };

    /// Errors: invalid_argument (two of one path, or one below the other).
    Result<> add_all(const UnitFile& file);

    Sight look(std::string_view path) const;
    /// The units with an output below `path`, which is above some; sorted, each once.
    std::vector<std::uint32_t> units_below(std::string_view path) const;
    /// The units with an output that the pattern could match; sorted, each once. It is valid until
    /// the next call.
    const std::vector<std::uint32_t>& units_matched(const std::string& pattern);

    const UnitPath& path_of(const Output& output) const;

private:
    struct Entry {
        Output output;
        bool is_output = false; // else something above one, which is named
    };
    struct Sorted {
        std::string_view path; // without a slash at the end
        Output output;
    };
    /// A name on the way to an output, or its own.
    struct Named {
        std::string backwards;
        Sorted output;
    };
    using Range =
        std::pair<std::vector<Sorted>::const_iterator, std::vector<Sorted>::const_iterator>;

    static Range below(const std::vector<Sorted>& outputs, std::string_view prefix);
    void sort_names();
    Result<> add(std::string_view path, const Output& output);
    tl::unexpected<Error>
    refused(const Output& output, const Output& earlier, std::string_view how) const;

    const UnitFile* file_ = nullptr;
    std::unordered_map<std::string_view, Entry> entries_;
    std::vector<Sorted> sorted_;
    std::vector<Sorted> directories_; // sorted, too
    std::vector<Named> names_;        // sorted, once they are needed
    std::unordered_map<std::string, std::vector<std::uint32_t>> matched_;
};

} // namespace slipway::core
