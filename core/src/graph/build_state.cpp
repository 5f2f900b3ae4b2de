#include "graph/build_state.hpp"

#include "archive/posix.hpp"
#include "archive/worker.hpp"
#include "digest/look.hpp"
#include "graph/output_files.hpp"
#include "small_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace slipway::core::graph {

namespace {

constexpr std::size_t longest_list = std::size_t{16} << 20;

bool has_bytes(const std::filesystem::path& path, const StoredOutput& output)
{
    if (output.kind != StoredOutput::Kind::file) return true;
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file) return false;
    const auto blob = digest_of_file(file.get(), path.native());
    return blob && *blob == output.content;
}

// A directory's times and size change with what somebody else puts into it.
bool is_same(const BuiltOutput& output, const FileMark& was, const FileMark& now)
{
    if (output.what.kind != StoredOutput::Kind::directory) return was == now && now.inode != 0;
    return S_ISDIR(now.mode);
}

} // namespace

std::string output_text(const StoredOutput& output)
{
    DigestedPath path;
    switch (output.kind) {
    case StoredOutput::Kind::file:
        path.kind = DigestedPath::Kind::file;
        path.executable = output.executable;
        path.digest = output.content.digest;
        break;
    case StoredOutput::Kind::symlink:
        path.kind = DigestedPath::Kind::symlink;
        path.digest = sha256(output.link_target);
        break;
    case StoredOutput::Kind::directory:
        path.kind = DigestedPath::Kind::directory;
        break;
    }
    return path.text();
}

Sha256 outputs_digest(const std::vector<BuiltOutput>& outputs)
{
    Record::Table table;
    for (const BuiltOutput& output : outputs) {
        table.emplace(output.what.path, output_text(output.what));
    }
    Record record("outputs", 1);
    record.add("paths", std::move(table));
    return record.digest();
}

BuildState::BuildState(const BuildOrder& order)
    : order_(&order), layout_(order.file.path.parent_path()), began_(look_time())
{
}

Result<std::unique_ptr<BuildState>>
BuildState::open(const BuildOrder& order, bool read_only, const std::atomic<bool>* stop)
{
    std::unique_ptr<BuildState> state(new BuildState(order));
    if (!read_only) {
        CHECK_OK(state->layout_.make());
    }
    // What was built is read while inputs are looked at.
    Result<> read = ok();
    std::vector<std::string> before;
    Worker reader;
    CHECK_OK(reader.start([&] {
        read = state->open_log(read_only);
        if (read) before = state->made_before(!read_only);
    }));
    const MadeBefore made_before = [&]() -> Result<std::vector<std::string>> {
        reader.join();
        CHECK_OK(read);
        return std::move(before);
    };
    TRY(state->files_, SeenFiles::open(state->layout_.root(), state->layout_.digests()));
    state->files_->stop_when(stop);
    TRY(state->plan_, plan_build(order, state->layout_, *state->files_, made_before));
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < state->plan_.units.size(); ++i) {
        if (const BuiltUnit* const built = state->built(i)) {
            paths.insert(paths.end(), built->discovered.begin(), built->discovered.end());
        }
    }
    CHECK_OK(state->files_->look_at(paths, false));
    state->look_at_outputs();
    state->files_->stop_when(nullptr);
    return state;
}

Result<> BuildState::open_log(bool read_only)
{
    const std::filesystem::path build = layout_.build_directory();
    TRY(log_, read_only ? BuildLog::read(build) : BuildLog::open(build));
    return ok();
}

// What units have made at paths that no unit declares any more, as long as nobody has changed it.
// Of units that are gone it is removed where `removes` says so; of the others the next run does it.
std::vector<std::string> BuildState::made_before(bool removes)
{
    OutputPaths declared;
    std::unordered_set<std::string> names;
    for (const Unit& unit : order_->file.units) {
        names.insert(unit.name);
        for (const UnitPath& output : unit.outputs) {
            declared.add(output.text);
        }
    }
    std::vector<std::string> paths;
    std::vector<BuiltUnit> gone;
    log_->each([&](const BuiltUnit& unit) {
        const bool is_gone = !names.contains(unit.label.substr(0, unit.label.find(' ')));
        if (is_gone && !unit.outputs.empty()) gone.push_back(unit);
        for (const BuiltOutput& output : unit.outputs) {
            const bool file = output.what.kind != StoredOutput::Kind::directory;
            if (!file || declared.has(output.what.path)) continue;
            const FileMark now = mark_of(layout_.root() / output.what.path);
            stray_.push_back({output.what.path, now});
            if (is_same(output, output.placed, now)) paths.push_back(output.what.path);
        }
    });
    if (!removes) return paths;
    for (BuiltUnit& unit : gone) {
        for (const BuiltOutput& output : unit.outputs) {
            if (std::ranges::find(paths, output.what.path) == paths.end()) continue;
            ::unlink((layout_.root() / output.what.path).c_str());
        }
        unit.outputs.clear();
        unit.good = false;
        static_cast<void>(log_->add(std::move(unit))); // else it is looked for the next time, too
    }
    return paths;
}

void BuildState::look_at_outputs()
{
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < plan_.units.size(); ++i) {
        const BuiltUnit* const unit = built(i);
        if (unit == nullptr) continue;
        for (const BuiltOutput& output : unit->outputs) {
            // A directory may be that of many units.
            const bool is_new = placed_.try_emplace(output.what.path).second;
            if (is_new) paths.push_back(output.what.path);
        }
    }
    const std::vector<FileMark> marks = files_->digests().marks(paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        placed_[paths[i]] = marks[i];
    }
}

std::vector<LookedAt> BuildState::outputs() const
{
    std::vector<LookedAt> all = stray_;
    all.reserve(stray_.size() + placed_.size());
    for (const auto& [path, mark] : placed_) {
        all.push_back({path, mark});
    }
    return all;
}

const BuiltUnit* BuildState::built(std::size_t place) const
{
    if (!log_) return nullptr;
    const BuiltUnit* const unit = log_->find(plan_.units[place].directory);
    return unit != nullptr && unit->good ? unit : nullptr;
}

// Of a file, or of what a dependency has made.
Result<std::string> BuildState::input_text(std::size_t place, const std::string& path)
{
    for (const std::size_t dependency : plan_.units[place].dependencies) {
        const BuiltUnit* const unit = built(dependency);
        if (unit == nullptr) continue;
        for (const BuiltOutput& output : unit->outputs) {
            if (output.what.path == path) return output_text(output.what);
        }
    }
    TRY(const DigestedPath* const found, files_->look(path));
    return found->text();
}

Result<std::vector<std::string>> BuildState::read_lists(std::size_t place)
{
    const PlannedUnit& planned = plan_.units[place];
    std::vector<std::string> paths;
    for (const UnitPath& list : planned.unit->inputs_from) {
        std::filesystem::path file = layout_.root() / list.text;
        std::unordered_set<std::string> made;
        for (const std::size_t dependency : planned.dependencies) {
            const BuiltUnit* const unit = built(dependency);
            if (unit == nullptr) continue;
            for (const BuiltOutput& output : unit->outputs) {
                made.insert(output.what.path);
                if (output.what.path == list.text) {
                    file = layout_.outputs(unit->directory) / list.text;
                    lists_.push_back(
                        {file.lexically_relative(layout_.root()).native(), mark_of(file)}
                    );
                }
            }
        }
        TRY(const std::string text, read_small_file(file, longest_list));
        const std::string where = order_->file.path.filename().native() + ":"
                                  + std::to_string(list.place.line) + ": " + list.text;
        std::size_t line = 0;
        for (std::string_view rest = text; !rest.empty();) {
            ++line;
            const std::size_t end = rest.find('\n');
            std::string_view name = rest.substr(0, end);
            rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
            if (name.ends_with('\r')) name.remove_suffix(1);
            if (name.empty()) continue;
            const auto clean = posix::clean_path(name, Errc::invalid_argument);
            const std::string shown = fmt::format("{} names in line {} ", where, line);
            if (!clean || clean->empty()) {
                return fail(
                    Errc::invalid_argument,
                    shown + posix::printable(name) + ", which is no path below the project"
                );
            }
            if (made.contains(*clean)) continue; // it comes with the dependency
            TRY(const DigestedPath* const found, files_->look(*clean));
            if (found->kind == DigestedPath::Kind::missing
                || found->kind == DigestedPath::Kind::directory) {
                return fail(
                    Errc::not_found,
                    shown + posix::printable(*clean)
                        + ", which is no file, and no dependency of the unit makes it"
                );
            }
            paths.push_back(*clean);
        }
    }
    std::ranges::sort(paths);
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

Result<UnitKey> BuildState::key(std::size_t place)
{
    const PlannedUnit& planned = plan_.units[place];
    const Unit& unit = *planned.unit;
    UnitKey key;
    UnitInputs& inputs = key.inputs;
    inputs.action = planned.action_id;
    inputs.command = unit.command;
    for (const auto& [name, value] : unit.env) {
        inputs.env.emplace(name, value);
    }
    for (const std::string& name : unit.pass_env) {
        const auto value = order_->environment.find(name);
        inputs.variables.emplace(
            name, variable_text(value == order_->environment.end() ? nullptr : &value->second)
        );
    }
    inputs.network = unit.network;
    for (const UnitPath& output : unit.outputs) {
        inputs.outputs.push_back(output.text);
    }
    if (unit.depfile) inputs.depfile = unit.depfile->text;
    if (!unit.inputs_from.empty()) {
        TRY(key.listed, read_lists(place));
    }
    const std::array<const std::vector<std::string>*, 2> lists{&planned.files, &key.listed};
    for (const auto* const paths : lists) {
        for (const std::string& path : *paths) {
            TRY(const DigestedPath* const found, files_->look(path));
            if (found->kind == DigestedPath::Kind::other) {
                return fail(
                    Errc::invalid_argument,
                    "its input " + posix::printable(path) + " is neither a file nor a symlink"
                );
            }
            inputs.files.emplace(path, found->text());
        }
    }
    inputs.discoverable = planned.discoverable->digest;
    for (const std::size_t dependency : planned.dependencies) {
        const BuiltUnit* const built_one = built(dependency);
        if (built_one == nullptr) {
            return fail(Errc::internal, "a dependency of " + unit.name + " is not built");
        }
        inputs.dependencies.emplace(
            plan_.units[dependency].unit->name, to_hex(outputs_digest(built_one->outputs))
        );
    }
    return key;
}

Result<Record::Table>
BuildState::discovered(std::size_t place, const std::vector<std::string>& paths)
{
    Record::Table table;
    CHECK_OK(files_->look_at(paths, false));
    for (const std::string& path : paths) {
        TRY(std::string text, input_text(place, path));
        table.emplace(path, std::move(text));
    }
    return table;
}

Result<Freshness> BuildState::freshness(std::size_t place, const UnitKey& key)
{
    const PlannedUnit& planned = plan_.units[place];
    Freshness result;
    const BuiltUnit* const last = built(place);
    Record::Table table;
    if (last != nullptr) {
        TRY(table, discovered(place, last->discovered));
    }
    if (planned.asked && order_->force) {
        result.reasons.push_back({"forced"});
        return result;
    }
    if (last != nullptr && last->key == result_key(key.inputs, table)) {
        result.fresh = true;
        result.placed = is_placed(*last);
        if (!result.placed) {
            for (const BuiltOutput& output : last->outputs) {
                const FileMark now = placed_.contains(output.what.path)
                                         ? placed_.at(output.what.path)
                                         : mark_of(layout_.root() / output.what.path);
                if (is_same(output, output.placed, now)) continue;
                const bool is_gone = now == FileMark{};
                result.reasons.push_back(
                    {is_gone ? "missing-output" : "changed-output", output.what.path}
                );
            }
        }
        return result;
    }
    const BuiltUnit* const before = log_ ? log_->latest(planned.label) : nullptr;
    if (before == nullptr) {
        result.reasons.push_back({"fresh-build"});
        return result;
    }
    const auto records = read_records(layout_.unit(before->directory));
    if (!records) {
        result.reasons.push_back({before->good ? "record-damaged" : "unfinished-run"});
        return result;
    }
    result.reasons = identity_reasons(records->action, action(planned));
    auto more = freshness_reasons(records->result, result_record(key.inputs, table));
    result.reasons.insert(result.reasons.end(), more.begin(), more.end());
    if (result.reasons.empty()) {
        result.reasons.push_back({before->good ? "nothing-obvious" : "unfinished-run"});
    }
    return result;
}

bool BuildState::is_placed(const BuiltUnit& unit)
{
    return std::ranges::all_of(unit.outputs, [&](const BuiltOutput& output) {
        const auto known = placed_.find(output.what.path);
        return known != placed_.end() && is_same(output, output.placed, known->second);
    });
}

bool BuildState::is_kept(const BuiltUnit& unit) const
{
    const std::filesystem::path out = layout_.outputs(unit.directory);
    return std::ranges::all_of(unit.outputs, [&](const BuiltOutput& output) {
        const FileMark now = mark_of(out / output.what.path);
        if (is_same(output, output.kept, now)) return true;
        // A file that loses its second name has another ctime and the same bytes.
        FileMark as_before = now;
        as_before.ctime_ns = output.kept.ctime_ns;
        return output.kept == as_before && has_bytes(out / output.what.path, output.what);
    });
}

void BuildState::mark(BuiltUnit& unit) const
{
    const std::filesystem::path out = layout_.outputs(unit.directory);
    for (BuiltOutput& output : unit.outputs) {
        output.kept = mark_of(out / output.what.path);
        output.placed = mark_of(layout_.root() / output.what.path);
    }
}

} // namespace slipway::core::graph
