#include "images/build_needs.hpp"

#include "ascii.hpp"
#include "images/dockerfile.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace slipway::core {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr int max_nesting = 16; // of a variable in the default of a variable
// No name of an image is as long. Values that hold one another twice grow without measure.
constexpr std::size_t max_value_bytes = 4096;

bool is_name_character(char c)
{
    return is_letter_or_digit(c) || c == '_';
}

std::string value_of(const Variables& variables, std::string_view name)
{
    const auto found = variables.find(std::string(name));
    return found == variables.end() ? std::string() : found->second;
}

std::string expanded(std::string_view text, const Variables& variables, int nesting = 0);

/// The value of what stands in "${...}".
std::string braced(std::string_view inside, const Variables& variables, int nesting)
{
    std::size_t end = 0;
    while (end < inside.size() && is_name_character(inside[end])) {
        ++end;
    }
    std::string value = value_of(variables, inside.substr(0, end));
    std::string_view rest = inside.substr(end);
    const bool empty_counts = rest.starts_with(':');
    if (empty_counts) rest.remove_prefix(1);
    if (rest.empty()) return value;
    const bool is_set =
        variables.contains(std::string(inside.substr(0, end))) && !(empty_counts && value.empty());
    const bool takes_word = rest.front() == '+' ? is_set : rest.front() == '-' && !is_set;
    if (takes_word) return expanded(rest.substr(1), variables, nesting + 1);
    return rest.front() == '+' ? std::string() : value;
}

/// The position after the "}" that closes what begins at `text`.
std::size_t end_of_braces(std::string_view text)
{
    int open = 1;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') ++open;
        if (text[i] == '}' && --open == 0) return i + 1;
    }
    return text.size() + 1;
}

/// `text` with $NAME, ${NAME}, ${NAME:-default} and ${NAME:+other} replaced, without quotes.
std::string expanded(std::string_view text, const Variables& variables, int nesting)
{
    std::string out;
    if (nesting > max_nesting) return out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"' || c == '\'') continue;
        if (c != '$' || i + 1 == text.size()) {
            out += c;
        } else if (text[i + 1] == '{') {
            const std::string_view rest = text.substr(i + 2);
            const std::size_t used = std::min(end_of_braces(rest), rest.size());
            out += braced(rest.substr(0, used == 0 ? 0 : used - 1), variables, nesting);
            i += 1 + used;
        } else {
            std::size_t end = i + 1;
            while (end < text.size() && is_name_character(text[end])) {
                ++end;
            }
            out += value_of(variables, text.substr(i + 1, end - i - 1));
            i = end - 1;
        }
        if (out.size() > max_value_bytes) return {};
    }
    return out;
}

/// The value of "--name=value" among the flags at the start of an instruction; each that there is.
std::vector<std::string> flags_of(const std::vector<std::string>& words, std::string_view name)
{
    std::vector<std::string> values;
    for (const std::string& word : words) {
        if (!word.starts_with("--")) break;
        const std::string_view flag = std::string_view(word).substr(2);
        const std::size_t equals = std::min(flag.find('='), flag.size());
        if (flag.substr(0, equals) != name) continue;
        values.emplace_back(flag.substr(std::min(equals + 1, flag.size())));
    }
    return values;
}

struct Stage {
    std::string name;               ///< upper case; empty: none
    NeededImage base;               ///< as FROM has it, which may be a stage's name
    std::vector<std::string> other; ///< the same of COPY --from and RUN --mount=from=
};

class NeedsReader {
public:
    explicit NeedsReader(const BuildArgs& args) : args_(args) {}

    void read(const Instruction& instruction)
    {
        const auto words = words_of(instruction.arguments);
        if (instruction.keyword == "ARG" && stages_.empty()) {
            for (const std::string& word : words) {
                declare(word);
            }
        } else if (instruction.keyword == "FROM") {
            from(words);
        } else if (!stages_.empty()) {
            look_for_images(instruction.keyword, words);
        }
        look_for_features(instruction, words);
    }

    BuildNeeds finish(std::string_view target)
    {
        needed_.resize(stages_.size());
        const auto wanted = target.empty() ? last() : stage(std::string(target), stages_.size());
        if (wanted) need(*wanted);
        while (!to_look_at_.empty()) {
            const std::size_t index = to_look_at_.back();
            to_look_at_.pop_back();
            look_at(index);
        }
        return std::move(needs_);
    }

private:
    void declare(std::string_view word)
    {
        const std::size_t equals = std::min(word.find('='), word.size());
        const std::string name(word.substr(0, equals));
        const auto given = args_.find(name);
        if (given != args_.end() && given->second) {
            variables_[name] = *given->second;
        } else if (equals < word.size()) {
            variables_[name] = expanded(word.substr(equals + 1), variables_);
        }
    }

    void from(const std::vector<std::string>& words)
    {
        Stage& stage = stages_.emplace_back();
        for (const std::string& platform : flags_of(words, "platform")) {
            stage.base.platform = expanded(platform, variables_);
        }
        auto word = std::ranges::find_if(words, [](const auto& w) { return !w.starts_with("--"); });
        if (word == words.end()) return;
        stage.base.reference = expanded(*word, variables_);
        if (words.end() - word >= 3 && upper(*(word + 1)) == "AS") stage.name = upper(*(word + 2));
    }

    void look_for_images(const std::string& keyword, const std::vector<std::string>& words)
    {
        std::vector<std::string>& other = stages_.back().other;
        if (keyword == "COPY") {
            for (std::string& image : flags_of(words, "from")) {
                other.push_back(std::move(image));
            }
        } else if (keyword == "RUN") {
            for (const std::string& mount : flags_of(words, "mount")) {
                if (auto image = from_in_mount(mount); !image.empty()) other.push_back(image);
            }
        }
    }

    static std::string from_in_mount(std::string_view options)
    {
        constexpr std::string_view key = "from=";
        while (!options.empty()) {
            const std::size_t comma = std::min(options.find(','), options.size());
            const std::string_view option = options.substr(0, comma);
            if (option.starts_with(key)) return std::string(option.substr(key.size()));
            options.remove_prefix(std::min(comma + 1, options.size()));
        }
        return {};
    }

    void look_for_features(const Instruction& instruction, const std::vector<std::string>& words)
    {
        const std::string& keyword = instruction.keyword;
        const auto look = [&](const char* flag, std::vector<std::string>& into) {
            if (!flags_of(words, flag).empty()) add(into, keyword + " --" + flag);
        };
        if (keyword == "RUN") {
            for (const char* flag : {"mount", "network", "security", "device"}) {
                look(flag, needs_.buildkit_only);
            }
        } else if (keyword == "COPY" || keyword == "ADD") {
            look("chmod", needs_.buildkit_only);
            for (const char* flag : {"link", "parents", "exclude", "checksum", "keep-git-dir"}) {
                look(flag, needs_.buildkit_only);
                look(flag, needs_.newer_buildkit_only);
            }
        }
        if (instruction.has_heredoc) {
            add(needs_.buildkit_only, "here-documents");
            add(needs_.newer_buildkit_only, "here-documents");
        }
    }

    static void add(std::vector<std::string>& into, const std::string& text)
    {
        if (std::ranges::find(into, text) == into.end()) into.push_back(text);
    }

    std::optional<std::size_t> last() const
    {
        if (stages_.empty()) return std::nullopt;
        return stages_.size() - 1;
    }

    /// The stage with that name or number among the first `count`.
    std::optional<std::size_t> stage(const std::string& name, std::size_t count) const
    {
        const std::string wanted = upper(name);
        for (std::size_t i = count; i-- > 0;) {
            if (!wanted.empty() && stages_[i].name == wanted) return i;
        }
        std::size_t number = 0;
        const char* const end = name.data() + name.size();
        const auto [rest, error] = std::from_chars(name.data(), end, number);
        if (error == std::errc() && rest == end && number < count) return number;
        return std::nullopt;
    }

    void need(std::size_t index)
    {
        if (!needed_[index]) to_look_at_.push_back(index);
        needed_[index] = true;
    }

    void look_at(std::size_t index)
    {
        // FROM takes no numbers: one would be the name of an image.
        const NeededImage& base = stages_[index].base;
        const auto before = stage(base.reference, index);
        if (before && !stages_[*before].name.empty()
            && stages_[*before].name == upper(base.reference)) {
            need(*before);
        } else {
            need_image(base);
        }
        for (const std::string& name : stages_[index].other) {
            if (const auto found = stage(name, stages_.size())) {
                need(*found);
            } else {
                need_image({name, {}, false});
            }
        }
    }

    void need_image(NeededImage image)
    {
        const bool known = image.reference.find('$') == std::string::npos;
        if (image.reference.empty() || !known || image.reference == "scratch") return;
        if (seen_.insert(image.reference + " " + image.platform).second) {
            needs_.images.push_back(std::move(image));
        }
    }

    const BuildArgs& args_;
    Variables variables_;
    std::vector<Stage> stages_;
    std::vector<bool> needed_;
    std::vector<std::size_t> to_look_at_; // stages
    std::set<std::string> seen_;
    BuildNeeds needs_;
};

} // namespace

BuildNeeds needs_of(std::string_view dockerfile, std::string_view target, const BuildArgs& args)
{
    NeedsReader reader(args);
    for (const Instruction& instruction : instructions_of(dockerfile)) {
        reader.read(instruction);
    }
    BuildNeeds needs = reader.finish(target);
    // What follows the image are words for the frontend.
    const auto syntax = words_of(directive_of(dockerfile, "syntax"));
    if (!syntax.empty()) needs.syntax = syntax.front();
    return needs;
}

} // namespace slipway::core
