#include "bridge.hpp"
#include "server.hpp"
#include "version.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

/// The library's own says the type of an exception in words that take 50 KB to find. Here no
/// exception is left to it: see main, and job.cpp.
void __gnu_cxx::__verbose_terminate_handler()
{
    std::abort();
}

namespace {

int usage()
{
    std::fputs(
        "usage: slipway-agent serve [--socket PATH [--bridge]] [--stdio] --idle-ms N [--scratch "
        "DIR]...\n"
        "                           [--kept DIR]... [--ipc] [--owner UID:GID] [--keep]\n"
        "       slipway-agent bridge PATH\n"
        "       slipway-agent version\n",
        stderr
    );
    return 2;
}

std::optional<slipway::agent::Owner> parse_owner(std::string_view text)
{
    slipway::agent::Owner owner;
    const char* const end = text.data() + text.size();
    const auto uid = std::from_chars(text.data(), end, owner.uid);
    if (uid.ec != std::errc() || uid.ptr == end || *uid.ptr != ':') return std::nullopt;
    const auto gid = std::from_chars(uid.ptr + 1, end, owner.gid);
    if (gid.ec != std::errc() || gid.ptr != end) return std::nullopt;
    return owner;
}

std::optional<slipway::agent::ServeOptions> parse(int count, char** words)
{
    slipway::agent::ServeOptions options;
    bool has_idle = false;
    for (int i = 2; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--stdio" || word == "--bridge" || word == "--ipc" || word == "--keep") {
            bool& flag = word == "--stdio"    ? options.stdio
                         : word == "--bridge" ? options.bridge
                         : word == "--ipc"    ? options.ipc
                                              : options.keep;
            flag = true;
            continue;
        }
        if (i + 1 == count) return std::nullopt;
        const char* value = words[++i];
        if (word == "--socket") {
            options.socket = value;
        } else if (word == "--scratch") {
            options.scratch.emplace_back(value);
        } else if (word == "--kept") {
            options.kept.emplace_back(value);
        } else if (word == "--owner") {
            options.owner = parse_owner(value);
            if (!options.owner) return std::nullopt;
        } else if (word == "--idle-ms") {
            char* end = nullptr;
            options.idle = std::chrono::milliseconds(std::strtol(value, &end, 10));
            has_idle = end != value && *end == '\0' && options.idle.count() >= 0;
            if (!has_idle) return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    if (!has_idle || (options.socket.empty() && !options.stdio)) return std::nullopt;
    return options;
}

} // namespace

int main(int count, char** words)
{
    const std::string_view action = count > 1 ? words[1] : "";
    try {
        if (action == "serve") {
            const auto options = parse(count, words);
            return options ? slipway::agent::serve(*options) : usage();
        }
        if (action == "bridge" && count == 3) return slipway::agent::bridge(words[2]);
        if (action == "version" && count == 2) {
            std::puts(slipway::agent::build_text);
            return 0;
        }
        return usage();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "slipway-agent: %s\n", error.what());
        return 1;
    }
}
