#include "graph/depfile.hpp"

#include <algorithm>
#include <unordered_set>

namespace slipway::core {
namespace {

constexpr bool is_depfile_blank(char c) noexcept
{
    return c == ' ' || c == '\t';
}

/// Goes through the rules. Compilers escape blanks, `#` and `$` in names, and nothing else: a
/// backslash anywhere else is one, also before the blank behind a name that ends in two of them.
class DepfileReader {
public:
    explicit DepfileReader(std::string_view text) : text_(text) {}

    Result<std::vector<std::string>> read()
    {
        if (text_.empty()) return fail(Errc::invalid_argument, "it is empty");
        bool any = false;
        while (at_ < text_.size()) {
            if (const std::size_t size = line_end(at_); size > 0) {
                next_line(size);
            } else if (text_[at_] == '#') {
                CHECK_OK(skip_comment());
            } else {
                CHECK_OK(rule());
                any = true;
            }
        }
        if (!any) return fail(Errc::invalid_argument, "it has no rule");
        return std::move(paths_);
    }

private:
    // With its line end.
    Result<> rule()
    {
        if (text_[at_] == '\t') return wrong("there is a command, as in a Makefile");
        bool has_target = false;
        bool has_colon = false;
        for (;;) {
            skip_blanks();
            if (at_ == text_.size()) return cut();
            if (const std::size_t size = line_end(at_); size > 0) {
                if (!has_colon) return wrong("there is no colon behind a target");
                next_line(size);
                return ok();
            }
            if (is_colon()) {
                if (has_colon) return wrong("there is a second colon");
                if (!has_target) return wrong("there is no target before the colon");
                has_colon = true;
                ++at_;
                continue;
            }
            std::string name;
            CHECK_OK(take_name(name));
            has_target = true;
            if (has_colon && known_.insert(name).second) paths_.push_back(std::move(name));
        }
    }

    Result<> take_name(std::string& name)
    {
        while (at_ < text_.size() && !is_depfile_blank(text_[at_]) && line_end(at_) == 0
               && !is_colon()) {
            const char c = text_[at_];
            if (c == '\\') {
                if (continued_line(at_) > 0) return ok();
                take_backslashes(name);
                continue;
            }
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
                return wrong("there is a control character");
            at_ += text_.substr(at_).starts_with("$$") ? std::size_t{2} : std::size_t{1};
            name += c;
        }
        return ok();
    }

    void take_backslashes(std::string& name)
    {
        std::size_t count = 0;
        while (at_ + count < text_.size() && text_[at_ + count] == '\\') {
            ++count;
        }
        const char next = at_ + count < text_.size() ? text_[at_ + count] : '\0';
        const bool is_blank = is_depfile_blank(next);
        if (is_blank && count % 2 == 1) {
            name.append(count / 2, '\\').push_back(next);
            at_ += count + 1;
        } else if (next == '#' || next == ':') {
            name.append(count - 1, '\\').push_back(next);
            at_ += count + 1;
        } else {
            // The last of them may continue the line.
            if (continued_line(at_ + count - 1) > 0) --count;
            name.append(count, '\\');
            at_ += count;
        }
    }

    Result<> skip_comment()
    {
        const std::size_t end = text_.find('\n', at_);
        if (end == std::string_view::npos) return cut();
        at_ = end;
        next_line(1);
        return ok();
    }

    void skip_blanks()
    {
        while (at_ < text_.size()) {
            const std::size_t size = continued_line(at_);
            if (size > 0) {
                next_line(size);
            } else if (is_depfile_blank(text_[at_])) {
                ++at_;
            } else {
                return;
            }
        }
    }

    /// How long the line end is that stands there; 0: none.
    std::size_t line_end(std::size_t at) const
    {
        const std::string_view rest = text_.substr(at);
        return rest.starts_with('\n') ? 1 : rest.starts_with("\r\n") ? 2 : 0;
    }

    /// The same for a backslash with a line end.
    std::size_t continued_line(std::size_t at) const
    {
        if (text_[at] != '\\') return 0;
        const std::size_t size = line_end(at + 1);
        return size > 0 ? size + 1 : 0;
    }

    /// One that ends the targets: others are part of a name.
    bool is_colon() const
    {
        if (text_[at_] != ':') return false;
        const std::size_t next = at_ + 1;
        return next == text_.size() || is_depfile_blank(text_[next]) || line_end(next) > 0
               || continued_line(next) > 0;
    }

    void next_line(std::size_t size)
    {
        at_ += size;
        ++line_;
    }

    tl::unexpected<Error> cut() const
    {
        const bool in_line = text_.back() != '\n';
        return wrong(
            in_line ? "it ends in the middle of a line" : "it ends in the middle of a rule"
        );
    }

    tl::unexpected<Error> wrong(std::string_view what) const
    {
        return fail(
            Errc::invalid_argument, "line " + std::to_string(line_) + ": " + std::string(what)
        );
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::vector<std::string> paths_;
    std::unordered_set<std::string> known_;
};

} // namespace

Result<std::vector<std::string>> parse_depfile(std::string_view text)
{
    return DepfileReader(text).read();
}

} // namespace slipway::core
