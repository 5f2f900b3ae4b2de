#include "graph/symlinks.hpp"

#include "archive/posix.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace slipway::core::graph {

namespace {

using Links = std::unordered_map<std::string_view, std::string_view>; // path to target

constexpr int most_links = 40; // on one way, as the system has it

// Takes the first part off.
std::string next_part(std::string& way)
{
    const std::size_t slash = way.find('/');
    std::string part = way.substr(0, slash);
    way = slash == std::string::npos ? std::string() : way.substr(slash + 1);
    return part;
}

bool walks_out(std::string_view from, std::string_view target, const Links& links)
{
    std::string at(posix::split(from).first);
    std::string way(target);
    if (way.starts_with('/')) return true;
    for (int followed = 0; !way.empty();) {
        const std::string part = next_part(way);
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (at.empty()) return true;
            at = posix::split(at).first;
            continue;
        }
        const std::string next = posix::join(at, part);
        const auto link = links.find(next);
        if (link == links.end()) {
            at = next;
            continue;
        }
        if (link->second.starts_with('/')) return true;
        if (++followed == most_links) return false; // it leads nowhere
        way = posix::join(link->second, way);
    }
    return false;
}

} // namespace

const StoredOutput* leading_out(const std::vector<StoredOutput>& outputs)
{
    Links links;
    for (const StoredOutput& output : outputs) {
        if (output.kind == StoredOutput::Kind::symlink) {
            links.emplace(output.path, output.link_target);
        }
    }
    for (const StoredOutput& output : outputs) {
        if (output.kind != StoredOutput::Kind::symlink) continue;
        if (walks_out(output.path, output.link_target, links)) return &output;
    }
    return nullptr;
}

} // namespace slipway::core::graph
