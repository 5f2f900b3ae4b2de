#include "conformance/record.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

// One file a run, NAME.tsv in SLIPWAY_CONFORMANCE_DIR or the build directory. Its first line says
// what was tested; each other one is a row: `Group: case`, pass or fail, seconds, differences.

namespace slipway::test {

namespace {

struct Record {
    std::ofstream file;
    std::vector<std::string> differences; ///< of the case that runs
};

Record& record()
{
    static Record the_one;
    return the_one;
}

std::filesystem::path results_directory()
{
    const char* named = std::getenv("SLIPWAY_CONFORMANCE_DIR");
    return named != nullptr ? named : SLIPWAY_CONFORMANCE_DIR;
}

void add_row(std::string_view row, bool passed, double seconds)
{
    auto& [file, differences] = record();
    if (!file.is_open()) return;
    file << row << '\t' << (passed ? "pass" : "fail") << '\t' << seconds;
    for (const std::string& words : differences) {
        file << '\t' << words;
    }
    file << std::endl; // a crash of the next case takes none of these along
}

/// Writes down how each case ended.
struct Recorder : doctest::IReporter {
    explicit Recorder(const doctest::ContextOptions& /*options*/) {}

    void report_query(const doctest::QueryData& /*in*/) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& /*in*/) override {}
    void test_case_start(const doctest::TestCaseData& in) override
    {
        row_ = std::string(in.m_test_suite) + ": " + in.m_name;
        record().differences.clear();
    }
    void test_case_reenter(const doctest::TestCaseData& /*in*/) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& in) override
    {
        add_row(row_, in.testCaseSuccess, in.seconds);
    }
    void test_case_exception(const doctest::TestCaseException& /*in*/) override {}
    void subcase_start(const doctest::SubcaseSignature& /*in*/) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& /*in*/) override {}
    void log_message(const doctest::MessageData& /*in*/) override {}
    void test_case_skipped(const doctest::TestCaseData& /*in*/) override {}

private:
    std::string row_;
};

REGISTER_LISTENER("conformance", 1, Recorder);

} // namespace

bool differs(bool trait, std::string_view words)
{
    auto& known = record().differences;
    if (trait && std::ranges::find(known, words) == known.end()) known.emplace_back(words);
    return trait;
}

void keep_results(const std::string& run, const std::string& about)
{
    const auto directory = results_directory();
    std::filesystem::create_directories(directory);
    record().file.open(directory / (run + ".tsv"), std::ios::trunc);
    record().file << about << (full_sizes() ? ", full sizes" : "") << std::endl;
    if (!record().file) std::cerr << "cannot write results to " << directory << "\n";
}

void keep_result(std::string_view row, bool passed)
{
    record().differences.clear();
    add_row(row, passed, 0);
}

bool full_sizes()
{
    const char* asked = std::getenv("SLIPWAY_TEST_FULL");
    return asked != nullptr && std::string_view(asked) == "1";
}

} // namespace slipway::test
