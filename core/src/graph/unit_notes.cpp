#include "graph/unit_notes.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"

#include <array>
#include <bit>
#include <concepts>
#include <type_traits>

namespace slipway::core {
namespace {

constexpr std::array<char, 8> unit_notes_magic{'s', 'l', 'i', 'p', 'u', 'n', 'i', 't'};
/// Another one when UnitFile or what the reading makes of a text is: what an older slipway has
/// noted is not taken then.
constexpr std::uint32_t notes_version = 1;

/// What stands before the checksum, and what it is of.
struct UnitNotesHead {
    std::array<char, 8> magic = unit_notes_magic;
    std::uint32_t version = notes_version;
    ContentHash checksum; ///< of all that follows

    static void fields(auto& f, auto& m)
    {
        f(m.magic), f(m.version), f(m.checksum.high), f(m.checksum.low);
    }
};
constexpr std::size_t head_bytes = 8 + 4 + 16;

/// What the reading depends on.
struct UnitNotesKey {
    ContentHash text;
    std::string file_name;
    std::string target;
    std::string profile;

    static void fields(auto& f, auto& m)
    {
        f(m.text.high), f(m.text.low), f(m.file_name), f(m.target), f(m.profile);
    }
    friend bool operator==(const UnitNotesKey&, const UnitNotesKey&) = default;
};

UnitNotesKey
key_of(std::string_view text, const std::filesystem::path& file, const UnitVariables& variables)
{
    return {content_hash(text), file.filename().native(), variables.target, variables.profile};
}

template <class M, class T>
concept Either = std::same_as<std::remove_const_t<M>, T>;

/// The fields of a unit file in their order, for a Writer of constant ones and a Reader alike.
template <class Direction>
class UnitFields {
public:
    explicit UnitFields(Direction& f) : f_(&f) {}

    void of(Either<UnitFile> auto& m) const
    {
        all(m.toolchains);
        all(m.units);
        field(m.defaults);
    }
    void of(Either<UnitToolchain> auto& m) const
    {
        field(m.name), field(m.image), field(m.target), field(m.platform);
        of(m.place);
    }
    void of(Either<Unit> auto& m) const
    {
        field(m.name), field(m.toolchain), field(m.command);
        all(m.inputs), all(m.discover), all(m.inputs_from), all(m.outputs), all(m.scratch);
        maybe(m.depfile);
        all(m.deps);
        table(m.env);
        field(m.pass_env), field(m.network);
        all(m.caches);
        number<std::uint64_t>(m.cpus), number<std::int64_t>(m.memory_bytes);
        number<std::int64_t>(m.deadline);
        of(m.place);
    }
    void of(Either<UnitCache> auto& m) const { field(m.name), field(m.path), field(m.locked); }
    void of(Either<UnitPath> auto& m) const
    {
        field(m.text);
        of(m.place);
    }
    void of(Either<FilePlace> auto& m) const { field(m.line), field(m.column); }

private:
    static constexpr bool reads = std::same_as<Direction, agent::Reader>;

    void field(auto& value) const { (*f_)(value); }

    /// Any value of as many bytes.
    template <class As>
    void number(auto& value) const
    {
        As bits{};
        if constexpr (!reads) bits = std::bit_cast<As>(value);
        field(bits);
        if constexpr (reads) value = std::bit_cast<std::remove_reference_t<decltype(value)>>(bits);
    }
    void all(auto& list) const
    {
        auto size = static_cast<std::uint32_t>(list.size());
        field(size);
        if constexpr (reads) {
            for (std::uint32_t i = 0; i < size && f_->good(); ++i) {
                of(list.emplace_back());
            }
        } else {
            for (const auto& one : list) {
                of(one);
            }
        }
    }
    void maybe(auto& path) const
    {
        bool there = path.has_value();
        field(there);
        if constexpr (reads) {
            if (there) path.emplace();
        }
        if (there) of(*path);
    }
    void table(auto& map) const
    {
        auto size = static_cast<std::uint32_t>(map.size());
        field(size);
        if constexpr (reads) {
            for (std::uint32_t i = 0; i < size && f_->good(); ++i) {
                std::string name;
                field(name);
                field(map[std::move(name)]);
            }
        } else {
            for (const auto& [name, value] : map) {
                field(name), field(value);
            }
        }
    }

    Direction* f_;
};

} // namespace

std::string
encode_unit_notes(const UnitFile& file, std::string_view text, const UnitVariables& variables)
{
    std::string content;
    agent::Writer write(content);
    write.field(key_of(text, file.path, variables));
    UnitFields(write).of(file);
    UnitNotesHead head;
    head.checksum = content_hash(content);
    return agent::encode(head) + content;
}

std::optional<UnitFile> decode_unit_notes(
    std::string_view notes,
    std::string_view text,
    const std::filesystem::path& file,
    const UnitVariables& variables
)
{
    const auto head = agent::decode<UnitNotesHead>(notes.substr(0, head_bytes));
    if (!head || head->magic != unit_notes_magic || head->version != notes_version) return {};
    const std::string_view content = notes.substr(head_bytes);
    if (content_hash(content) != head->checksum) return {};
    agent::Reader read(content);
    UnitNotesKey key;
    read.field(key);
    if (!read.good() || key != key_of(text, file, variables)) return {};
    std::optional<UnitFile> out(std::in_place);
    out->path = file;
    UnitFields(read).of(*out);
    if (!read.whole()) out.reset();
    return out;
}

} // namespace slipway::core
