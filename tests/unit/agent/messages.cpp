#include "agent/messages.hpp"

#include "agent/codec.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace slipway::agent;

namespace {

/// It comes back as it was, and no part of it is a message, nor it with something behind.
template <class T>
void check_round_trip(const T& message)
{
    const std::string bytes = encode(message);
    const auto again = decode<T>(bytes);
    REQUIRE(again.has_value());
    CHECK(encode(*again) == bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK(!decode<T>(bytes.substr(0, size)).has_value());
    }
    CHECK(!decode<T>(bytes + '\0').has_value());
}

} // namespace

TEST_SUITE("agent.messages")
{
    TEST_CASE("every message comes back as it was, and only as a whole")
    {
        Nonce nonce{};
        nonce.fill('\xff');
        check_round_trip(Hello{1, 7, 30'000, nonce});
        check_round_trip(Welcome{nonce, 1, ~std::uint64_t{0}, true, "a build"});
        check_round_trip(Busy{nonce, 12});
        check_round_trip(Refused{nonce, 2, 3});
        check_round_trip(ResetDone{false, "a reason"});
        check_round_trip(Window{1, 0xffffffff});
        check_round_trip(Resize{24, 80});
        check_round_trip(Signal{15});
        check_round_trip(Cancel{2, 500});
        check_round_trip(Started{1});
        check_round_trip(Exit{1, 9, 15, 1, 2, 3});
        check_round_trip(Failed{2, 13, "text"});
        check_round_trip(Run());
        check_round_trip(Entry());
    }

    TEST_CASE("run has all its fields in their order")
    {
        Run run;
        run.what = 2;
        run.argv = {"a", "", std::string("\0\xff\n", 3)};
        run.env = {"A=1\n2=3"};
        run.cwd = "/w";
        run.has_ids = true;
        run.uid = 1;
        run.gid = 2;
        run.groups = {3, 4};
        run.umask = 077;
        run.limits = {{7, 1, 2}, {8, 3, 4}};
        run.deadline_ms = 99;
        run.terminal = true;
        run.rows = 5;
        run.columns = 6;
        run.has_in = true;
        run.own_stream = true;
        run.window = 7;
        TreeItem item;
        item.kind = 1;
        item.required = false;
        item.text = "**/\xff";
        run.tree.items = {item};
        run.tree.encoding = 1;
        run.tree.digest = 2;
        run.tree.mode = 04755;
        run.tree.has_mtime = true;
        run.tree.mtime_ns = -1'500'000'000;
        check_round_trip(run);
        const auto again = decode<Run>(encode(run));
        CHECK(again->argv == run.argv);
        CHECK(again->groups == run.groups);
        CHECK(again->limits[1].hard == 4);
        CHECK(again->own_stream);
        CHECK(again->window == 7);
        CHECK(again->tree.items[0].text == "**/\xff");
        CHECK(again->tree.mtime_ns == -1'500'000'000);
    }

    TEST_CASE("a flag is 0 or 1, and a size that lies is refused")
    {
        std::string bytes = encode(ResetDone{true, ""});
        bytes[0] = 2;
        CHECK(!decode<ResetDone>(bytes));
        bytes = encode(Run());
        bytes[1] = bytes[2] = bytes[3] = bytes[4] = '\xff'; // the count of argv
        CHECK(!decode<Run>(bytes));
    }
}
