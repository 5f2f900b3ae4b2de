#include "digest/notes.hpp"

#include "agent/codec.hpp"
#include "archive/content_hasher.hpp"

#include <xxhash.h>

#include <algorithm>

namespace slipway::core {

namespace {

constexpr std::string_view notes_magic = "slipway digests 1\n";
constexpr std::size_t notes_checksum = 16;
constexpr std::uint8_t most_idle = 100;

} // namespace

void Notes::Entry::fields(auto& f, auto& e)
{
    f(e.path_size), f(e.idle);
    f(e.mark.device), f(e.mark.inode), f(e.mark.size);
    f(e.mark.mtime_ns), f(e.mark.ctime_ns), f(e.mark.mode);
    f(e.digest.bytes);
}

std::string Notes::encode() const
{
    constexpr std::size_t entry_bytes = sizeof(Entry);
    std::string paths;
    std::string entries;
    paths.reserve(paths_.size());
    entries.reserve(entries_.size() * entry_bytes);
    std::uint32_t count = 0;
    agent::Writer write(entries);
    for (const Entry& known : entries_) {
        Entry entry = known;
        entry.idle = static_cast<std::uint8_t>(entry.asked_for ? 0 : entry.idle + 1);
        if (entry.mark.mode == 0 || entry.idle > most_idle) continue;
        paths += path_of(entry);
        write.field(entry);
        ++count;
    }
    std::string body;
    body.reserve(paths.size() + entries.size() + 2 * sizeof count);
    agent::Writer all(body);
    all(paths);
    all(count);
    body += entries;
    return std::string(notes_magic) + bytes_of(content_hash(body)) + body;
}

std::optional<Notes> Notes::decode(std::string_view bytes)
{
    if (!bytes.starts_with(notes_magic)) return std::nullopt;
    bytes.remove_prefix(notes_magic.size());
    if (bytes.size() < notes_checksum) return std::nullopt;
    const std::string_view body = bytes.substr(notes_checksum);
    if (bytes_of(content_hash(body)) != bytes.substr(0, notes_checksum)) return std::nullopt;
    Notes notes;
    agent::Reader read(body);
    std::uint32_t count = 0;
    read(notes.paths_);
    read(count);
    // An entry has more than these: a count that lies takes no memory.
    notes.entries_.reserve(std::min<std::size_t>(count, body.size() / sizeof(FileMark)));
    std::uint64_t path_at = 0;
    for (std::uint32_t i = 0; i < count && read.good(); ++i) {
        Entry& entry = notes.entries_.emplace_back();
        read.field(entry);
        entry.path_at = path_at;
        path_at += entry.path_size;
    }
    if (!read.whole() || path_at != notes.paths_.size()) return std::nullopt;
    return notes;
}

// The slot that has the path, or the empty one where it belongs.
std::size_t Notes::slot_of(std::string_view path) const noexcept
{
    const std::size_t mask = slots_.size() - 1;
    auto slot = static_cast<std::size_t>(::XXH3_64bits(path.data(), path.size())) & mask;
    while (slots_[slot] != nowhere && path_of(entries_[slots_[slot]]) != path) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

void Notes::make_slots()
{
    std::size_t size = 1'024;
    while (size < 4 * entries_.size()) {
        size *= 2;
    }
    slots_.assign(size, nowhere);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        slots_[slot_of(path_of(entries_[i]))] = static_cast<Place>(i);
    }
}

Notes::Place Notes::find(std::string_view path)
{
    Place place = next_;
    if (place >= entries_.size() || path_of(entries_[place]) != path) {
        if (entries_.empty()) return nowhere;
        if (slots_.empty()) make_slots();
        place = slots_[slot_of(path)];
        if (place == nowhere) return nowhere;
    }
    next_ = place + 1;
    entries_[place].asked_for = true;
    return place;
}

void Notes::put(Place place, std::string_view path, const FileMark& mark, const Sha256& digest)
{
    changed_ = true;
    // A path that is asked for twice at once was found neither time.
    if (place == nowhere) place = find(path);
    if (place == nowhere) {
        place = static_cast<Place>(entries_.size());
        Entry& entry = entries_.emplace_back();
        entry.path_at = paths_.size();
        entry.path_size = static_cast<std::uint32_t>(path.size());
        paths_ += path;
        if (!slots_.empty() && slots_.size() < 2 * entries_.size()) {
            make_slots();
        } else if (!slots_.empty()) {
            slots_[slot_of(path)] = place;
        }
    }
    Entry& entry = entries_[place];
    entry.asked_for = true;
    entry.mark = mark;
    entry.digest = digest;
}

void Notes::forget(Place place)
{
    changed_ = changed_ || entries_[place].mark.mode != 0;
    entries_[place].mark = {};
}

} // namespace slipway::core
