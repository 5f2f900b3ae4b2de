#include "graph/tool_state.hpp"

#include "archive/posix.hpp"
#include "ascii.hpp"
#include "digest/look.hpp"
#include "graph/depfile.hpp"
#include "graph/source_names.hpp"
#include "path_inside.hpp"
#include "small_file.hpp"

#include <slipway/core/input_digests.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace slipway::core::graph {

namespace fs = std::filesystem;

namespace {

// Of .git: what names the commit and its tags, which programs that are built like to tell. The rest
// changes when somebody looks at it.
std::vector<std::string> commit_files(const fs::path& top)
{
    constexpr std::string_view reference = "ref: ";
    constexpr std::size_t longest_head = 4096;
    std::vector<std::string> files{".git/HEAD", ".git/packed-refs"};
    const auto head = read_small_file(top / files.front(), longest_head);
    if (head && head->starts_with(reference)) {
        const std::string_view name = std::string_view(*head).substr(reference.size());
        files.push_back(".git/" + std::string(name.substr(0, name.find('\n'))));
    }
    std::error_code failed;
    fs::recursive_directory_iterator at(top / ".git/refs/tags", failed);
    for (const fs::recursive_directory_iterator end; !failed && at != end; at.increment(failed)) {
        files.push_back(at->path().lexically_relative(top));
    }
    std::erase_if(files, [&top](const std::string& file) {
        return !S_ISREG(mark_of(top / file).mode) || !posix::clean_path(file, Errc::io);
    });
    return files;
}

constexpr std::size_t longest_named_list = std::size_t{64} << 20;

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
    if (unit_.movable) take_root_out(unit_.inputs, unit_.root.native());
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

Result<std::vector<std::string>> ToolState::sources_of(const Top& top) const
{
    const std::string results = is_in(unit_.results, top.path)
                                    ? unit_.results.lexically_relative(top.path).native() + "/"
                                    : "";
    SourceNames names(top.path);
    TRY(const SourceNames::Paths all, names.matching("**"));
    std::vector<std::string> files;
    files.reserve(all->size());
    for (const std::string& path : *all) {
        const bool made = !results.empty() && path.starts_with(results);
        // Of a repository in the repository.
        if (!made && path.find("/.git/") == std::string::npos) files.push_back(path);
    }
    for (std::string& file : commit_files(top.path)) {
        files.push_back(std::move(file));
    }
    return files;
}

Result<> ToolState::look_at(Top& top, const std::atomic<bool>& stop)
{
    TRY(top.files, sources_of(top));
    const std::string notes =
        top.shown.empty() ? "digests" : "digests-" + to_hex(sha256(top.shown));
    TRY(InputDigests digests,
        InputDigests::open(top.path, read_only_ ? fs::path() : layout_.build_directory() / notes));
    digests.stop_when(&stop);
    TRY(const auto found, digests.look(top.files));
    top.marks.clear();
    for (std::size_t i = 0; i < top.files.size(); ++i) {
        top.marks.push_back(found[i].mark);
        if (found[i].kind == DigestedPath::Kind::missing) continue; // it went meanwhile
        unit_.inputs.files.emplace(top.shown + top.files[i], found[i].text());
    }
    if (!read_only_) static_cast<void>(digests.save()); // else files are read again
    return ok();
}

Result<> ToolState::take_discovered(const std::vector<std::string>& paths)
{
    discovered_.clear();
    if (paths.empty()) return ok();
    TRY(InputDigests digests, InputDigests::open(unit_.root, {}));
    TRY(const auto found, digests.look(paths));
    for (std::size_t i = 0; i < paths.size(); ++i) {
        discovered_.emplace(paths[i], found[i].text());
    }
    return ok();
}

Result<> ToolState::look(const std::atomic<bool>& stop)
{
    if (!read_only_) {
        CHECK_OK(log_->refresh());
    }
    tops_ = {{unit_.root, ""}};
    for (const fs::path& beside : unit_.beside) {
        if (!is_in(beside, unit_.root)) tops_.push_back({beside, beside.native() + "/"});
    }
    unit_.inputs.files.clear();
    for (Top& top : tops_) {
        CHECK_OK(look_at(top, stop));
    }
    const BuiltUnit* const last = log_->find(directory_);
    CHECK_OK(take_discovered(last == nullptr ? std::vector<std::string>() : last->discovered));
    reasons_ = find_reasons();
    return ok();
}

// What somebody has written to meanwhile may have been read as it is no more.
Result<bool> ToolState::still_as_looked_at() const
{
    for (const Top& top : tops_) {
        TRY(const InputDigests digests, InputDigests::open(top.path, {}));
        if (digests.marks(top.files) != top.marks) return false;
    }
    return true;
}

// Those that are no sources anyway, with the manifests above them.
std::vector<std::string> ToolState::named_by_depfiles(const std::vector<BuiltOutput>& outputs) const
{
    std::set<std::string> named;
    for (const BuiltOutput& output : outputs) {
        if (unit_.depfiles.empty() || !output.what.path.ends_with(unit_.depfiles)) continue;
        const auto text = read_small_file(unit_.results / output.what.path, longest_named_list);
        if (!text) continue;
        const auto paths = parse_depfile(*text);
        if (!paths) continue;
        for (const std::string& path : *paths) {
            const fs::path file = (unit_.root / path).lexically_normal();
            if (!is_in(file, unit_.root) || is_in(file, unit_.results)) continue;
            const std::string name = file.lexically_relative(unit_.root).native();
            if (unit_.inputs.files.contains(name)) continue;
            named.insert(name);
            for (std::string_view at = posix::split(name).first; !at.empty();
                 at = posix::split(at).first) {
                const std::string manifest = posix::join(at, unit_.manifest);
                if (!unit_.inputs.files.contains(manifest)) named.insert(manifest);
            }
        }
    }
    return {named.begin(), named.end()};
}

bool ToolState::has_log(const BuiltUnit& built) const
{
    const std::string bytes = log();
    return bytes.size() == built.log.size && sha256(bytes) == built.log.digest;
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
    if (last != nullptr && last->good && last->key == result_key(unit_.inputs, discovered_)) {
        add_output_reasons(*last, reasons);
        if (reasons.empty() && !has_log(*last)) reasons.push_back({"record-damaged"});
        return reasons;
    }
    const BuiltUnit* const before = log_->latest(label_);
    if (before == nullptr) return {{"fresh-build"}};
    const auto records = read_records(layout_.unit(before->directory));
    if (!records) return {{before->good ? "record-damaged" : "unfinished-run"}};
    reasons = identity_reasons(records->action, action_);
    auto more = freshness_reasons(records->result, result_record(unit_.inputs, discovered_));
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
    const bool never_done =
        !unit_.never_done.empty() && mark_of(unit_.results / unit_.never_done).mode != 0;
    TRY(const bool unchanged, still_as_looked_at());
    if (built.outputs.empty() || never_done || !unchanged) return ok();
    CHECK_OK(take_made_inputs());
    built.discovered = named_by_depfiles(built.outputs);
    CHECK_OK(take_discovered(built.discovered));
    const Record result = result_record(unit_.inputs, discovered_);
    write_log_file(directory(), log);
    CHECK_OK(write_records(directory(), {action_, result}));
    built.directory = directory_;
    built.label = label_;
    built.key = result.digest();
    built.log = {sha256(log), log.size()};
    built.duration_ms = duration_ms;
    built.good = true;
    return log_->add(std::move(built));
}

} // namespace slipway::core::graph
