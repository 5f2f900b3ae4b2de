#include "fuzz.hpp"

#include <slipway/engine/reference.hpp>

// Names of images.

using namespace slipway;
using namespace slipway::engine;
using namespace slipway::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = text_of(data, size);
    const std::string normal = normalized(text);
    const auto reference = parse_reference(text);
    if (!reference) {
        check_error(reference.error());
        require(reference.error().code == Errc::invalid_argument, "a refusal of another code");
        return 0;
    }
    std::string joined = reference->name;
    if (!reference->tag.empty()) joined += ":" + reference->tag;
    if (!reference->digest.empty()) joined += "@" + reference->digest;
    require(joined == text, "the parts are not the whole");
    for (const char c : text) {
        require(c > ' ' && c < 0x7F, "a name that no URL holds");
    }
    require(text.find("..") == text.npos || text.find("/..") == text.npos, "a path upwards");
    require(parse_reference(normal).has_value(), "the one spelling of a name is refused");
    if (reference->name.find('/') != std::string::npos) return 0;
    require(normalized(normal) == normal, "a name in its one spelling has another");
    for (const char* const registry :
         {"docker.io/", "index.docker.io/", "docker.io/library/", "localhost/"}) {
        require(same_reference(registry + std::string(text), text), "two spellings of one image");
    }
    return 0;
}
