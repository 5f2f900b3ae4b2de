#include "archive/posix.hpp"
#include "archive/renamed_tar.hpp"
#include "sandbox/by_exec/run_script.hpp"
#include "sandbox/by_exec/sandbox.hpp"

#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/archive.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace slipway::core::by_exec {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

bool is_below(const std::string& path, const std::string& directory)
{
    return path == directory || directory.empty() || path.starts_with(directory + "/");
}

// "/work/x" -> "work/x", as names are in an archive of "/".
std::string plain(const std::string& directory)
{
    std::string path = fs::path(directory).lexically_normal().relative_path().string();
    while (path.ends_with('/')) {
        path.pop_back();
    }
    return path == "." ? std::string() : path;
}

// Where an entry stands in the sandbox, and which of the directories that can be written to has it.
struct Target {
    std::string place; ///< without the leading slash
    std::string rest;  ///< below it
};

std::optional<Target> target_of(const std::vector<std::string>& writable, const std::string& path)
{
    std::optional<Target> best;
    for (const std::string& directory : writable) {
        const std::string place = plain(directory);
        if (!is_below(path, place) || (best && best->place.size() > place.size())) continue;
        best =
            Target{place, path == place ? "" : path.substr(place.empty() ? 0 : place.size() + 1)};
    }
    return best;
}

Error read_only(const std::string& path)
{
    return {Errc::engine, "/" + path + " is on the sandbox's read-only file system"};
}

// An archive call writes below one of the directories that can be written to; all others are
// read-only. The first entry chooses it.
struct Choice {
    std::string directory; ///< where the archive's names begin, without the leading slash
    std::vector<std::string> writable;
    std::optional<std::string> place{}; ///< written by a thread before it gives its first byte
    std::vector<std::string> links{};   ///< names and targets of those that dockerd refuses
};

// It takes an absolute link for one below the place, as it does any other path.
bool leads_out(const std::string& name, const std::string& target)
{
    if (target.starts_with('/')) return false;
    const fs::path way = (fs::path(name).parent_path() / target).lexically_normal();
    return way == ".." || way.string().starts_with("../");
}

// $1: where it is, $2: what it points to, and so on.
constexpr const char* link_script = R"(
while [ $# -gt 1 ]; do
if [ -d "$1" ] && [ ! -h "$1" ]; then rmdir -- "$1" || exit; fi
ln -s -n -f -- "$2" "$1" || exit
shift 2
done
)";

Task<> make_links(std::shared_ptr<Sandbox> sandbox, std::vector<std::string> links)
{
    constexpr std::size_t most_words = 256; // of a command
    for (std::size_t at = 0; at < links.size(); at += most_words) {
        const auto begin = links.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min(most_words, links.size() - at);
        std::vector<std::string> words(begin, begin + static_cast<std::ptrdiff_t>(count));
        CO_CHECK(co_await run_script(sandbox, link_script, std::move(words)));
    }
    co_return ok();
}

Result<std::optional<std::string>> into_place(Choice& choice, const std::string& name)
{
    const std::string path = posix::join(choice.directory, name);
    const auto target = target_of(choice.writable, path);
    const bool above =
        std::any_of(choice.writable.begin(), choice.writable.end(), [&](const std::string& one) {
            return is_below(plain(one), path);
        });
    // That itself, and what is above it, are there.
    if ((!target && above) || (target && target->rest.empty())) return std::optional<std::string>();
    if (!target) return fail(read_only(path));
    if (!choice.place) choice.place = target->place;
    if (*choice.place != target->place) {
        return fail(
            Errc::unsupported,
            "one archive for two directories of a sandbox, /" + *choice.place + " and /"
                + target->place
        );
    }
    return std::optional(target->rest);
}

class Begun final : public engine::ByteSource {
public:
    Begun(std::string begun, std::shared_ptr<engine::ByteSource> rest)
        : begun_(std::move(begun)), rest_(std::move(rest))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        if (at_ == begun_.size()) co_return co_await rest_->read(into);
        const std::size_t n = begun_.copy(into.data(), into.size(), at_);
        at_ += n;
        co_return n;
    }

private:
    std::string begun_;
    std::size_t at_ = 0;
    std::shared_ptr<engine::ByteSource> rest_;
};

// Directories that are made on the way would be root's.
Task<> make_directory(std::shared_ptr<Sandbox> sandbox, std::string directory)
{
    engine::Archives archives(sandbox->client.transport());
    const auto target = target_of(sandbox->writable, directory);
    if (!target || target->rest.empty()) co_return ok();
    const std::string place = "/" + target->place;
    std::vector<std::string> missing;
    for (std::string path = target->rest; !path.empty(); path = posix::split(path).first) {
        const std::string full = posix::join(place, path);
        const auto there = co_await archives.stat(sandbox->container, full);
        if (there) break;
        if (there.error().code != Errc::not_found) co_return fail(there.error());
        missing.insert(missing.begin(), path);
    }
    if (missing.empty()) co_return ok();
    PackOptions options;
    options.uid = sandbox->ids.uid;
    options.gid = sandbox->ids.gid;
    for (const std::string& path : missing) {
        PackExtra made;
        made.path = path;
        made.mode = 0755;
        made.type = EntryType::directory;
        options.extras.push_back(std::move(made));
    }
    std::vector<PackRoot> none;
    const std::shared_ptr<engine::ByteSource> tar = pack(std::move(none), std::move(options));
    co_return co_await archives.put(sandbox->container, place, tar);
}

} // namespace

Task<> put_by_archive(
    std::shared_ptr<Sandbox> sandbox, std::string directory, std::shared_ptr<engine::ByteSource> tar
)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto choice = std::make_shared<Choice>();
    choice->directory = plain(directory);
    choice->writable = sandbox->writable;
    CO_CHECK(co_await make_directory(sandbox, choice->directory));
    TarChange change;
    change.rename = [choice](const std::string& name) { return into_place(*choice, name); };
    change.leave_link = [choice](const std::string& name, const std::string& target) {
        if (!leads_out(name, target)) return false;
        choice->links.push_back("/" + posix::join(*choice->place, name));
        choice->links.push_back(target);
        return true;
    };
    change.owner.emplace();
    change.owner->uid = sandbox->ids.uid;
    change.owner->gid = sandbox->ids.gid;
    const auto renamed = renamed_tar(executor, std::move(tar), change, TarEnd::whole);
    std::vector<char> first(std::size_t{64} << 10);
    CO_TRY(const std::size_t n, co_await renamed->read(first));
    if (!choice->place) {
        // Nothing but what is there; the rest is the end.
        for (std::size_t more = n; more != 0;) {
            CO_TRY(more, co_await renamed->read(first));
        }
        co_return ok();
    }
    std::string begun(first.data(), n);
    const auto whole = std::make_shared<Begun>(std::move(begun), renamed);
    const std::string place = "/" + *choice->place;
    engine::Archives archives(sandbox->client.transport());
    CO_CHECK(co_await archives.put(sandbox->container, place, whole));
    co_return co_await make_links(sandbox, std::move(choice->links));
}

} // namespace slipway::core::by_exec
