#include "agent/items.hpp"

#include "archive/posix.hpp"

#include <string>
#include <utility>

namespace slipway::core {

agent::TreeItem agent_item(const TreeItem& item)
{
    agent::TreeItem out;
    const bool is_path = item.kind == TreeItem::Kind::path;
    out.kind =
        static_cast<std::uint8_t>(is_path ? agent::ItemKind::path : agent::ItemKind::pattern);
    out.required = item.need == TreeItem::Need::required;
    out.text = item.text;
    return out;
}

Result<> refused_item(const TreeItem& item, std::string_view reason)
{
    if (reason.empty()) return ok();
    std::string text = item.kind == TreeItem::Kind::path ? "the path '" : "the pattern '";
    text += posix::printable(item.text);
    text.append("' cannot be asked for: ").append(reason);
    return fail(Errc::invalid_argument, std::move(text));
}

} // namespace slipway::core
