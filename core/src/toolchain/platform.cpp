#include "toolchain/platform.hpp"

#include <array>
#include <utility>

namespace slipway::core {

std::string platform_of_triple(std::string_view triple)
{
    if (triple.find("-linux-") == std::string_view::npos) return {};
    const std::string_view first = triple.substr(0, triple.find('-'));
    constexpr auto same = std::to_array<std::pair<std::string_view, std::string_view>>(
        {{"x86_64", "amd64"},
         {"aarch64", "arm64"},
         {"i586", "386"},
         {"i686", "386"},
         {"powerpc64le", "ppc64le"},
         {"powerpc64", "ppc64"},
         {"riscv64gc", "riscv64"},
         {"riscv64a23", "riscv64"},
         {"loongarch64", "loong64"},
         {"mips64el", "mips64le"}}
    );
    for (const auto& [ours, engines] : same) {
        if (first == ours) return "linux/" + std::string(engines);
    }
    const bool arm = first.starts_with("arm") || first.starts_with("thumb");
    return "linux/" + std::string(arm ? "arm" : first);
}

std::string triple_of_platform(std::string_view platform)
{
    if (platform == "linux/amd64") return "x86_64-unknown-linux-gnu";
    if (platform == "linux/arm64") return "aarch64-unknown-linux-gnu";
    return {};
}

} // namespace slipway::core
