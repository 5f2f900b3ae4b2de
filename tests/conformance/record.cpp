#include "conformance/record.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

// One file a run, NAME.tsv in SLIPWAY_CONFORMANCE_DIR or the build directory. Its first line says
// what was tested; each other one is a row: `Group: case`, pass, fail or "not there", seconds, and
// what is different, with the name of what says so.

namespace slipway::test {

namespace {

struct Record {
    std::ofstream file;
    // Of the case that runs.
    std::vector<std::string> differences;
    bool is_missing = false; ///< there is nothing to try

    void begin_row()
    {
        differences.clear();
        is_missing = false;
    }
    void note(std::string_view name, std::string_view words)
    {
        std::string text = std::string(name) + ": " + std::string(words);
        if (std::ranges::find(differences, text) == differences.end()) {
            differences.push_back(std::move(text));
        }
    }
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
    Record& all = record();
    if (!all.file.is_open()) return;
    const char* const good = all.is_missing ? "not there" : "pass";
    all.file << row << '\t' << (passed ? good : "fail") << '\t' << seconds;
    for (const std::string& words : all.differences) {
        all.file << '\t' << words;
    }
    all.file << std::endl; // a crash of the next case takes none of these along
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
        record().begin_row();
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

bool differs(bool holds, std::string_view name, std::string_view words)
{
    if (holds) record().note(name, words);
    return holds;
}

bool not_there(bool missing, std::string_view name, std::string_view words)
{
    record().is_missing = record().is_missing || missing;
    return differs(missing, name, words);
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
    record().begin_row();
    add_row(row, passed, 0);
}

bool full_sizes()
{
    const char* asked = std::getenv("SLIPWAY_TEST_FULL");
    return asked != nullptr && std::string_view(asked) == "1";
}

} // namespace slipway::test
