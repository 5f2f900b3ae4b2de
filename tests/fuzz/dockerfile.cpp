#include "images/dockerfile.hpp"

#include "fuzz.hpp"
#include "images/build_needs.hpp"

#include <slipway/core/image_catalog.hpp>

// The instructions of a Dockerfile, and the targets it has.

using namespace slipway;
using namespace slipway::core;
using namespace slipway::fuzz;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text = text_of(data, size);
    std::size_t bytes = 0;
    std::string written;
    const auto instructions = instructions_of(text);
    for (const Instruction& one : instructions) {
        require(!one.keyword.empty(), "an instruction without its keyword");
        require(one.keyword.find_first_of(" \t\n") == std::string::npos, "a keyword of two words");
        require(
            (one.keyword + one.arguments).find('\n') == std::string::npos, "a line end is left"
        );
        bytes += one.keyword.size() + one.arguments.size();
        for (const std::string& word : words_of(one.arguments)) {
            require(!word.empty() && word.find_first_of(" \t\r") == word.npos, "a word of two");
        }
        const std::string image = image_of_from(one.arguments, "base");
        require(image.find_first_of(" \t\r") == image.npos, "an image of two words");
        written += one.keyword + " " + one.arguments + "\n";
    }
    require(bytes <= size, "more came out than went in");
    const auto catalog = ImageCatalog::parse(std::string(text), "Dockerfile");
    if (!catalog) check_error(catalog.error());
    const BuildNeeds needs = needs_of(text, "host", {});
    for (const NeededImage& image : needs.images) {
        require(!image.reference.empty(), "an image without a name is needed");
    }
    if (text.find_first_of("\\`#<") != text.npos) return 0;
    // Without continued lines, comments and here-documents the instructions say all.
    const auto again = instructions_of(written);
    require(again.size() == instructions.size(), "what was written reads differently");
    for (std::size_t i = 0; i < again.size(); ++i) {
        require(
            again[i].keyword == instructions[i].keyword
                && again[i].arguments == instructions[i].arguments,
            "an instruction reads differently"
        );
    }
    return 0;
}
