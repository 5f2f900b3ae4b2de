#pragma once

#include "graph/build_log.hpp"
#include "graph/layout.hpp"

#include <slipway/core/tool_build.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::core::graph {

/// What is known of a tool's unit, and what its files are now. All of it blocks.
class ToolState {
public:
    /// `read_only`: nothing is made or written. Errors: those of Layout and BuildLog.
    static Result<ToolState> open(ToolUnit unit, bool read_only);

    /// Looks at sources and outputs. Ends soon with an error once `stop` is true.
    /// Errors: those of SourceNames and InputDigests.
    Result<> look(const std::atomic<bool>& stop);
    /// Of the last look. None: it is fresh.
    const std::vector<DirtyReason>& reasons() const noexcept { return reasons_; }
    std::string log() const { return read_log_file(layout_.unit(directory_)); }
    std::filesystem::path directory() const { return layout_.unit(directory_); }

    /// Nothing: another process builds it. Errors: permission_denied, io.
    Result<std::optional<Fd>> try_lock() const { return layout_.try_lock(directory_); }
    /// From here on it is not fresh. Errors: io.
    Result<> begin();
    /// The tool has ended well: what was looked at before it ran is what it was made of. Without
    /// outputs it stays as it is, and the tool runs the next time.
    /// Errors: those of `look`, io, permission_denied.
    Result<> end(std::string_view log, std::int64_t duration_ms);

private:
    explicit ToolState(ToolUnit unit);

    // A directory whose files are sources.
    struct Top {
        std::filesystem::path path;
        std::string shown; ///< before the paths of its files, where they are told
        std::vector<std::string> files{};
        std::vector<FileMark> marks{}; ///< of the files, at the last look
    };

    Result<std::vector<std::string>> sources_of(const Top& top) const;
    Result<> look_at(Top& top, const std::atomic<bool>& stop);
    Result<> take_discovered(const std::vector<std::string>& paths);
    Result<> take_made_inputs();
    Result<bool> still_as_looked_at() const;
    std::vector<std::string> named_by_depfiles(const std::vector<BuiltOutput>& outputs) const;
    bool has_log(const BuiltUnit& built) const;
    std::vector<DirtyReason> find_reasons() const;
    void add_output_reasons(const BuiltUnit& built, std::vector<DirtyReason>& reasons) const;
    Result<std::vector<BuiltOutput>> outputs() const;

    ToolUnit unit_;
    Layout layout_;
    std::vector<Top> tops_;
    Record::Table discovered_;
    Record action_;
    std::string directory_;
    std::string label_;
    std::optional<BuildLog> log_;
    std::vector<DirtyReason> reasons_;
    bool read_only_ = false;
};

} // namespace slipway::core::graph
