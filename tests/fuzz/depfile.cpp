#include "graph/depfile.hpp"

#include "fuzz.hpp"

#include <algorithm>
#include <string>

// A depfile; and what was read, written again as gcc would.

using namespace slipway;
using namespace slipway::core;
using namespace slipway::fuzz;

namespace {

/// A name as gcc writes it, which cannot write all: nothing where it cannot.
std::string escaped(std::string_view name)
{
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == ' ' || name[i] == '\t') {
            for (std::size_t at = i; at > 0 && name[at - 1] == '\\'; --at) {
                out += '\\';
            }
            out += '\\';
        }
        if (name[i] == '#' || name[i] == ':') out += '\\';
        if (name[i] == '$') out += '$';
        out += name[i];
    }
    return name.ends_with('\\') ? std::string() : out;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = text_of(data, size);
    const auto paths = parse_depfile(text);
    if (!paths) {
        check_error(paths.error());
        return 0;
    }
    require(text.ends_with('\n'), "a depfile was cut");
    std::size_t bytes = 0;
    std::string rule = "x:";
    std::vector<std::string> written;
    for (const std::string& path : *paths) {
        require(!path.empty(), "a path is empty");
        require(std::ranges::count(*paths, path) == 1, "a path is there twice");
        require(path.find_first_of("\r\n") == path.npos, "a path has a line end");
        bytes += path.size();
        const std::string word = escaped(path);
        if (word.empty()) continue;
        rule += " \\\n  " + word;
        written.push_back(path);
    }
    require(bytes <= size, "more came out than went in");
    const auto again = parse_depfile(rule + "\n");
    require(again.has_value(), "what was written is refused");
    require(*again == written, "what was written reads differently");
    // Whatever is missing at the end is noticed, save for whole rules.
    require(!parse_depfile(rule).has_value(), "a cut rule is taken");
    return 0;
}
