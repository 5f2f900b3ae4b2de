#pragma once

#include <slipway/core/kept_directory.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace slipway::core {

/// The label that every object of ours carries, on every engine; its value is "slipway".
inline constexpr std::string_view owner_label = "org.slipway.owner";
inline constexpr std::string_view owner_value = "slipway";
/// What the object is for: "run", "sandbox", "scratch", "agent", "probe", "workspace", "cargo",
/// "toolchain", "cache".
inline constexpr std::string_view purpose_label = "org.slipway.purpose";
inline constexpr std::string_view workspace_purpose = "workspace"; ///< a volume that stays
inline constexpr std::string_view cargo_purpose = "cargo";         ///< likewise: CARGO_HOME
inline constexpr std::string_view toolchain_purpose = "toolchain"; ///< likewise
inline constexpr std::string_view cache_purpose = "cache";         ///< likewise: a unit's
/// Whether volumes for that purpose are kept between commands.
bool stays_for_next_command(std::string_view purpose) noexcept;
/// One random text for all objects of one process.
inline constexpr std::string_view instance_label = "org.slipway.instance";

/// Which process made it, so that another can tell whether that one has ended.
inline constexpr std::string_view process_label = "org.slipway.process";

/// Of a sandbox: whose pool it belongs to.
inline constexpr std::string_view pool_label = "org.slipway.pool";

/// Of a persistent sandbox: its name.
inline constexpr std::string_view name_label = "org.slipway.name";

/// Of the volume of a workspace: its directory, and the image as it was asked for. Of that of a
/// toolchain: where it is on this side.
inline constexpr std::string_view workspace_label = "org.slipway.workspace";
inline constexpr std::string_view image_label = "org.slipway.image";
/// Of a volume that stays: whose it is, of which machine and user; see `this_user`.
inline constexpr std::string_view user_label = "org.slipway.user";

/// Digits that stand for this user of this machine, also after it was started anew.
const std::string& this_user();

/// The volume that this user has for a purpose and a workspace; without its path in a sandbox.
KeptDirectory kept_for(std::string_view purpose, const std::filesystem::path& root);

/// The labels of an object made by this process for `purpose`.
std::map<std::string, std::string> labels_for(std::string_view purpose);

/// "slipway-run-0123456789abcdef": a name that no other object has, so that what was made can be
/// removed by it even when the engine's answer with the id was lost.
std::string unique_name(std::string_view purpose);

} // namespace slipway::core
