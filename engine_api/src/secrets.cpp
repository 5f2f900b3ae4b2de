#include "secrets.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace slipway::engine {

namespace {

constexpr std::size_t least_secret = 4;
constexpr std::string_view mask = "***";
constexpr std::string_view cut_off = "..."; // the end of what one_line cuts
constexpr auto none = std::string_view::npos;

bool is_blank(char c)
{
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
}

std::size_t end_of_backslashes(std::string_view text, std::size_t at)
{
    return std::min(text.find_first_not_of('\\', at), text.size());
}

/// Backslashes are passed over as a run, so what is said of its first one is true of all of it.
class Runs {
public:
    /// Whether nobody has asked for the run that goes through `at`, or none does.
    bool is_new(std::string_view text, std::size_t at)
    {
        if (at < end_) return false;
        end_ = end_of_backslashes(text, at);
        return true;
    }

private:
    std::size_t end_ = 0;
};

/// What follows the backslash where `c` is escaped by a name: "n", "u003c", "x1b".
std::array<std::string, 3> names_of(char c)
{
    constexpr std::string_view digits = "0123456789abcdef";
    constexpr std::string_view letters = "abtnvfr"; // from \a on
    const auto byte = static_cast<unsigned char>(c);
    const std::string hex{digits[byte >> 4U], digits[byte & 15U]};
    const bool has_letter = byte >= '\a' && byte <= '\r';
    const std::string letter = has_letter ? std::string(1, letters[byte - '\a']) : "u00" + hex;
    return {letter, "u00" + hex, "x" + hex};
}

/// Where `text` goes on behind `c`, which may be escaped there; npos where something else stands.
std::size_t past(std::string_view text, std::size_t at, char c)
{
    const auto bare = end_of_backslashes(text, at);
    if (bare < text.size() && text[bare] == c) return bare + 1;
    if (is_blank(c) && at < text.size() && is_blank(text[at])) return at + 1;
    if (bare > at) {
        const std::string_view rest = text.substr(bare, 5);
        for (const std::string& name : names_of(c)) {
            if (rest.starts_with(name)) return bare + name.size();
            if (name.starts_with(rest)) return text.size(); // cut inside
        }
    }
    return is_blank(c) && at > 0 && is_blank(text[at - 1]) ? at : none;
}

/// A secret, however a text says it: as it is; with white space as one_line leaves it; escaped as
/// in JSON or by Go's %q, and that as often as errors were put into errors; or cut at the end.
class Needle {
public:
    explicit Needle(std::string_view secret) : secret_(secret), core_(secret)
    {
        // Backslashes are passed over here as there, since nobody knows how often they were
        // doubled.
        std::erase(core_, '\\');
        const auto first = std::ranges::find_if_not(core_, is_blank);
        core_.erase(core_.begin(), first);
        while (!core_.empty() && is_blank(core_.back())) {
            core_.pop_back();
        }
        if (core_.size() < least_secret) core_.clear();
    }

    /// What it can begin with.
    std::string starts() const
    {
        return {secret_.front(), core_.empty() ? '\\' : core_.front(), '\\'};
    }

    /// The most bytes a text needs to say it. Letters and the digits of base64 go as they are, or
    /// as \u0061; all else may be behind the backslashes of six quotations, one in the other.
    std::size_t longest() const
    {
        constexpr std::size_t most_backslashes = 64;
        constexpr std::size_t name_bytes = 6;
        std::size_t bytes = 0;
        for (const char c : secret_) {
            bytes += name_bytes + (is_plain(c) ? 0 : most_backslashes);
        }
        return bytes;
    }

    /// The end of the secret that begins at `at`, or npos. `is_new`: see Runs.
    std::size_t end_in(std::string_view text, std::size_t at, bool is_new) const
    {
        const auto end = core_.empty() || !is_new ? none : end_of_core(text, at);
        if (!text.substr(at).starts_with(secret_)) return end;
        return std::max(end == none ? 0 : end, at + secret_.size());
    }

    /// Whether the text ends inside of the secret that may begin at `at`.
    bool is_begun(std::string_view text, std::size_t at, bool is_new) const
    {
        const std::string_view rest = text.substr(at);
        if (rest.size() < secret_.size() && secret_.starts_with(rest)) return true;
        if (!is_new) return false;
        for (const char c : core_) {
            if (at >= text.size()) return true;
            at = past(text, at, c);
            if (at == none) return false;
        }
        return false;
    }

private:
    std::size_t end_of_core(std::string_view text, std::size_t at) const
    {
        const bool is_cut = text.ends_with(cut_off);
        if (is_cut) text.remove_suffix(cut_off.size());
        for (std::size_t taken = 0; taken < core_.size(); ++taken) {
            if (at >= text.size()) return is_cut && taken >= least_secret ? text.size() : none;
            at = past(text, at, core_[taken]);
            if (at == none) return none;
        }
        if (!secret_.ends_with('\\')) return at;
        return end_of_backslashes(text, at);
    }

    static bool is_plain(char c)
    {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
               || c == '-' || c == '_' || c == '=';
    }

    std::string_view secret_;
    std::string core_; ///< empty: too short to be known by
};

std::string without(const Needle& needle, std::string_view text)
{
    const std::string starts = needle.starts();
    std::string out;
    std::size_t kept = 0; // up to here the text is in `out`
    Runs runs;
    for (auto at = text.find_first_of(starts); at != none; at = text.find_first_of(starts, at)) {
        const auto end = needle.end_in(text, at, runs.is_new(text, at));
        if (end == none) {
            ++at;
            continue;
        }
        out.append(text.substr(kept, at - kept)).append(mask);
        at = kept = end;
    }
    return out.append(text.substr(kept));
}

/// Where the end of `text` begins that may be the begin of one of the secrets, past those that are
/// there as a whole.
std::size_t begin_of_rest(std::string_view text, const std::vector<std::string>& secrets)
{
    std::vector<Needle> needles;
    std::string starts;
    std::size_t longest = 0;
    for (const std::string& secret : secrets) {
        if (secret.size() < least_secret) continue;
        starts += needles.emplace_back(secret).starts();
        longest = std::max(longest, needles.back().longest());
    }
    // What is as long as no secret can be is no begin of one, however many backslashes it has.
    const auto last_part = text.size() - std::min(text.size(), longest);
    Runs whole;
    Runs begun;
    for (auto at = text.find_first_of(starts); at != none; at = text.find_first_of(starts, at)) {
        auto end = at + 1;
        const bool may_begin = at >= last_part;
        const bool is_new_begin = may_begin && begun.is_new(text, at);
        const bool is_new = whole.is_new(text, at);
        for (const Needle& needle : needles) {
            if (may_begin && needle.is_begun(text, at, is_new_begin)) return at;
            if (const auto match = needle.end_in(text, at, is_new); match != none)
                end = std::max(end, match);
        }
        at = end;
    }
    return text.size();
}

bool is_image_digest(std::string_view text)
{
    return text.starts_with("sha256:") || text.starts_with("sha512:");
}

/// The last '@' that is not an image's; it ends the userinfo also where a password has a '/', which
/// Go complains of by repeating the URL.
std::size_t end_of_userinfo(std::string_view rest)
{
    auto at = rest.rfind('@');
    while (at != none && is_image_digest(rest.substr(at + 1))) {
        at = at == 0 ? none : rest.rfind('@', at - 1);
    }
    return at;
}

/// What nobody may see in `rest`, which follows "://". A userinfo without ':' is a token, save for
/// ssh, which takes no more than a user; and it ends at a '/', as many a path has an '@'.
std::string_view hidden_in(std::string_view scheme, std::string_view rest)
{
    const bool is_user = scheme.empty() || scheme.ends_with("ssh");
    const auto end = end_of_userinfo(rest);
    if (end == none) return {};
    const std::string_view userinfo = rest.substr(0, end);
    const auto colon = userinfo.find(':');
    if (colon != none) {
        const bool is_port = !is_user && rest.find('@') < colon;
        return is_port ? userinfo : userinfo.substr(colon + 1);
    }
    if (is_user) return {};
    const auto at = end_of_userinfo(rest.substr(0, rest.find_first_of("/?#")));
    return at == none ? std::string_view() : rest.substr(0, at);
}

std::size_t end_of_word(std::string_view text, std::size_t at)
{
    const auto ends = [](char c) {
        return is_blank(c) || std::string_view("\"'<>").find(c) != none;
    };
    return static_cast<std::size_t>(
        std::find_if(text.begin() + at, text.end(), ends) - text.begin()
    );
}

} // namespace

void hide(std::string& text, const std::vector<std::string>& secrets)
{
    std::vector<std::string_view> longest_first(secrets.begin(), secrets.end());
    std::ranges::sort(longest_first, std::ranges::greater(), &std::string_view::size);
    for (const std::string_view secret : longest_first) {
        if (secret.size() < least_secret) break;
        text = without(Needle(secret), text);
    }
}

std::string Concealer::add(std::string_view piece, const std::vector<std::string>& secrets)
{
    waiting_ += piece;
    std::string shown = waiting_.substr(0, begin_of_rest(waiting_, secrets));
    waiting_.erase(0, shown.size());
    hide(shown, secrets);
    return shown;
}

std::string Concealer::finish()
{
    const std::string rest = std::exchange(waiting_, {});
    return rest.size() < least_secret ? rest : std::string(mask);
}

Error hide(Error error, const std::vector<std::string>& secrets)
{
    if (!secrets.empty()) hide(error.message, secrets);
    return error;
}

std::string without_password(std::string_view url)
{
    const auto colons = url.find("://");
    const std::string_view scheme = colons == none ? "" : url.substr(0, colons);
    const std::string_view rest = colons == none ? url : url.substr(colons + 3);
    std::string out(url);
    const std::string_view hidden = hidden_in(scheme, rest);
    if (hidden.empty()) return out;
    const auto at = static_cast<std::size_t>(hidden.data() - url.data());
    return out.replace(at, hidden.size(), mask);
}

std::string without_passwords(std::string_view text)
{
    std::string out;
    for (;;) {
        const auto colons = text.find("://");
        if (colons == none) return out.append(text);
        const auto end = end_of_word(text, colons);
        out += without_password(text.substr(0, end));
        text.remove_prefix(end);
    }
}

} // namespace slipway::engine
