#include "conformance/lab.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;

TEST_SUITE("Streams")
{
    TEST_CASE("stdin of every size comes back from cat, and its end is seen")
    {
        Lab lab;
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{10} << 20U}) {
            CAPTURE(size);
            const auto id = lab.create(with_stdin(lab.spec({"sh", "-c", "cat; echo done >&2"})));
            const auto stream = lab.attach(id);
            CHECK(lab.must(lab.containers.start(id)) == Change::done);
            const auto input = pattern(size);
            const auto output = lab.talk(stream, input);
            CHECK(output.out.size() == size);
            CHECK((output.out == input));
            CHECK(output.err == "done\n");
            CHECK(lab.exit_code(id) == 0);
            lab.remove(id);
        }
        CHECK(lab.ours().empty());
    }

    TEST_CASE("interleaved outputs are told apart")
    {
        Lab lab;
        const auto id = lab.create(with_stdin(lab.spec(
            {"sh",
             "-c",
             "read go; i=0; while [ $i -lt 500 ]; do echo out$i; echo err$i >&2; i=$((i+1)); done"}
        )));
        const auto stream = lab.attach(id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const auto output = lab.talk(stream, "go\n");
        std::string out;
        std::string err;
        for (int i = 0; i < 500; ++i) {
            out += "out" + std::to_string(i) + "\n";
            err += "err" + std::to_string(i) + "\n";
        }
        CHECK(output.out == out);
        CHECK(output.err == err);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }
}
