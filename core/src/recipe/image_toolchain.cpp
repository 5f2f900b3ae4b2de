#include "recipe/image_toolchain.hpp"

#include "ascii.hpp"
#include "toolchain/platform.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::core {
namespace {

bool is_word(std::string_view text)
{
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
    });
}

// "linux/arm64/v8": two or three words.
bool is_platform(std::string_view text)
{
    int words = 1;
    for (auto slash = text.find('/'); slash != std::string_view::npos; slash = text.find('/')) {
        if (!is_word(text.substr(0, slash))) return false;
        text.remove_prefix(slash + 1);
        ++words;
    }
    return is_word(text) && (words == 2 || words == 3);
}

bool is_triple(std::string_view text)
{
    return is_word(text) && std::ranges::count(text, '-') >= 2;
}

Result<ImageToolchain> image_toolchain_of(const ListItem& item)
{
    const auto equals = item.text.find('=');
    ImageToolchain found;
    if (equals != std::string::npos) {
        found.platform = item.text.substr(0, equals);
        found.host = item.text.substr(equals + 1);
    } else if (item.text.find('/') != std::string::npos) {
        found.platform = item.text;
        found.host = triple_of_platform(found.platform);
    } else {
        found.host = item.text;
        found.platform = platform_of_triple(found.host);
    }
    found.place = item.place;
    if (is_platform(found.platform) && is_triple(found.host)) return found;
    return fail(not_valid(
        item.place,
        "image.toolchain: '" + item.text + "' tells no platform and no toolchain for it",
        "write a triple, linux/amd64, linux/arm64, or both: "
        "linux/ppc64le=powerpc64le-unknown-linux-gnu"
    ));
}

} // namespace

Result<std::vector<ImageToolchain>> read_image_toolchains(const CrossSettings& settings)
{
    std::vector<ImageToolchain> all;
    auto set = settings.target_variable("image.toolchain");
    if (!set) set = settings.target_key("image.toolchain");
    if (!set) return all;
    for (const ListItem& item : items_of(*set)) {
        TRY(ImageToolchain one, image_toolchain_of(item));
        all.push_back(std::move(one));
    }
    return all;
}

} // namespace slipway::core
