#pragma once

#include <slipway/core/digest.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace slipway::core {

/// Typed fields with names, in the order in which they were added: what every id and every key is
/// the digest of, so that two of them can be compared field by field.
///
/// Its bytes are canonical: the same fields give the same bytes on every machine, and no two
/// different records have the same ones (each name, text and list goes with its length, each value
/// with its type).
class Record {
public:
    using List = std::vector<std::string>;
    using Table = std::map<std::string, std::string, std::less<>>;
    using Value = std::variant<std::string, std::int64_t, bool, Sha256, List, Table>;
    struct Field {
        std::string name;
        Value value;

        friend bool operator==(const Field&, const Field&) = default;
    };

    Record() = default;
    /// `kind`: which sort of record it is; `version`: of what its fields mean.
    Record(std::string kind, std::uint32_t version);

    /// A name is added once: a second time is a bug of ours.
    Record& add(std::string name, Value value);

    const std::string& kind() const noexcept { return kind_; }
    std::uint32_t version() const noexcept { return version_; }
    const std::vector<Field>& fields() const noexcept { return fields_; }
    /// Nothing when no field has that name.
    const Value* find(std::string_view name) const noexcept;

    std::string encode() const;
    /// Nothing when the bytes are no record from the first to the last.
    static std::optional<Record> decode(std::string_view bytes);
    /// Of the bytes of `encode`.
    Sha256 digest() const;

    friend bool operator==(const Record&, const Record&) = default;

private:
    std::string kind_;
    std::uint32_t version_ = 0;
    std::vector<Field> fields_;
};

/// The digest of a Record of which nothing else is wanted: keeps its bytes alone.
class RecordDigest {
public:
    RecordDigest(std::string_view kind, std::uint32_t version);

    /// As Record::add, but a name that comes twice is not seen.
    RecordDigest& add(std::string_view name, const std::string& text);
    RecordDigest& add(std::string_view name, std::int64_t number);
    RecordDigest& add(std::string_view name, bool truth);
    RecordDigest& add(std::string_view name, const Sha256& digest);
    RecordDigest& add(std::string_view name, const Record::List& list);
    RecordDigest& add(std::string_view name, const Record::Table& table);

    /// That of Record::digest. Once.
    Sha256 finish();

private:
    template <class T>
    RecordDigest& add_value(std::string_view name, std::uint8_t type, const T& value);

    std::string bytes_;
    std::size_t count_at_ = 0; ///< where the number of fields stands
    std::uint32_t count_ = 0;
};

/// One place in which two records differ.
struct RecordDifference {
    std::string field;
    std::string key{};                   ///< of a table; empty for all other values
    std::optional<std::string> before{}; ///< text for a person; nothing: it was not there
    std::optional<std::string> after{};
};

/// What differs, in the order of `after`'s fields, then those that only `before` has; of a table
/// one for each key, in order. Lists, digests and numbers are shown as a person reads them. Another
/// kind or version comes first, under that name; of records with the same fields in another order,
/// "order of the fields" is told. So there is no difference exactly when the records are equal.
std::vector<RecordDifference> differences(const Record& before, const Record& after);

} // namespace slipway::core
