#pragma once

#include "conformance/lab.hpp"

namespace slipway::test {

/// Each trait that is true or false: what the engine does when nobody puts it right has to be what
/// the trait says, on the engines that have it and on those that have not. test_report.py sees to
/// it that there is a row for each.
inline void check_trait(Lab& lab, bool engine::Traits::*trait, bool measured)
{
    CHECK(measured == lab.traits().*trait);
    differs(measured != engine::Traits().*trait, name_of(trait), "as its name says");
}

/// Refused before there is a stream.
inline bool is_refused(Lab& lab, engine::Request request)
{
    return !run(lab.io, lab.transport().open(std::move(request)));
}

/// The query value that asks for the objects of this test alone.
inline std::string label_filters(Lab& lab, const std::string& more = "")
{
    const auto label = lab.only_ours().at("label").front();
    return R"({"label":[")" + label + R"("])" + more + "}";
}

} // namespace slipway::test
