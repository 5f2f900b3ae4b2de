#include "graph/tool_state.hpp"

#include "ascii.hpp"
#include "digest/look.hpp"
#include "graph/source_names.hpp"
#include "path_inside.hpp"

#include <slipway/core/input_digests.hpp>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

namespace slipway::core::graph {

namespace fs = std::filesystem;

namespace {

// What names the commit, which programs that are built like to tell: the rest of .git changes when
// somebody looks at it.
constexpr std::array<std::string_view, 3> commit_files{
    ".git/HEAD", ".git/packed-refs", ".git/refs"};

// So that nothing is another one because the checkout stands elsewhere.
std::string without_root(std::string text, const std::string& root)
{
    constexpr std::string_view instead = "{workspace}";
    for (std::size_t at = text.find(root); at != std::string::npos; at = text.find(root, at)) {
        const std::size_t end = at + root.size();
        const bool whole = end == text.size() || !is_letter_or_digit(text[end]);
        if (whole) text.replace(at, root.size(), instead);
        at += whole ? instead.size() : root.size();
    }
    return text;
}

void take_root_out(UnitInputs& inputs, const std::string& root)
{
    for (std::string& word : inputs.command) {
        word = without_root(std::move(word), root);
    }
    for (auto* const table : {&inputs.env, &inputs.variables}) {
        for (auto& [name, value] : *table) {
            value = without_root(std::move(value), root);
        }
    }
}

// A file that loses its second name, or gets one, is the same file.
bool is_still(const FileMark& was, FileMark now)
{
    now.ctime_ns = was.ctime_ns;
    return was == now && now.mode != 0;
}

} // namespace

ToolState::ToolState(ToolUnit unit)
    : unit_(std::move(unit)), layout_(unit_.root), action_(action_record(unit_.identity))
{
    take_root_out(unit_.inputs, unit_.root.native());
    unit_.inputs.action = action_.digest();
    const UnitIdentity& identity = unit_.identity;
    directory_ = Layout::unit_name(identity.name, unit_.inputs.action);
    label_ = identity.name + " " + identity.target + " " + identity.profile + " " + identity.path;
}

Result<ToolState> ToolState::open(ToolUnit unit, bool read_only)
{
    ToolState state(std::move(unit));
    state.read_only_ = read_only;
    const fs::path build = state.layout_.build_directory();
    if (read_only) {
        TRY(state.log_, BuildLog::read(build));
        return state;
    }
    CHECK_OK(state.layout_.make());
    CHECK_OK(state.layout_.make_unit(state.directory_));
    TRY(state.log_, BuildLog::open(build));
    return state;
}

Result<> ToolState::take_sources(const fs::path& top, const std::string& shown)
{
    SourceNames names(top);
    TRY(const SourceNames::Paths all, names.matching("**"));
    std::vector<std::string> paths;
    for (const std::string& path : *all) {
        if (!is_in(top / path, unit_.results)) paths.push_back(path);
    }
    for (const std::string_view commit : commit_files) {
        std::error_code failed;
        const fs::path at = top / commit;
        const fs::file_status status = fs::symlink_status(at, failed);
        if (fs::is_regular_file(status)) paths.emplace_back(commit);
        if (!fs::is_directory(status)) continue;
        for (const auto& one : fs::recursive_directory_iterator(at, failed)) {
            if (one.is_regular_file(failed)) paths.push_back(one.path().lexically_relative(top));
        }
    }
    std::ranges::sort(paths);
    const std::string notes = shown.empty() ? "digests" : "digests-" + to_hex(sha256(shown));
    TRY(InputDigests digests,
        InputDigests::open(top, read_only_ ? fs::path() : layout_.build_directory() / notes));
    TRY(const auto found, digests.look(paths));
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (found[i].kind == DigestedPath::Kind::missing) continue; // it went meanwhile
        unit_.inputs.files.emplace(shown + paths[i], found[i].text());
    }
    if (!read_only_) static_cast<void>(digests.save()); // else files are read again
    return ok();
}

Result<> ToolState::look()
{
    if (!read_only_) {
        CHECK_OK(log_->refresh());
    }
    unit_.inputs.files.clear();
    CHECK_OK(take_sources(unit_.root, ""));
    for (const fs::path& beside : unit_.beside) {
        if (is_in(beside, unit_.root)) continue;
        CHECK_OK(take_sources(beside, beside.native() + "/"));
    }
    reasons_ = find_reasons();
    return ok();
}

void ToolState::add_output_reasons(const BuiltUnit& built, std::vector<DirtyReason>& reasons) const
{
    for (const BuiltOutput& output : built.outputs) {
        const FileMark now = mark_of(unit_.results / output.what.path);
        if (is_still(output.placed, now)) continue;
        const fs::path shown = (unit_.results / output.what.path).lexically_relative(unit_.root);
        reasons.push_back({now.mode == 0 ? "missing-output" : "changed-output", shown.native()});
    }
}

std::vector<DirtyReason> ToolState::find_reasons() const
{
    const BuiltUnit* const last = log_->find(directory_);
    std::vector<DirtyReason> reasons;
    if (last != nullptr && last->good && last->key == result_key(unit_.inputs, {})) {
        add_output_reasons(*last, reasons);
        return reasons;
    }
    const BuiltUnit* const before = log_->latest(label_);
    if (before == nullptr) return {{"fresh-build"}};
    const auto records = read_records(layout_.unit(before->directory));
    if (!records) return {{before->good ? "record-damaged" : "unfinished-run"}};
    reasons = identity_reasons(records->action, action_);
    auto more = freshness_reasons(records->result, result_record(unit_.inputs, {}));
    reasons.insert(reasons.end(), more.begin(), more.end());
    if (reasons.empty()) reasons.push_back({before->good ? "nothing-obvious" : "unfinished-run"});
    return reasons;
}

Result<> ToolState::begin()
{
    BuiltUnit begun;
    begun.directory = directory_;
    begun.label = label_;
    return log_->add(std::move(begun));
}

// Cargo's lock file of a first build, which is no reason for a second one.
Result<> ToolState::take_made_inputs()
{
    std::vector<std::string> made;
    for (const std::string& path : unit_.made_inputs) {
        if (!unit_.inputs.files.contains(path)) made.push_back(path);
    }
    TRY(InputDigests digests, InputDigests::open(unit_.root, {}));
    TRY(const auto found, digests.look(made));
    for (std::size_t i = 0; i < made.size(); ++i) {
        if (found[i].kind != DigestedPath::Kind::file) continue;
        unit_.inputs.files.emplace(made[i], found[i].text());
    }
    return ok();
}

Result<std::vector<BuiltOutput>> ToolState::outputs() const
{
    std::vector<BuiltOutput> all;
    std::error_code failed;
    fs::recursive_directory_iterator at(unit_.results, failed);
    for (const fs::recursive_directory_iterator end; !failed && at != end; at.increment(failed)) {
        std::error_code unknown;
        const bool directory = !at->is_symlink(unknown) && at->is_directory(unknown);
        BuiltOutput output;
        output.what.path = at->path().lexically_relative(unit_.results).native();
        const auto type = directory ? EntryType::directory : EntryType::file;
        if (!unit_.is_output(output.what.path, type)) {
            if (directory) at.disable_recursion_pending();
            continue;
        }
        if (directory) continue;
        output.placed = mark_of(at->path());
        all.push_back(std::move(output));
    }
    if (failed && failed != std::errc::no_such_file_or_directory) {
        return fail(Errc::io, "listing " + unit_.results.native() + ": " + failed.message());
    }
    std::ranges::sort(all, {}, [](const BuiltOutput& one) -> const std::string& {
        return one.what.path;
    });
    return all;
}

Result<> ToolState::end(std::string_view log, std::int64_t duration_ms)
{
    BuiltUnit built;
    TRY(built.outputs, outputs());
    if (built.outputs.empty()) return ok();
    CHECK_OK(take_made_inputs());
    const Record result = result_record(unit_.inputs, {});
    write_log_file(directory(), log);
    CHECK_OK(write_records(directory(), {action_, result}));
    built.directory = directory_;
    built.label = label_;
    built.key = result.digest();
    built.duration_ms = duration_ms;
    built.good = true;
    return log_->add(std::move(built));
}

} // namespace slipway::core::graph
