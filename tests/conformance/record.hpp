#pragma once

#include <string>
#include <string_view>

namespace slipway::test {

/// For a difference between engines: returns `holds`, and when it does notes for the report that
/// this row went as expected, but not as on the other engines. `name` is that of the trait, or of
/// what else says so ("rootless"); `words` say what is different, with the engine's behaviour as a
/// predicate: "keeps the output".
bool differs(bool holds, std::string_view name, std::string_view words);

/// The same for what a row is about and this engine, or this way to it, has not. The row can check
/// nothing and returns: the report then says "not there" in place of "pass". No row may return
/// early in another way; test_report.py sees to that.
bool not_there(bool missing, std::string_view name, std::string_view words);

/// Says who the results of this run are about: the file's name, and a line for people. Until then
/// none are kept. What the last run of that name left goes at once, so that a run that crashes
/// leaves none of its results.
void keep_results(const std::string& run, const std::string& about);

/// Adds a result that is no test case, such as what was left behind. To be called after the cases.
void keep_result(std::string_view row, bool passed);

/// The sizes that need minutes (SLIPWAY_TEST_FULL) in place of those that need seconds.
bool full_sizes();

template <class T>
T sized(T usual, T full)
{
    return full_sizes() ? full : usual;
}

} // namespace slipway::test
