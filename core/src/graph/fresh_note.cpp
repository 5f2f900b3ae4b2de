#include "graph/fresh_note.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "digest/below.hpp"
#include "digest/look.hpp"
#include "digest/parallel.hpp"
#include "graph/unit_notes.hpp"
#include "sync/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace slipway::core::graph {

namespace {

// Grows when the note's form changes, or what a plan or a key is made of comes from elsewhere.
constexpr std::string_view fresh_magic = "slipway fresh 1\n";
constexpr std::size_t fresh_checksum = 16;
constexpr std::size_t most_in_group = 256;

void fresh_mark_fields(auto& f, auto& mark)
{
    f(mark.device), f(mark.inode), f(mark.size);
    f(mark.mtime_ns), f(mark.ctime_ns), f(mark.mode);
}
constexpr std::size_t fresh_mark_bytes = 5 * sizeof(std::uint64_t) + sizeof(std::uint32_t);

std::string bytes_of_mark(const FileMark& mark)
{
    std::string bytes;
    bytes.reserve(fresh_mark_bytes);
    agent::Writer write(bytes);
    fresh_mark_fields(write, mark);
    return bytes;
}

// Paths of one directory.
struct MarkedGroup {
    std::string directory;
    bool contents = false; ///< not only the marks count, but what they stand for
    std::string entries;   ///< of each path its last name, a zero, its mark

    static void fields(auto& f, auto& m) { f(m.directory), f(m.contents), f(m.entries); }
};

struct FreshUnitLine {
    FreshUnit unit;

    static void fields(auto& f, auto& m)
    {
        f(m.unit.place), f(m.unit.directory);
        f(m.unit.log.digest.bytes), f(m.unit.log.size);
    }
};

struct FreshNote {
    Sha256 order{};
    std::vector<MarkedGroup> groups;
    std::vector<FreshUnitLine> units;

    static void fields(auto& f, auto& m) { f(m.order.bytes), f(m.groups), f(m.units); }
};

// Of all that makes a plan and keys, and is no file: also of how they are made.
Sha256 order_digest(const BuildOrder& order)
{
    UnitIdentity identity;
    identity.recipe_version = command_recipe;
    std::string bytes = encode_unit_notes(order.file, "", order.variables);
    agent::Writer write(bytes);
    write(action_id(identity).bytes);
    write(result_key({}, {}).bytes);
    write(order.units);
    for (const auto& [name, toolchain] : order.toolchains) {
        write(name);
        write(toolchain.platform);
        write(toolchain.digest.bytes);
    }
    for (const Unit& unit : order.file.units) {
        for (const std::string& name : unit.pass_env) {
            const auto value = order.environment.find(name);
            const bool is_set = value != order.environment.end();
            write(variable_text(is_set ? &value->second : nullptr));
        }
    }
    return sha256(bytes);
}

// Gathers what was looked at by directories.
class GroupMaker {
public:
    GroupMaker(bool contents, std::int64_t time) : contents_(contents), time_(time) {}

    void add(std::string_view path, const FileMark& mark)
    {
        if (contents_ && !is_settled(mark, time_)) good_ = false;
        const auto [above, last] = posix::split(path);
        const std::string_view name = path.empty() ? "." : last;
        if (path.find('\0') != std::string_view::npos || path.ends_with('/')) good_ = false;
        const auto [at, is_new] = open_.try_emplace(std::string(above));
        Open& open = at->second;
        if (is_new || open.count == most_in_group) {
            open = {groups_.size(), 0};
            groups_.push_back({at->first, contents_, {}});
        }
        ++open.count;
        std::string& entries = groups_[open.group].entries;
        entries += name;
        entries += '\0';
        entries += bytes_of_mark(mark);
    }
    void add(const std::vector<LookedAt>& all)
    {
        for (const LookedAt& one : all) {
            add(one.path, one.mark);
        }
    }

    /// Whether all marks may be trusted.
    bool good() const noexcept { return good_; }
    std::vector<MarkedGroup>& groups() noexcept { return groups_; }

private:
    struct Open {
        std::size_t group = 0;
        std::size_t count = 0;
    };

    bool contents_;
    std::int64_t time_;
    bool good_ = true;
    std::unordered_map<std::string, Open> open_;
    std::vector<MarkedGroup> groups_;
};

// Whether all of a group is as it was.
bool is_unchanged(const Below& below, const MarkedGroup& group, std::int64_t now)
{
    const bool at_top = group.directory.empty();
    const Fd directory = at_top ? Fd() : below.directory(group.directory);
    const bool gone = !at_top && !directory;
    if (gone && !is_nothing(errno)) return false;
    const int parent = at_top ? below.root() : directory.get();
    for (std::string_view rest = group.entries; !rest.empty();) {
        const std::size_t end = rest.find('\0');
        if (end == std::string_view::npos || rest.size() - end - 1 < fresh_mark_bytes) return false;
        FileMark mark;
        if (!gone && !mark_at(parent, rest.data(), mark)) return false;
        const std::string_view was = rest.substr(end + 1, fresh_mark_bytes);
        if (bytes_of_mark(mark) != was || (group.contents && !is_settled(mark, now))) return false;
        rest.remove_prefix(end + 1 + fresh_mark_bytes);
    }
    return true;
}

std::optional<FreshNote> read_note(const std::filesystem::path& file)
{
    const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
    struct stat status {};
    if (!in || ::fstat(in.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    std::string bytes;
    if (!sync::read_all(in.get(), bytes) || !bytes.starts_with(fresh_magic)) return {};
    const std::string_view rest = std::string_view(bytes).substr(fresh_magic.size());
    const std::string_view body = rest.substr(std::min(fresh_checksum, rest.size()));
    if (bytes_of(content_hash(body)) != rest.substr(0, fresh_checksum)) return {};
    return agent::decode<FreshNote>(body);
}

} // namespace

Result<> note_fresh(const BuildState& state, const std::vector<std::size_t>& ended)
{
    GroupMaker contents(true, state.began());
    state.files().each([&](const std::string& path, const DigestedPath& seen) {
        contents.add(path, seen.mark);
    });
    contents.add(state.plan().listed);
    contents.add(state.lists());
    GroupMaker marks(false, state.began());
    marks.add(state.outputs());
    // Nobody has added to it since it was read.
    const FileMark log = mark_of(state.log().file());
    const bool log_as_read = state.log().is_read(log) && is_settled(log, state.began());
    if (!contents.good() || !marks.good() || !log_as_read) return ok();
    const std::filesystem::path name = state.log().file().lexically_relative(state.layout().root());
    GroupMaker first(true, state.began()); // every run of a unit changes it
    first.add(name.native(), log);
    FreshNote note;
    note.order = order_digest(state.order());
    for (GroupMaker* const all : {&first, &contents, &marks}) {
        std::ranges::move(all->groups(), std::back_inserter(note.groups));
    }
    for (const std::size_t place : ended) {
        const PlannedUnit& planned = state.plan().units[place];
        const BuiltUnit* const built = state.built(place);
        if (built == nullptr) return fail(Errc::internal, "a fresh unit is not built");
        FreshUnitLine line;
        line.unit.place =
            static_cast<std::uint32_t>(planned.unit - state.order().file.units.data());
        line.unit.directory = planned.directory;
        line.unit.log = built->log;
        note.units.push_back(std::move(line));
    }
    const std::string body = agent::encode(note);
    const std::filesystem::path file = state.layout().fresh_note();
    const std::filesystem::path draft = file.native() + ".new";
    // What two write at once, or is half on the disk after a crash, is found by its checksum.
    Fd out(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666));
    const bool written =
        out
        && sync::write_all(
            out.get(), std::string(fresh_magic) + bytes_of(content_hash(body)) + body
        )
        && ::rename(draft.c_str(), file.c_str()) == 0;
    if (!written) return fail(posix::error(errno, "writing", draft.native()));
    return ok();
}

std::optional<std::vector<FreshUnit>> still_fresh(const BuildOrder& order, const Layout& layout)
{
    const Fd root(::open(layout.root().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return {};
    const Below below(root.get());
    const std::int64_t now = look_time();
    auto note = read_note(layout.fresh_note());
    if (!note || note->groups.empty()) return {};
    if (!is_unchanged(below, note->groups.front(), now)) return {};
    std::atomic<bool> changed = false;
    in_parallel(note->groups.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (; begin < end && !changed; ++begin) {
            const bool same = begin == 0 ? order_digest(order) == note->order
                                         : is_unchanged(below, note->groups[begin], now);
            if (!same) changed = true;
        }
    });
    if (changed) return {};
    std::vector<FreshUnit> units;
    units.reserve(note->units.size());
    for (FreshUnitLine& line : note->units) {
        if (line.unit.place >= order.file.units.size()) return {};
        units.push_back(std::move(line.unit));
    }
    return units;
}

} // namespace slipway::core::graph
