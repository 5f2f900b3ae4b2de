#pragma once

#include "support/live.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <thread>

// For the file with a test program's main: counts descriptors and coroutines around each test case.

// Every frame of an awaitable comes from here. The linker takes this definition for that of Asio,
// which each file has as a weak one that is not inlined: tests are built without optimisation. If
// that ever changes, `LeakListener::sees` says so.
namespace boost::asio::detail {

template <>
void* awaitable_frame_base<any_io_executor>::operator new(std::size_t size)
{
    ++slipway::test::live_coroutines;
    return ::operator new(size);
}
template <>
void awaitable_frame_base<any_io_executor>::operator delete(void* pointer, std::size_t)
{
    --slipway::test::live_coroutines;
    ::operator delete(pointer);
}

} // namespace boost::asio::detail

namespace slipway::test {

/// Hears of each test case, and notes those that leave something behind.
class LeakListener final : public doctest::IReporter {
public:
    explicit LeakListener(const doctest::ContextOptions&) {}

    static inline int found = 0;

    /// Whether the counters count.
    static bool sees()
    {
        const long coroutines = live_coroutines;
        const long descriptors = live_descriptors();
        bool seen = false;
        {
            boost::asio::io_context io;
            const boost::asio::steady_timer timer(io); // brings descriptors
            seen = live_descriptors() > descriptors;
            const auto task = []() -> boost::asio::awaitable<void> { co_return; };
            boost::asio::co_spawn(io, task(), [](std::exception_ptr) {});
            seen = seen && live_coroutines > coroutines;
            io.run();
        }
        return seen && live_coroutines == coroutines && live_descriptors() == descriptors;
    }

    void test_case_start(const doctest::TestCaseData& test) override
    {
        test_ = &test;
        coroutines_ = live_coroutines;
        descriptors_ = live_descriptors();
    }
    void test_case_end(const doctest::CurrentTestCaseStats&) override
    {
        // A thread may be about to close the last of its own.
        for (int i = 0; i < 1000 && (descriptors() > 0 || coroutines() > 0); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        if (descriptors() <= 0 && coroutines() <= 0) return;
        ++found;
        std::cerr << "LEAK: " << test_->m_test_suite << ": " << test_->m_name << ": "
                  << descriptors() << " descriptors and " << coroutines()
                  << " coroutines more than before\n";
    }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

private:
    long coroutines() const { return live_coroutines - coroutines_; }
    long descriptors() const { return live_descriptors() - descriptors_; }

    const doctest::TestCaseData* test_ = nullptr;
    long coroutines_ = 0;
    long descriptors_ = 0;
};

/// Runs all cases. A leak is a failure, and so is a check that cannot see any.
inline int run_without_leaks(int argc, char** argv)
{
    if (!LeakListener::sees()) {
        std::cerr << "the leak check does not see coroutines or descriptors\n";
        return EXIT_FAILURE;
    }
    doctest::Context context(argc, argv);
    const int code = context.run();
    return code == 0 && LeakListener::found > 0 ? EXIT_FAILURE : code;
}

} // namespace slipway::test

REGISTER_LISTENER("leaks", 1, slipway::test::LeakListener);
