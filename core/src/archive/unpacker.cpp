#include "archive/unpacker.hpp"

#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"

#include <utility>

namespace slipway::core {

namespace {

/// A file that may be unchanged waits in memory up to this size until its hash is known. A larger
/// one, if it has changed after all, is asked for again.
constexpr std::uint64_t held_bytes = std::uint64_t{1} << 20;

const ManifestEntry* found_in(const Manifest* manifest, const std::string& path)
{
    if (manifest == nullptr) return nullptr;
    const auto found = manifest->entries.find(path);
    return found != manifest->entries.end() ? &found->second : nullptr;
}

bool same_content(const ManifestEntry& a, const ManifestEntry& b)
{
    return a.type != EntryType::file || (a.content && a.content == b.content);
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
    if (options_->sent) note_caches();
    const Result<> read = read_all();
    // Also after an error: what is there should not keep the modes it was made with.
    const Result<> finished = finish_directories();
    CHECK_OK(read);
    CHECK_OK(finished);
    return std::move(out_);
}

void Unpacker::note_caches()
{
    const std::string prefix = out_.sent_root.empty() ? "" : out_.sent_root + '/';
    for (const SkippedEntry& skipped : options_->sent->skipped) {
        if (skipped.reason == SkipReason::tagged_cache && skipped.path.starts_with(prefix)) {
            caches_.insert(skipped.path.substr(prefix.size()));
        }
    }
}

Result<> Unpacker::read_all()
{
    for (;;) {
        TRY(const std::optional<TarEntry> entry, from_->next());
        if (!entry) return ok();
        CHECK_OK(handle(*entry));
    }
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
    TRY(const std::string path, path_below(strip_, entry.path));
    is_repeated_ = !out_.seen.insert(path).second;
    const auto earlier = known_.find(path);
    is_ours_ = directories_.contains(path)
               || (earlier != known_.end() && earlier->second.fate == Fate::written);
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
    if (unchanged(path, meta)) {
        ++out_.unchanged;
        return ok();
    }
    TRY(const Place place, place_for(path, meta));
    if (place != Place::free) return ok();
    TRY(const bool is_new, into_->put_directory(path));
    if (is_new) out_.written.push_back(path);
    directories_.insert_or_assign(path, Directory{meta, is_new});
    return ok();
}

Result<> Unpacker::handle_plain(const std::string& path, const ManifestEntry& meta)
{
    Known& known = known_.insert_or_assign(path, Known{Fate::left_out, meta}).first->second;
    const bool is_kept = keeps(path, meta.type);
    if (meta.type == EntryType::file) return handle_file(path, known, is_kept);
    if (!is_kept) return ok();
    if (unchanged(path, meta)) {
        ++out_.unchanged;
        known.fate = Fate::unchanged;
        return ok();
    }
    TRY(const Place place, place_for(path, meta));
    if (place != Place::stays) known.fate = Fate::written;
    if (place != Place::free) return ok();
    if (meta.type == EntryType::symlink) {
        CHECK_OK(into_->put_symlink(path, meta));
    } else {
        CHECK_OK(into_->put_fifo(path, meta));
    }
    out_.written.push_back(path);
    return ok();
}

Result<> Unpacker::handle_file(const std::string& path, Known& known, bool is_kept)
{
    ManifestEntry& meta = known.meta;
    if (is_kept && resembled(path, meta) == nullptr) {
        TRY(const bool reachable, is_reachable(path));
        if (reachable) {
            return put_file(path, known, [&](const TarStream::Piece& piece) {
                return from_->data(meta.size, piece);
            });
        }
    }
    // Its bytes tell whether it has changed. Those of a file that is left out do so for its hard
    // links.
    std::string held;
    ContentHasher hasher;
    CHECK_OK(from_->data(meta.size, [&](std::uint64_t offset, std::string_view piece) {
        hasher.add(offset, piece);
        if (meta.size <= held_bytes) {
            held.resize(static_cast<std::size_t>(offset));
            held.append(piece);
        }
        return ok();
    }));
    meta.content = hasher.finish(meta.size);
    if (!is_kept) return ok();
    if (unchanged(path, meta)) {
        ++out_.unchanged;
        known.fate = Fate::unchanged;
        return ok();
    }
    if (meta.size <= held_bytes) {
        TRY(const bool reachable, is_reachable(path));
        if (reachable) {
            held.resize(static_cast<std::size_t>(meta.size));
            return put_file(path, known, [&](const TarStream::Piece& piece) {
                return piece(0, held);
            });
        }
    }
    TRY(const Place place, place_for(path, meta));
    if (place == Place::same) known.fate = Fate::written;
    if (place == Place::free) out_.unresolved.push_back({path, {}});
    return ok();
}

Result<> Unpacker::put_file(const std::string& path, Known& known, const TreeWriter::Bytes& bytes)
{
    ContentHasher hasher;
    const auto hashed = [&](const TarStream::Piece& write) {
        return bytes([&](std::uint64_t offset, std::string_view piece) {
            hasher.add(offset, piece);
            return write(offset, piece);
        });
    };
    TRY(TreeWriter::NewFile file, into_->write_file(path, known.meta, hashed));
    known.meta.content = hasher.finish(known.meta.size);
    // As late as can be: someone may have saved the file while its bytes came.
    TRY(const Place place, place_for(path, known.meta));
    if (place != Place::stays) known.fate = Fate::written;
    if (place != Place::free) return ok();
    CHECK_OK(into_->put_file(std::move(file)));
    out_.written.push_back(path);
    out_.written_bytes += known.meta.size;
    return ok();
}

Result<> Unpacker::handle_hard_link(const std::string& path, const TarEntry& entry)
{
    TRY(const std::string target, path_below(strip_, entry.hard_link));
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
    if (source.fate != Fate::written && unchanged(path, source.meta)) {
        ++out_.unchanged;
        known.fate = Fate::unchanged;
        return ok();
    }
    TRY(const Place place, place_for(path, source.meta));
    if (place == Place::same) known.fate = Fate::written;
    if (place != Place::free) return ok();
    bool is_there = source.fate == Fate::written;
    if (const ManifestEntry* before = sent(target);
        source.fate == Fate::unchanged && before != nullptr) {
        TRY(is_there, into_->is_as_sent(target, *before));
    }
    if (!is_there) {
        out_.unresolved.push_back({path, target});
        return ok();
    }
    CHECK_OK(into_->put_hard_link(path, target));
    known.fate = Fate::written;
    out_.written.push_back(path);
    return ok();
}

const ManifestEntry* Unpacker::sent(const std::string& path) const
{
    return found_in(options_->sent.get(), posix::join(out_.sent_root, path));
}

bool Unpacker::is_in_cache(std::string_view path) const
{
    for (; !path.empty(); path = posix::split(path).first) {
        if (caches_.contains(path)) return true;
    }
    return false;
}

const ManifestEntry* Unpacker::resembled(const std::string& path, const ManifestEntry& meta) const
{
    const ManifestEntry* before = sent(path);
    if (before == nullptr) before = found_in(options_->stood.get(), path);
    if (is_repeated_ || before == nullptr || before->type != meta.type) return nullptr;
    if (meta.type == EntryType::symlink) {
        return before->link_target == meta.link_target ? before : nullptr;
    }
    const bool same = before->mode == meta.mode && before->size == meta.size
                      && posix::same_mtime(meta.mtime_ns, before->mtime_ns);
    return same ? before : nullptr;
}

bool Unpacker::unchanged(const std::string& path, const ManifestEntry& meta) const
{
    const ManifestEntry* before = resembled(path, meta);
    return before != nullptr && same_content(*before, meta);
}

Result<bool> Unpacker::is_reachable(const std::string& path)
{
    const auto found = into_->look(path);
    if (!found && found.error().code == Errc::conflict && options_->sent) return false;
    CHECK_OK(found);
    return true;
}

Result<Unpacker::Place> Unpacker::place_for(const std::string& path, const ManifestEntry& meta)
{
    TRY(const bool reachable, is_reachable(path));
    if (reachable) {
        TRY(const bool free, make_way(path, meta));
        if (free) return Place::free;
        TRY(const bool same, into_->holds(path, meta));
        if (same) return Place::same;
    }
    const ManifestEntry* before = sent(path);
    const bool is_lost = before == nullptr || before->type != meta.type || before->mode != meta.mode
                         || before->link_target != meta.link_target || !same_content(*before, meta);
    if (is_lost) out_.kept.push_back({path, KeepReason::changed});
    return Place::stays;
}

Result<bool> Unpacker::make_way(const std::string& path, const ManifestEntry& meta)
{
    TRY(const auto found, into_->look(path));
    if (!found) return true;
    const bool is_directory = S_ISDIR(found->st_mode);
    if (is_directory && meta.type == EntryType::directory) return true;
    if (options_->sent && !is_ours_ && !is_in_cache(path)) {
        const ManifestEntry* before = sent(path);
        if (before == nullptr) return false; // made on this side meanwhile
        TRY(const bool as_sent, into_->is_as_sent(path, *before));
        if (!as_sent) return false;
    }
    if (!is_directory) return true;
    const Result<> cleared = clear_way(path);
    if (!cleared && cleared.error().code == Errc::conflict && options_->sent) return false;
    CHECK_OK(cleared);
    return true;
}

Result<> Unpacker::clear_way(const std::string& path)
{
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
    Result<> first = ok();
    for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) {
        const auto& [path, directory] = *it;
        const ManifestEntry* before = sent(path);
        const bool same_mode = before != nullptr && before->mode == directory.meta.mode;
        const auto mode =
            same_mode && !directory.is_new ? TreeWriter::Mode::leave : TreeWriter::Mode::set;
        const Result<> set = into_->set_directory(path, directory.meta, mode);
        if (set) continue;
        // Another's directory keeps its own. What it holds is right all the same.
        const Errc code = set.error().code;
        const bool matters = directory.is_new
                             || (code != Errc::permission_denied && code != Errc::not_found
                                 && code != Errc::conflict);
        if (matters && first) first = set;
    }
    return first;
}

} // namespace slipway::core
