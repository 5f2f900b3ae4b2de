#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// One instruction of a Dockerfile, its continued lines joined.
struct Instruction {
    std::string keyword;   ///< upper case: "FROM"
    std::string arguments; ///< the rest of the line, white space at the ends taken off
};

/// The instructions of a Dockerfile, as far as stages need them: comments, empty lines, continued
/// lines and the `escape` directive are understood; here-documents are not (the classic builder has
/// none).
std::vector<Instruction> instructions_of(std::string_view dockerfile);

/// The words of `text`, parted by blanks.
std::vector<std::string> words_of(std::string_view text);

/// The image in the arguments of a FROM: the first word that is no flag, with `base` for the
/// variable BASE, which is the only one that Slipway gives a value.
std::string image_of_from(std::string_view arguments, std::string_view base);

} // namespace slipway::core
