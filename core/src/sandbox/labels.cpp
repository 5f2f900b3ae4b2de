#include "archive/content_hasher.hpp"
#include "archive/posix.hpp"
#include "sandbox/pool/key.hpp"
#include "sandbox/process_mark.hpp"

#include <slipway/core/labels.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <random>

namespace slipway::core {

namespace {

std::string random_text()
{
    std::random_device device;
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%08x%08x", device(), device());
    return text.data();
}

} // namespace

bool stays_for_next_command(std::string_view purpose) noexcept
{
    return purpose == workspace_purpose || purpose == cargo_purpose || purpose == toolchain_purpose
           || purpose == cache_purpose;
}

std::map<std::string, std::string> labels_for(std::string_view purpose)
{
    static const std::string instance = random_text();
    std::map<std::string, std::string> labels;
    labels.emplace(owner_label, owner_value);
    labels.emplace(purpose_label, purpose);
    labels.emplace(instance_label, instance);
    static const std::string process = process_mark();
    labels.emplace(process_label, process);
    return labels;
}

namespace {

std::string find_this_user()
{
    std::string machine;
    for (const char* const file : {"/etc/machine-id", "/var/lib/dbus/machine-id"}) {
        std::ifstream in(file);
        if (machine.empty()) std::getline(in, machine);
    }
    if (machine.empty()) {
        std::array<char, 256> name{};
        ::gethostname(name.data(), name.size() - 1);
        machine = name.data();
    }
    return pool::digits_of(machine + " " + std::to_string(::geteuid()));
}

} // namespace

const std::string& this_user()
{
    static const std::string digits = find_this_user();
    return digits;
}

KeptDirectory kept_for(std::string_view purpose, const std::filesystem::path& root)
{
    const ContentHash hash = content_hash(this_user() + " " + root.native());
    KeptDirectory kept;
    kept.purpose = purpose;
    kept.name = fmt::format("slipway-{}-{:016x}", purpose, hash.high);
    kept.labels.emplace(workspace_label, posix::printable(root.native()));
    kept.labels.emplace(user_label, this_user());
    return kept;
}

std::string unique_name(std::string_view purpose)
{
    return "slipway-" + std::string(purpose) + "-" + random_text();
}

} // namespace slipway::core
