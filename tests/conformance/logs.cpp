#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;
using engine::Change;

namespace {

std::string finished(Lab& lab, engine::ContainerSpec spec)
{
    auto id = lab.create(spec);
    CHECK(lab.must(lab.containers.start(id)) == Change::done);
    CHECK(lab.exit_code(id) == 0);
    return id;
}

Output read_log(Lab& lab, const std::string& id, const engine::LogOptions& options)
{
    return lab.read(lab.must(lab.containers.logs(id, options)));
}

Output follow_log(Lab& lab, const std::string& id)
{
    engine::LogOptions options;
    options.follow = true;
    return lab.read_followed(lab.must(lab.containers.logs(id, options)));
}

std::string last_lines(Lab& lab, const std::string& id, std::uint64_t count)
{
    engine::LogOptions options;
    options.tail = count;
    return read_log(lab, id, options).out;
}

std::chrono::sys_time<std::chrono::nanoseconds> now()
{
    return std::chrono::system_clock::now();
}

/// Of a follower up to the container's end, and of who reads the log then.
void check_followed(Lab& lab, const std::string& id, const Output& followed, const Output& expected)
{
    if (differs(
            lab, &engine::Traits::follow_may_lose_the_end, "may not give a follower the last lines"
        )) {
        CHECK(expected.out.starts_with(followed.out));
        CHECK(expected.err.starts_with(followed.err));
    } else {
        CHECK(followed.out == expected.out);
        CHECK(followed.err == expected.err);
    }
    CHECK(lab.exit_code(id) == 0);
    const auto whole = lab.logs(id);
    CHECK(whole.out == expected.out);
    CHECK(whole.err == expected.err);
}

// The time a file in the container was made at, so that the engine's clock is the only one.
std::chrono::sys_time<std::chrono::nanoseconds> made_at(Lab& lab, const std::string& id)
{
    return *lab.must(lab.archives.stat(id, "/tmp/between")).modified;
}

} // namespace

TEST_SUITE("Logs")
{
    TEST_CASE("logs keep the two outputs apart")
    {
        Lab lab;
        const auto id =
            lab.create(lab.spec({"sh", "-c", "echo to out; echo to err >&2; echo more"}));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        check_followed(lab, id, follow_log(lab, id), {"to out\nmore\n", "to err\n"});
        engine::LogOptions last;
        last.tail = 1;
        const auto tail = lab.read(lab.must(lab.containers.logs(id, last)));
        CHECK(std::ranges::count(tail.out + tail.err, '\n') == 1); // of both outputs together
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("tail: none, one, all, and more than there are")
    {
        Lab lab;
        const auto id = finished(lab, lab.spec({"sh", "-c", "echo 1; echo 2; echo 3"}));
        CHECK(last_lines(lab, id, 0).empty());
        CHECK(last_lines(lab, id, 1) == "3\n");
        CHECK(last_lines(lab, id, 2) == "2\n3\n");
        CHECK(last_lines(lab, id, 100) == "1\n2\n3\n");
        CHECK(lab.logs(id).out == "1\n2\n3\n");
        lab.remove(id);
    }

    TEST_CASE("one output alone, and neither")
    {
        Lab lab;
        const auto id = finished(lab, lab.spec({"sh", "-c", "echo out; echo err >&2"}));
        engine::LogOptions options;
        options.err = false;
        auto output = read_log(lab, id, options);
        CHECK(output.out == "out\n");
        CHECK(output.err.empty());
        options.err = true;
        options.out = false;
        output = read_log(lab, id, options);
        CHECK(output.out.empty());
        CHECK(output.err == "err\n");
        options.err = false;
        CHECK(lab.refused(lab.containers.logs(id, options)).code == Errc::invalid_argument);
        lab.remove(id);
        const engine::LogOptions all;
        CHECK(lab.refused(lab.containers.logs(id, all)).code == Errc::not_found);
    }

    TEST_CASE("since and until cut a log in two")
    {
        Lab lab;
        const auto id = finished(
            lab, lab.spec({"sh", "-c", "echo 1; sleep 1.5; touch /tmp/between; sleep 1.5; echo 2"})
        );
        engine::LogOptions options;
        options.since = made_at(lab, id);
        CHECK(read_log(lab, id, options).out == "2\n");
        options.until = options.since;
        options.since.reset();
        CHECK(read_log(lab, id, options).out == "1\n");
        lab.remove(id);
    }

    TEST_CASE("timestamps")
    {
        Lab lab;
        const auto before = now();
        const auto id = finished(lab, lab.spec({"sh", "-c", "echo 1; echo 2"}));
        engine::LogOptions options;
        options.timestamps = true;
        const auto text = read_log(lab, id, options).out;
        CHECK(std::ranges::count(text, '\n') == 2);
        const auto space = text.find(' ');
        REQUIRE(space != std::string::npos);
        CHECK(text.substr(space, 3) == " 1\n");
        const auto year =
            std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(before));
        CHECK_MESSAGE(text.starts_with(std::to_string(static_cast<int>(year.year())) + "-"), text);
        CHECK_MESSAGE(text[10] == 'T', text);
        lab.remove(id);
    }

    TEST_CASE("details: attributes that the container's log was told to keep")
    {
        Lab lab;
        auto spec = lab.spec({"echo", "line"});
        spec.env = {"A=b"};
        engine::LogConfig log;
        log.type = "json-file";
        log.options = {{"labels", "slipway.test"}, {"env", "A"}};
        spec.host.log_config = log;
        const auto id = finished(lab, spec);
        CHECK(lab.logs(id).out == "line\n");
        engine::LogOptions options;
        options.details = true;
        if (lacks(lab, &engine::Traits::can_log_details, "has no details in its logs")) {
            CHECK(lab.refused(lab.containers.logs(id, options)).code == Errc::unsupported);
        } else {
            const auto label = lab.only_ours().at("label").front();
            CHECK(read_log(lab, id, options).out == "A=b," + label + " line\n");
        }
        lab.remove(id);
    }

    TEST_CASE("the log of a terminal is raw")
    {
        Lab lab;
        auto spec = lab.spec({"sh", "-c", "echo out; echo err >&2"});
        spec.tty = true;
        const auto id = finished(lab, spec);
        const engine::LogOptions all;
        CHECK(lab.read(lab.must(lab.containers.logs(id, all)), false).out == "out\r\nerr\r\n");
        lab.remove(id);
    }

    TEST_CASE("a follower of a silent container")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"sh", "-c", "sleep 2; echo late"}));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        check_followed(lab, id, follow_log(lab, id), {"late\n", ""});
        lab.remove(id);

        const auto mute = lab.create(lab.spec({"sleep", "1"}));
        CHECK(lab.must(lab.containers.start(mute)) == Change::done);
        check_followed(lab, mute, follow_log(lab, mute), {"", ""});
        lab.remove(mute);
    }

    TEST_CASE("two followers, and one after the exit")
    {
        Lab lab;
        const auto id =
            lab.create(lab.spec({"sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done"}));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        engine::LogOptions follow;
        follow.follow = true;
        const std::shared_ptr<engine::ByteSource> one = lab.must(lab.containers.logs(id, follow));
        const std::shared_ptr<engine::ByteSource> two = lab.must(lab.containers.logs(id, follow));
        const Output all{"1\n2\n3\n", ""};
        check_followed(lab, id, lab.read_followed(one), all);
        check_followed(lab, id, lab.read_followed(two), all);
        CHECK(read_log(lab, id, follow).out == "1\n2\n3\n");
        lab.remove(id);
    }

    TEST_CASE("a log that was rotated ends with the latest lines, without a gap")
    {
        Lab lab;
        auto spec = lab.spec({"sh", "-c", "seq 10000 14999"});
        engine::LogConfig log;
        log.type = "json-file";
        log.options = {{"max-size", "50k"}, {"max-file", "2"}};
        spec.host.log_config = log;
        const auto id = finished(lab, spec);
        const auto text = lab.logs(id).out;
        CHECK(text.size() < 5000U * 6);
        REQUIRE(text.size() >= 6);
        std::string expected;
        for (int i = std::stoi(text); i < 15'000; ++i) {
            expected += std::to_string(i) + "\n";
        }
        CHECK(text == expected);
        lab.remove(id);
    }
}

TEST_SUITE("Traits")
{
    TEST_CASE("follow_may_lose_the_end")
    {
        // A race, which a machine with time to spare hardly ever shows: where it shows, the engine
        // has to be one of those.
        Lab lab;
        const auto id = lab.create(lab.spec({"sh", "-c", "sleep 0.5; echo last"}));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const bool lost = follow_log(lab, id).out.empty();
        const bool may = differs(lab, &engine::Traits::follow_may_lose_the_end, "as its name says");
        CHECK((may || !lost));
        CHECK(lab.exit_code(id) == 0);
        CHECK(lab.logs(id).out == "last\n");
        lab.remove(id);
    }
}
