#include "graph/seen_files.hpp"

#include <utility>

namespace slipway::core::graph {

Result<SeenFiles> SeenFiles::open(std::filesystem::path root, std::filesystem::path notes)
{
    TRY(InputDigests digests, InputDigests::open(std::move(root), std::move(notes)));
    return SeenFiles(std::move(digests));
}

Result<> SeenFiles::look_at(const std::vector<std::string>& paths, bool again)
{
    std::vector<std::string> missing;
    std::vector<DigestedPath*> places;
    seen_.reserve(seen_.size() + paths.size());
    for (const std::string& path : paths) {
        const auto [known, is_new] = seen_.try_emplace(path);
        if (!is_new && !again) continue;
        missing.push_back(path);
        places.push_back(&known->second);
    }
    if (missing.empty()) return ok();
    auto found = digests_.look(missing);
    if (!found) {
        for (const std::string& path : missing) {
            seen_.erase(path);
        }
        return fail(std::move(found).error());
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        *places[i] = (*found)[i];
    }
    return ok();
}

Result<const DigestedPath*> SeenFiles::look(const std::string& path)
{
    auto known = seen_.find(path);
    if (known == seen_.end()) {
        CHECK_OK(look_at({path}, false));
        known = seen_.find(path);
    }
    return &known->second;
}

const DigestedPath* SeenFiles::known(const std::string& path) const
{
    const auto found = seen_.find(path);
    return found == seen_.end() ? nullptr : &found->second;
}

void SeenFiles::each(const std::function<void(const std::string&, const DigestedPath&)>& tell) const
{
    for (const auto& [path, seen] : seen_) {
        tell(path, seen);
    }
}

bool SeenFiles::unchanged(const std::vector<std::string>& paths) const
{
    const std::vector<FileMark> marks = digests_.marks(paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto known = seen_.find(paths[i]);
        if (known == seen_.end() || !(known->second.mark == marks[i])) return false;
    }
    return true;
}

} // namespace slipway::core::graph
