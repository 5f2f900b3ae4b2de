#include "archive/unpacker.hpp"

#include "archive/posix.hpp"

#include <utility>

namespace slipway::core {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

/// Engines may cut or round an mtime to whole seconds. That is taken for the same time only when
/// the sent one is clearly older than the sending: nothing inside can have changed it to a time so
/// near by accident.
bool same_mtime(std::int64_t got, std::int64_t sent, std::int64_t begun)
{
    if (got == sent) return true;
    if (got % second_ns != 0) return false;
    if (begun == 0 || sent > begun - 2 * second_ns) return false;
    return got > sent - second_ns && got < sent + second_ns;
}

} // namespace

Unpacker::Unpacker(TarStream& from, TreeWriter& into, const UnpackOptions& options)
    : from_(&from), into_(&into), options_(&options)
{
    out_.sent_root = options.sent_root;
}

Result<Unpacked> Unpacker::run()
{
    if (!options_->strip.empty()) {
        TRY(strip_, posix::clean_path(options_->strip, Errc::invalid_argument));
    }
    if (!options_->sent_root.empty()) {
        TRY(out_.sent_root, posix::clean_path(options_->sent_root, Errc::invalid_argument));
    }
    const Result<> read = read_all();
    // Also after an error: what is there should not keep the modes it was made with.
    const Result<> finished = finish_directories();
    CHECK_OK(read);
    CHECK_OK(finished);
    return std::move(out_);
}

Result<> Unpacker::read_all()
{
    for (;;) {
        TRY(const std::optional<TarEntry> entry, from_->next());
        if (!entry) return ok();
        CHECK_OK(handle(*entry));
    }
}

Result<std::string> Unpacker::local_path(std::string_view raw) const
{
    TRY(std::string path, during(posix::clean_path(raw, Errc::protocol), "refusing the archive"));
    if (strip_.empty()) return path;
    if (path == strip_) return std::string();
    if (path.size() > strip_.size() && path.starts_with(strip_) && path[strip_.size()] == '/') {
        return path.substr(strip_.size() + 1);
    }
    return fail(
        Errc::protocol,
        "an entry in the archive is outside of " + posix::printable(strip_) + ": "
            + posix::printable(path)
    );
}

Result<> Unpacker::refuse_own_symlinks(const std::string& path) const
{
    if (symlinks_.empty()) return ok();
    for (std::string_view dir = posix::split(path).first; !dir.empty();
         dir = posix::split(dir).first) {
        if (symlinks_.contains(dir)) {
            return fail(
                Errc::protocol,
                "the archive goes through its own symlink " + posix::printable(dir) + ": "
                    + posix::printable(path)
            );
        }
    }
    return ok();
}

Result<> Unpacker::handle(const TarEntry& entry)
{
    TRY(const std::string path, local_path(entry.path));
    is_repeated_ = !out_.seen.insert(path).second;
    if (path.empty()) {
        if (entry.kind == TarEntry::Kind::entry && entry.meta.type == EntryType::directory)
            return ok();
        return fail(Errc::protocol, "the top of the archive is not a directory");
    }
    CHECK_OK(refuse_own_symlinks(path));
    switch (entry.kind) {
    case TarEntry::Kind::socket:
        out_.skipped.push_back({path, SkipReason::socket});
        return ok();
    case TarEntry::Kind::device:
        out_.skipped.push_back({path, SkipReason::device});
        return ok();
    case TarEntry::Kind::hard_link:
        return handle_hard_link(path, entry);
    case TarEntry::Kind::entry:
        break;
    }
    if (entry.meta.type == EntryType::symlink) {
        if (entry.meta.link_target.empty()) {
            return fail(Errc::protocol, "a symlink without a target: " + posix::printable(path));
        }
        symlinks_.insert(path);
    } else {
        symlinks_.erase(path);
    }
    if (entry.meta.type == EntryType::directory) return handle_directory(path, entry.meta);
    return handle_plain(path, entry.meta);
}

bool Unpacker::keeps(const std::string& path, EntryType type)
{
    if (!options_->keep || options_->keep(path, type)) return true;
    out_.skipped.push_back({path, SkipReason::filtered});
    return false;
}

Result<> Unpacker::handle_directory(const std::string& path, const ManifestEntry& meta)
{
    known_.erase(path);
    if (!keeps(path, EntryType::directory)) return ok();
    if (unchanged(path, meta) != nullptr) {
        ++out_.unchanged;
        return ok();
    }
    TRY(const bool is_new, into_->put_directory(path));
    if (is_new) out_.written.push_back(path);
    directories_.insert_or_assign(path, meta);
    return ok();
}

Result<> Unpacker::handle_plain(const std::string& path, const ManifestEntry& meta)
{
    Known& known = known_.insert_or_assign(path, Known{Fate::left_out, meta}).first->second;
    if (!keeps(path, meta.type)) return ok();
    if (unchanged(path, meta) != nullptr) {
        ++out_.unchanged;
        known.fate = Fate::unchanged;
        return ok();
    }
    CHECK_OK(clear_way(path));
    switch (meta.type) {
    case EntryType::symlink:
        CHECK_OK(into_->put_symlink(path, meta));
        break;
    case EntryType::fifo:
        CHECK_OK(into_->put_fifo(path, meta));
        break;
    case EntryType::file:
        CHECK_OK(into_->put_file(path, meta, *from_));
        out_.written_bytes += meta.size;
        break;
    case EntryType::directory:
        break; // never comes here
    }
    known.fate = Fate::written;
    out_.written.push_back(path);
    return ok();
}

Result<> Unpacker::handle_hard_link(const std::string& path, const TarEntry& entry)
{
    TRY(const std::string target, local_path(entry.hard_link));
    const auto other = known_.find(target);
    if (other == known_.end()) {
        return fail(
            Errc::protocol,
            "a hard link to what is no earlier file of the archive: " + posix::printable(path)
                + " to " + posix::printable(target)
        );
    }
    if (path == target) return ok();
    const Known source = other->second;
    Known& known = known_.insert_or_assign(path, Known{Fate::left_out, source.meta}).first->second;
    if (source.meta.type == EntryType::symlink) {
        symlinks_.insert(path);
    } else {
        symlinks_.erase(path);
    }
    if (!keeps(path, source.meta.type)) return ok();
    if (source.fate != Fate::written && unchanged(path, source.meta) != nullptr) {
        ++out_.unchanged;
        known.fate = Fate::unchanged;
        return ok();
    }
    bool is_there = source.fate == Fate::written;
    if (source.fate == Fate::unchanged) {
        TRY(is_there, into_->is_as_sent(target, *sent(target)));
    }
    if (!is_there) {
        out_.unresolved.push_back({path, target});
        return ok();
    }
    CHECK_OK(clear_way(path));
    CHECK_OK(into_->put_hard_link(path, target));
    known.fate = Fate::written;
    out_.written.push_back(path);
    return ok();
}

const ManifestEntry* Unpacker::sent(const std::string& path) const
{
    if (!options_->sent) return nullptr;
    const auto found = options_->sent->entries.find(posix::join(out_.sent_root, path));
    return found != options_->sent->entries.end() ? &found->second : nullptr;
}

const ManifestEntry* Unpacker::unchanged(const std::string& path, const ManifestEntry& meta) const
{
    const ManifestEntry* before = sent(path);
    if (is_repeated_ || before == nullptr || before->type != meta.type) return nullptr;
    if (meta.type == EntryType::symlink) {
        return before->link_target == meta.link_target ? before : nullptr;
    }
    const bool same = before->mode == meta.mode && before->size == meta.size
                      && same_mtime(meta.mtime_ns, before->mtime_ns, options_->sent->begun_ns);
    return same ? before : nullptr;
}

Result<> Unpacker::clear_way(const std::string& path)
{
    TRY(const auto found, into_->look(path));
    if (!found || !S_ISDIR(found->st_mode)) return ok();
    TRY(bool removed, into_->remove_directory(path));
    if (!removed) {
        // All is looked at before the first thing goes.
        std::vector<std::string> all;
        CHECK_OK(collect_sent(path, all));
        for (auto it = all.rbegin(); it != all.rend(); ++it) {
            TRY(const auto entry, into_->look(*it));
            if (!entry) continue;
            if (!S_ISDIR(entry->st_mode)) {
                CHECK_OK(into_->remove(*it));
                continue;
            }
            TRY([[maybe_unused]] const bool gone, into_->remove_directory(*it));
        }
        TRY(removed, into_->remove_directory(path));
    }
    if (!removed) {
        return fail(
            Errc::conflict,
            "replacing " + posix::printable(into_->shown(path)) + ": it is not empty"
        );
    }
    const std::string below = path + '/';
    directories_.erase(path);
    for (auto it = directories_.lower_bound(below);
         it != directories_.end() && it->first.starts_with(below);) {
        it = directories_.erase(it);
    }
    return ok();
}

/// Lists what is below `path`, parents first. An entry that was not sent, is not as it was sent or
/// belongs to this archive is an error.
// NOLINTNEXTLINE(misc-no-recursion)
Result<> Unpacker::collect_sent(const std::string& path, std::vector<std::string>& all)
{
    TRY(const std::vector<std::string> names, into_->list(path));
    for (const std::string& name : names) {
        const std::string below = posix::join(path, name);
        const ManifestEntry* before = sent(below);
        bool ours = before != nullptr && !out_.seen.contains(below);
        if (ours) {
            TRY(ours, into_->is_as_sent(below, *before));
        }
        if (!ours) {
            Error error(
                Errc::conflict,
                "replacing the directory " + posix::printable(into_->shown(path))
                    + ": it holds what was not sent: " + posix::printable(name)
            );
            error.hint = "move " + posix::printable(into_->shown(below)) + " away, then try again";
            return fail(std::move(error));
        }
        all.push_back(below);
        if (before->type == EntryType::directory) {
            CHECK_OK(collect_sent(below, all));
        }
    }
    return ok();
}

Result<> Unpacker::finish_directories()
{
    for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) {
        CHECK_OK(into_->set_directory(it->first, it->second));
    }
    return ok();
}

} // namespace slipway::core
