#include "protobuf.hpp"

#include <string>

namespace slipway::engine {

namespace {

constexpr std::uint64_t max_field_id = (std::uint64_t{1} << 29U) - 1;

tl::unexpected<Error> bad_wire(std::string_view what)
{
    return fail(Errc::protocol, "malformed protobuf: " + std::string(what));
}

} // namespace

Result<std::uint64_t> WireReader::varint()
{
    constexpr std::size_t max_bytes = 10; // of 7 bits: the last has one bit left
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < max_bytes; ++i) {
        if (rest_.empty()) return bad_wire("cut short in a number");
        const auto byte = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        if (i + 1 == max_bytes && byte > 1) break;
        value |= std::uint64_t{byte & 0x7FU} << (7 * i);
        if ((byte & 0x80U) == 0) return value;
    }
    return bad_wire("a number of more than 64 bits");
}

Result<std::string_view> WireReader::take(std::uint64_t size)
{
    if (size > rest_.size()) return bad_wire("cut short in a field");
    const std::string_view bytes = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(bytes.size());
    return bytes;
}

Result<std::uint64_t> WireReader::fixed(std::size_t size)
{
    TRY(const std::string_view bytes, take(size));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return value;
}

Result<std::optional<WireField>> WireReader::next()
{
    if (rest_.empty()) return std::optional<WireField>();
    TRY(const std::uint64_t key, varint());
    const std::uint64_t id = key >> 3U;
    if (id == 0 || id > max_field_id) return bad_wire("a field that cannot be");
    WireField field;
    field.id = static_cast<std::uint32_t>(id);
    switch (key & 7U) {
    case 0: {
        TRY(field.number, varint());
        break;
    }
    case 1: {
        TRY(field.number, fixed(8));
        break;
    }
    case 2: {
        TRY(const std::uint64_t size, varint());
        TRY(field.bytes, take(size));
        field.type = WireField::Type::bytes;
        break;
    }
    case 5: {
        TRY(field.number, fixed(4));
        break;
    }
    default: // groups, which nothing writes any more, and what never was
        return bad_wire("a field of an unknown type");
    }
    return std::optional<WireField>(field);
}

} // namespace slipway::engine
