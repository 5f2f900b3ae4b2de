#include "graph/left_files.hpp"

#include "archive/posix.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace slipway::core::graph {

namespace {

constexpr std::size_t most_shown = 5;

std::string listed(const std::vector<std::string>& paths)
{
    std::vector<std::string> shown;
    for (const std::string& path : paths) {
        if (shown.size() == most_shown) break;
        shown.push_back(posix::printable(path));
    }
    const std::string more =
        paths.size() > most_shown ? fmt::format(" and {} more", paths.size() - most_shown) : "";
    return fmt::format("{}{}", fmt::join(shown, ", "), more);
}

std::string_view without_slash(std::string_view output)
{
    if (output.ends_with('/')) output.remove_suffix(1);
    return output;
}

} // namespace

Result<LeftFiles> LeftFiles::expect(const UnitRun& order)
{
    LeftFiles files;
    files.order_ = &order;
    for (const UnitPath& pattern : order.unit->scratch) {
        TRY(PathPattern parsed, PathPattern::parse(pattern.text));
        files.scratch_.push_back(std::move(parsed));
    }
    for (const SentPath& sent : order.sent) {
        Sent entry;
        entry.type = sent.type;
        entry.link_target = sent.link_target;
        if (sent.type == EntryType::file) {
            struct stat status {};
            if (::stat(sent.local.c_str(), &status) != 0) {
                return fail(posix::error(errno, "reading", sent.local.native()));
            }
            entry.size = static_cast<std::uint64_t>(status.st_size);
            entry.mtime_ns = posix::mtime_ns(status);
        }
        files.sent_.emplace(sent.path, entry);
    }
    return files;
}

bool LeftFiles::is_declared(std::string_view path) const
{
    const Unit& unit = *order_->unit;
    if (unit.depfile && unit.depfile->text == path) return true;
    for (const UnitPath& output : unit.outputs) {
        const std::string_view own = without_slash(output.text);
        if (path == own) return true;
        const bool below = path.starts_with(own) && path.substr(own.size()).starts_with('/');
        if (below && output.text.ends_with('/')) return true;
    }
    return std::ranges::any_of(scratch_, [path](const PathPattern& pattern) {
        return pattern.matches(path);
    });
}

void LeftFiles::add(const TreeEntry& entry)
{
    if (entry.path == "." || entry.kind != TreeEntry::Kind::entry) return;
    const EntryType type = entry.meta.type;
    made_.emplace(entry.path, type);
    const auto sent = sent_.find(entry.path);
    if (sent != sent_.end()) sent->second.seen = true;
    if (sent != sent_.end() && sent->second.type != EntryType::directory) {
        const Sent& was = sent->second;
        const bool same_file = type == EntryType::file && was.type == type
                               && was.size == entry.meta.size
                               && posix::same_mtime(entry.meta.mtime_ns, was.mtime_ns);
        const bool same_link = type == EntryType::symlink && was.type == type
                               && entry.meta.link_target == was.link_target;
        if (!same_file && !same_link && !is_declared(entry.path)) modified_.push_back(entry.path);
        return;
    }
    if (type == EntryType::directory) return;
    if (!is_declared(entry.path)) undeclared_.push_back(entry.path);
}

std::string LeftFiles::complaint() const
{
    const Unit& unit = *order_->unit;
    std::vector<std::string> missing;
    for (const UnitPath& output : unit.outputs) {
        const auto made = made_.find(std::string(without_slash(output.text)));
        const bool as_directory = output.text.ends_with('/');
        if (made == made_.end()) {
            missing.push_back(output.text);
        } else if (as_directory != (made->second == EntryType::directory)) {
            return fmt::format(
                "{}: unit {} has the output {}, but made a {} there",
                order_->place,
                unit.name,
                posix::printable(output.text),
                to_string(made->second)
            );
        }
    }
    if (!missing.empty()) {
        return fmt::format(
            "{}: unit {} did not make its output {}", order_->place, unit.name, listed(missing)
        );
    }
    if (!modified_.empty()) {
        return fmt::format(
            "{}: unit {} modified its input {}", order_->place, unit.name, listed(modified_)
        );
    }
    if (!undeclared_.empty()) {
        return fmt::format(
            "{}: unit {} made {}, which {} not among its outputs",
            order_->place,
            unit.name,
            listed(undeclared_),
            undeclared_.size() == 1 ? "is" : "are"
        );
    }
    if (const auto gone = removed(); !gone.empty()) {
        return fmt::format(
            "{}: unit {} removed its input {}", order_->place, unit.name, listed(gone)
        );
    }
    return {};
}

std::vector<std::string> LeftFiles::removed() const
{
    std::vector<std::string> gone;
    for (const auto& [path, sent] : sent_) {
        if (sent.seen || sent.type == EntryType::directory || is_declared(path)) continue;
        gone.push_back(path);
    }
    std::ranges::sort(gone);
    return gone;
}

std::string LeftFiles::hint() const
{
    if (!modified_.empty()) {
        return "its copy was changed, which nobody else sees: write to a file that is an output";
    }
    if (!undeclared_.empty()) {
        return "name it under `outputs`, or under `scratch` if nobody needs it; /tmp is free for "
               "all else";
    }
    if (!removed().empty()) return "its copy is gone, which nobody else sees: copy it, or read it";
    return {};
}

} // namespace slipway::core::graph
