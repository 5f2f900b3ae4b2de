#include "conformance/trait_names.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace slipway::test {

namespace {

struct NamedTrait {
    bool engine::Traits::*trait;
    std::string_view name;
};

#define SLIPWAY_NAMED(name)                                                                        \
    NamedTrait                                                                                     \
    {                                                                                              \
        &engine::Traits::name, #name                                                               \
    }
constexpr auto named_traits = std::to_array<NamedTrait>({
    SLIPWAY_NAMED(reports_exit_code_before_exec_ends),
    SLIPWAY_NAMED(build_extra_hosts_is_json),
    SLIPWAY_NAMED(build_ulimits_are_text),
    SLIPWAY_NAMED(pull_ends_with_a_layer),
    SLIPWAY_NAMED(events_have_libpod_names),
    SLIPWAY_NAMED(past_events_need_an_open_end),
    SLIPWAY_NAMED(volume_prune_spares_named),
    SLIPWAY_NAMED(volume_filters_are_alternatives),
    SLIPWAY_NAMED(network_remove_by_id_ignores_use),
    SLIPWAY_NAMED(forced_removal_stops_first),
    SLIPWAY_NAMED(can_buildkit),
    SLIPWAY_NAMED(buildkit_has_limits),
    SLIPWAY_NAMED(ignores_api_version),
    SLIPWAY_NAMED(wrong_input_is_a_failure),
    SLIPWAY_NAMED(can_update_containers),
    SLIPWAY_NAMED(auto_remove_hides_exit_code),
    SLIPWAY_NAMED(wait_for_created_may_give_minus_one),
    SLIPWAY_NAMED(missing_bind_source_is_created),
    SLIPWAY_NAMED(missing_exec_command_is_126),
    SLIPWAY_NAMED(second_exec_start_is_output),
    SLIPWAY_NAMED(half_close_keeps_output),
    SLIPWAY_NAMED(unread_stdin_may_reset),
    SLIPWAY_NAMED(follow_may_lose_the_end),
    SLIPWAY_NAMED(put_archive_makes_directories),
    SLIPWAY_NAMED(put_archive_clamps_parents),
    SLIPWAY_NAMED(put_archive_takes_zstd),
    SLIPWAY_NAMED(get_archive_loses_owners),
    SLIPWAY_NAMED(build_survives_disconnect),
    SLIPWAY_NAMED(buildkit_has_heredocs),
    SLIPWAY_NAMED(buildkit_minds_platform),
    SLIPWAY_NAMED(build_checks_in_stream),
    SLIPWAY_NAMED(build_applies_ignore_file),
    SLIPWAY_NAMED(can_squash),
    SLIPWAY_NAMED(can_prune_build_cache),
    SLIPWAY_NAMED(commit_adds_variables),
    SLIPWAY_NAMED(import_ignores_tag),
    SLIPWAY_NAMED(can_inspect_distribution),
    SLIPWAY_NAMED(push_digest_is_local),
    SLIPWAY_NAMED(info_id_changes),
    SLIPWAY_NAMED(can_swarm),
    SLIPWAY_NAMED(can_build_remote),
    SLIPWAY_NAMED(can_create_in_networks),
    SLIPWAY_NAMED(can_log_details),
    SLIPWAY_NAMED(can_stop_with_signal),
    SLIPWAY_NAMED(stdin_ends_with_client),
});
#undef SLIPWAY_NAMED

} // namespace

std::string_view name_of(bool engine::Traits::*trait)
{
    const auto* const found = std::ranges::find(named_traits, trait, &NamedTrait::trait);
    if (found == named_traits.end()) throw std::logic_error("a trait that trait_names.cpp lacks");
    return found->name;
}

} // namespace slipway::test
