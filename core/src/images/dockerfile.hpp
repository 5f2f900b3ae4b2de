#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::core {

/// One instruction of a Dockerfile, its continued lines joined.
struct Instruction {
    std::string keyword;      ///< upper case: "FROM"
    std::string arguments;    ///< the rest of the line, white space at the ends taken off
    bool has_heredoc = false; ///< lines of a here-document followed; they are left out
};

/// The instructions of a Dockerfile: comments, empty lines, continued lines, the `escape` directive
/// and the here-documents of RUN, COPY and ADD are understood.
std::vector<Instruction> instructions_of(std::string_view dockerfile);

/// The value of a directive, "# key=value", in the lines before anything else; empty: none.
/// `key` is in lower case.
std::string directive_of(std::string_view dockerfile, std::string_view key);

/// The words of `text`, parted by blanks.
std::vector<std::string> words_of(std::string_view text);

/// The image in the arguments of a FROM: the first word that is no flag, with `base` for the
/// variable BASE, which is the only one that Slipway gives a value.
std::string image_of_from(std::string_view arguments, std::string_view base);

} // namespace slipway::core
