#include "agent/codec.hpp"

#include <slipway/core/record.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <type_traits>

namespace slipway::core {

namespace {

// Whatever changes in the encoding changes these bytes, and so every digest.
constexpr std::string_view record_magic = "slipway record 1\n";

// The type of a value is its place in the variant.
struct WriteValue {
    agent::Writer& write;

    void operator()(const std::string& text) const { write(text); }
    void operator()(std::int64_t number) const { write(number); }
    void operator()(bool truth) const { write(truth); }
    void operator()(const Sha256& digest) const { write(digest.bytes); }
    void operator()(const Record::List& list) const { write(list); }
    void operator()(const Record::Table& table) const
    {
        write(static_cast<std::uint32_t>(table.size()));
        for (const auto& [key, value] : table) {
            write(key);
            write(value);
        }
    }
};

template <class T, class... All>
consteval std::uint8_t place_in(std::type_identity<std::variant<All...>>)
{
    std::uint8_t place = 0;
    static_cast<void>((... || (std::is_same_v<T, All> || (++place, false))));
    return place;
}

template <class T>
constexpr std::uint8_t value_type = place_in<T>(std::type_identity<Record::Value>());

// Then no length in it was cut either: they have 32 bits.
void check_size(std::string_view bytes)
{
    if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) {
        throw std::length_error("a record has 4 GiB or more");
    }
}

template <class T>
Record::Value read_plain(agent::Reader& read)
{
    T value{};
    read(value);
    return value;
}

Record::Value read_digest(agent::Reader& read)
{
    Sha256 digest;
    read(digest.bytes);
    return digest;
}

// Nothing when the keys do not rise.
std::optional<Record::Value> read_table(agent::Reader& read)
{
    Record::Table table;
    std::uint32_t count = 0;
    read(count);
    for (std::uint32_t i = 0; i < count && read.good(); ++i) {
        std::string key;
        std::string value;
        read(key);
        read(value);
        if (!table.empty() && key <= table.rbegin()->first) return std::nullopt;
        table.emplace_hint(table.end(), std::move(key), std::move(value));
    }
    return table;
}

std::optional<Record::Value> read_value(agent::Reader& read)
{
    std::uint8_t type = 0;
    read(type);
    switch (type) {
    case 0:
        return read_plain<std::string>(read);
    case 1:
        return read_plain<std::int64_t>(read);
    case 2:
        return read_plain<bool>(read);
    case 3:
        return read_digest(read);
    case 4:
        return read_plain<Record::List>(read);
    case 5:
        return read_table(read);
    default:
        return std::nullopt;
    }
}

bool has_twins(const std::vector<Record::Field>& fields)
{
    std::vector<std::string_view> names;
    names.reserve(fields.size());
    for (const Record::Field& field : fields) {
        names.push_back(field.name);
    }
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end();
}

} // namespace

Record::Record(std::string kind, std::uint32_t version) : kind_(std::move(kind)), version_(version)
{
}

Record& Record::add(std::string name, Value value)
{
    if (find(name) != nullptr) throw std::logic_error("a record has the field " + name + " twice");
    fields_.push_back({std::move(name), std::move(value)});
    return *this;
}

const Record::Value* Record::find(std::string_view name) const noexcept
{
    const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) {
        return field.name == name;
    });
    return found == fields_.end() ? nullptr : &found->value;
}

std::string Record::encode() const
{
    std::string out(record_magic);
    agent::Writer write(out);
    write(kind_);
    write(version_);
    write(static_cast<std::uint32_t>(fields_.size()));
    for (const Field& field : fields_) {
        write(field.name);
        write(static_cast<std::uint8_t>(field.value.index()));
        std::visit(WriteValue{write}, field.value);
    }
    check_size(out);
    return out;
}

std::optional<Record> Record::decode(std::string_view bytes)
{
    if (!bytes.starts_with(record_magic)) return std::nullopt;
    if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    agent::Reader read(bytes.substr(record_magic.size()));
    Record record;
    std::uint32_t count = 0;
    read(record.kind_);
    read(record.version_);
    read(count);
    for (std::uint32_t i = 0; i < count && read.good(); ++i) {
        Field field;
        read(field.name);
        auto value = read_value(read);
        if (!value) return std::nullopt;
        field.value = *std::move(value);
        record.fields_.push_back(std::move(field));
    }
    if (!read.whole() || has_twins(record.fields_)) return std::nullopt;
    return record;
}

Sha256 Record::digest() const
{
    return sha256(encode());
}

RecordDigest::RecordDigest(std::string_view kind, std::uint32_t version) : bytes_(record_magic)
{
    agent::Writer write(bytes_);
    write(kind);
    write(version);
    count_at_ = bytes_.size();
    write(count_);
}

template <class T>
RecordDigest& RecordDigest::add_value(std::string_view name, std::uint8_t type, const T& value)
{
    agent::Writer write(bytes_);
    write(name);
    write(type);
    WriteValue{write}(value);
    ++count_;
    return *this;
}

RecordDigest& RecordDigest::add(std::string_view name, const std::string& text)
{
    return add_value(name, value_type<std::string>, text);
}

RecordDigest& RecordDigest::add(std::string_view name, std::int64_t number)
{
    return add_value(name, value_type<std::int64_t>, number);
}

RecordDigest& RecordDigest::add(std::string_view name, bool truth)
{
    return add_value(name, value_type<bool>, truth);
}

RecordDigest& RecordDigest::add(std::string_view name, const Sha256& digest)
{
    return add_value(name, value_type<Sha256>, digest);
}

RecordDigest& RecordDigest::add(std::string_view name, const Record::List& list)
{
    return add_value(name, value_type<Record::List>, list);
}

RecordDigest& RecordDigest::add(std::string_view name, const Record::Table& table)
{
    return add_value(name, value_type<Record::Table>, table);
}

Sha256 RecordDigest::finish()
{
    check_size(bytes_);
    std::string count;
    agent::Writer write(count);
    write(count_);
    bytes_.replace(count_at_, count.size(), count);
    return sha256(bytes_);
}

} // namespace slipway::core
