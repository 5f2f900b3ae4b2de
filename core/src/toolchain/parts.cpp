#include "toolchain/parts.hpp"

#include "path_inside.hpp"
#include "sync/tree_state.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

namespace slipway::core {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view rustlib = "lib/rustlib";

// Rust's own installer writes it.
std::string host_by_components(const fs::path& directory)
{
    constexpr std::string_view compiler = "rustc-";
    std::ifstream in(directory / rustlib / "components");
    for (std::string line; std::getline(in, line);) {
        const bool triple = std::ranges::count(line, '-') >= 3;
        if (triple && line.starts_with(compiler)) return line.substr(compiler.size());
    }
    return {};
}

struct Machine {
    unsigned number; // e_machine
    std::string_view triple;
};

// What the start of an ELF file tells: the architecture that its triple begins with, and the
// loader.
std::string host_by_program(const fs::path& program, const std::vector<std::string>& targets)
{
    constexpr auto machines = std::to_array<Machine>(
        {{3, "i"},
         {21, "powerpc64"},
         {22, "s390x"},
         {40, "arm"},
         {62, "x86_64"},
         {183, "aarch64"},
         {243, "riscv64"},
         {258, "loongarch64"}}
    );
    constexpr std::size_t machine_at = 18;
    constexpr std::size_t enough = 4096;
    std::string start(enough, '\0');
    std::ifstream in(program, std::ios::binary);
    in.read(start.data(), static_cast<std::streamsize>(start.size()));
    start.resize(static_cast<std::size_t>(in.gcount()));
    if (!start.starts_with("\x7f"
                           "ELF")
        || start.size() < machine_at + 2) {
        return {};
    }
    const unsigned number = static_cast<unsigned char>(start[machine_at])
                            + 256U * static_cast<unsigned char>(start[machine_at + 1]);
    const auto* const machine = std::ranges::find(machines, number, &Machine::number);
    if (machine == machines.end()) return {};
    const bool musl = start.find("/ld-musl-") != std::string::npos;
    std::string found;
    for (const std::string& target : targets) {
        const bool fits = target.starts_with(machine->triple)
                          && target.find("-linux-") != std::string::npos
                          && (target.find("-linux-musl") != std::string::npos) == musl;
        if (!fits) continue;
        if (!found.empty()) return {};
        found = target;
    }
    return found;
}

} // namespace

ToolchainParts parts_in(const fs::path& directory, const std::string& name)
{
    ToolchainParts parts;
    std::error_code failed;
    const fs::path libraries = directory / rustlib;
    for (fs::directory_iterator entry(libraries, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        std::error_code ignored;
        if (fs::is_directory(entry->path() / "lib", ignored)) {
            parts.targets.push_back(entry->path().filename().string());
        }
    }
    std::ranges::sort(parts.targets);
    // One that is linked may have its source elsewhere, where no job has it.
    const fs::path source = fs::canonical(libraries / "src/rust/library", failed);
    parts.source = !failed && is_in(source, directory);
    parts.host = host_by_components(directory);
    for (const std::string& target : parts.targets) {
        if (parts.host.empty() && name.ends_with("-" + target)) parts.host = target;
    }
    if (parts.host.empty()) parts.host = host_by_program(directory / "bin/rustc", parts.targets);
    return parts;
}

bool is_needed(const HostToolchain& toolchain, std::string_view path)
{
    const std::string_view top = path.substr(0, path.find('/'));
    if (std::ranges::find(needed_directories, top) == needed_directories.end()) return false;
    if (!sync::is_within(path, rustlib) || path.size() == rustlib.size()) return true;
    const std::string_view inside = path.substr(rustlib.size() + 1);
    const std::string_view part = inside.substr(0, inside.find('/'));
    if (part == toolchain.host || part == toolchain.target || part == "etc") return true;
    if (part == "src") return toolchain.with_source;
    const bool other_target = part.find('-') != std::string_view::npos
                              && !part.starts_with("manifest-") && part != "rust-installer-version"
                              && !part.starts_with("multirust-");
    return !other_target && part != "rustc-src";
}

} // namespace slipway::core
