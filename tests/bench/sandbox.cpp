// What a job costs in a sandbox of the pool, beside the same without a container. The engine is
// that of DOCKER_HOST; IMAGE is one of its images; the pools are those of a directory of their own.
//
//   bench_sandbox job IMAGE ROUNDS PROGRAM         `true` over an open lease; PROGRAM true, here
//   bench_sandbox compile IMAGE ROUNDS SOURCE      SOURCE in, gcc -O2, object out; gcc, here
//   bench_sandbox parallel IMAGE JOBS SOURCE       JOBS compiles, two at a time; the same, here
//   bench_sandbox tree IMAGE in|out LOCAL REMOTE   a tree by a lease, no peer
//
// Prints a JSON object: the first three {ours, peer} in milliseconds (medians; of `parallel` the
// time of all), the last {ours} in seconds. A compile sees this machine's /usr and /lib, so both
// sides run the same compiler.
#include "support/run.hpp"

#include <slipway/core/container_files.hpp>
#include <slipway/core/lease.hpp>
#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/endpoint.hpp>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace slipway;

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin)
{
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double median(std::vector<double> all)
{
    std::ranges::sort(all);
    return all[all.size() / 2];
}

pid_t begin_here(const std::vector<std::string>& argv)
{
    std::vector<char*> words;
    for (const std::string& word : argv) {
        words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawn(&pid, words.front(), nullptr, nullptr, words.data(), environ) != 0) return -1;
    return pid;
}

Result<> end_here(pid_t pid)
{
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0) {
        return fail(Errc::internal, "a program that was run here has failed");
    }
    return ok();
}

Task<engine::Client> connect()
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const char* url = std::getenv("DOCKER_HOST");
    CO_TRY(const auto endpoint, engine::parse_endpoint(url != nullptr ? url : ""));
    co_return co_await engine::Client::connect(executor, endpoint);
}

core::SandboxSpec spec_for(const std::string& image)
{
    core::SandboxSpec spec;
    spec.image = image;
    spec.scratch = {"/tmp", "/build"};
    return spec;
}

// This machine's compiler, under a name that engines with another root file system see as well.
core::SandboxSpec compiler_for(const std::string& image)
{
    core::SandboxSpec spec = spec_for(image);
    const std::string root = std::getenv("BENCH_ROOT");
    for (const char* directory : {"/usr", "/lib", "/lib64"}) {
        engine::Mount mount;
        mount.type = "bind";
        mount.source = root + fs::canonical(directory).string();
        mount.target = directory;
        mount.read_only = true;
        spec.mounts.push_back(std::move(mount));
    }
    return spec;
}

Task<std::shared_ptr<core::Lease>> lease_of(engine::Client client, core::SandboxSpec spec)
{
    core::PoolOptions options;
    CO_TRY(auto acquired, co_await core::acquire(client, std::move(spec), std::move(options)));
    std::shared_ptr<core::Lease> lease = std::move(acquired);
    co_return lease;
}

Task<> run_in(core::Lease& lease, std::vector<std::string> argv)
{
    core::LeasedJob job;
    job.argv = std::move(argv);
    core::JobStreams streams;
    CO_TRY(const core::JobResult result, co_await lease.run(std::move(job), streams));
    if (result.exit_code != 0) {
        co_return fail(Errc::internal, "a job has failed: " + result.not_run);
    }
    co_return ok();
}

Task<std::string> one_job(std::string image, int rounds, std::string program)
{
    CO_TRY(const auto client, co_await connect());
    core::SandboxSpec spec = spec_for(image);
    CO_TRY(const auto lease, co_await lease_of(client, std::move(spec)));
    const std::vector<std::string> here(1, program);
    const std::vector<std::string> there(1, "/bin/true");
    std::vector<double> ours;
    std::vector<double> peer;
    for (int round = -rounds / 10; round < rounds; ++round) {
        auto begin = Clock::now();
        CO_CHECK(co_await run_in(*lease, there));
        const double leased = milliseconds_since(begin);
        begin = Clock::now();
        CO_CHECK(end_here(begin_here(here)));
        if (round < 0) continue; // warming up
        ours.push_back(leased);
        peer.push_back(milliseconds_since(begin));
    }
    CO_CHECK(co_await lease->release());
    co_return fmt::format(R"({{"ours": {:.3f}, "peer": {:.3f}}})", median(ours), median(peer));
}

std::vector<std::string> compile_words(const fs::path& source, const fs::path& object)
{
    return {"/usr/bin/g++", "-O2", "-c", "-o", object.string(), source.string()};
}

// A source in, its object out, by one lease: as a compile farm would.
Task<> compile(engine::Client client, std::string image, fs::path source, fs::path into)
{
    core::SandboxSpec spec = compiler_for(image);
    CO_TRY(const auto lease, co_await lease_of(client, std::move(spec)));
    std::vector<core::PackRoot> roots(1);
    roots[0].local = source;
    roots[0].inside = source.filename();
    const auto tar = core::pack(std::move(roots));
    CO_CHECK(co_await lease->put("/build", tar));
    auto words = compile_words("/build" / source.filename(), "/build/out.o");
    CO_CHECK(co_await run_in(*lease, std::move(words)));
    CO_TRY(auto back, co_await core::leased_files(lease)->get("/build/out.o"));
    CO_CHECK(co_await core::unpack(std::move(back), into));
    co_return co_await lease->release();
}

Task<std::string> compiles(std::string image, int rounds, fs::path source)
{
    CO_TRY(const auto client, co_await connect());
    const fs::path into = fs::temp_directory_path() / fmt::format("bench-sandbox-{}", ::getpid());
    fs::create_directory(into);
    std::vector<double> ours;
    std::vector<double> peer;
    for (int round = -1; round < rounds; ++round) {
        auto begin = Clock::now();
        CO_CHECK(co_await compile(client, image, source, into));
        const double leased = milliseconds_since(begin);
        begin = Clock::now();
        CO_CHECK(end_here(begin_here(compile_words(source, into / "here.o"))));
        if (round < 0) continue;
        ours.push_back(leased);
        peer.push_back(milliseconds_since(begin));
    }
    fs::remove_all(into);
    co_return fmt::format(R"({{"ours": {:.3f}, "peer": {:.3f}}})", median(ours), median(peer));
}

Task<> compile_some(
    engine::Client client,
    std::string image,
    fs::path source,
    fs::path into,
    std::shared_ptr<int> left
)
{
    while ((*left)-- > 0) {
        CO_CHECK(co_await compile(client, image, source, into));
    }
    co_return ok();
}

Task<>
compile_all(engine::Client client, std::string image, int jobs, fs::path source, fs::path into)
{
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto left = std::make_shared<int>(jobs);
    fs::create_directories(into / "1");
    fs::create_directories(into / "2");
    engine::Child other(executor, compile_some(client, image, source, into / "1", left));
    const auto mine = co_await compile_some(client, image, source, into / "2", left);
    const auto others = co_await other.join();
    if (!mine) co_return fail(mine.error());
    if (!others) co_return fail(others.error());
    co_return ok();
}

Result<> compile_all_here(int jobs, const fs::path& source, const fs::path& into)
{
    std::vector<pid_t> running;
    for (int job = 0; job < jobs; ++job) {
        if (running.size() == 2) {
            int status = 0;
            const pid_t ended = ::waitpid(-1, &status, 0);
            if (status != 0) return fail(Errc::internal, "a compile that was run here has failed");
            std::erase(running, ended);
        }
        const fs::path object = into / fmt::format("{}.o", job % 4);
        running.push_back(begin_here(compile_words(source, object)));
    }
    for (const pid_t pid : running) {
        CHECK_OK(end_here(pid));
    }
    return ok();
}

Task<std::string> parallel(std::string image, int jobs, fs::path source)
{
    CO_TRY(const auto client, co_await connect());
    const fs::path into = fs::temp_directory_path() / fmt::format("bench-sandbox-{}", ::getpid());
    CO_CHECK(co_await compile_all(client, image, 4, source, into)); // two warm sandboxes
    auto begin = Clock::now();
    CO_CHECK(co_await compile_all(client, image, jobs, source, into));
    const double ours = milliseconds_since(begin);
    begin = Clock::now();
    CO_CHECK(compile_all_here(jobs, source, into));
    const double peer = milliseconds_since(begin);
    fs::remove_all(into);
    co_return fmt::format(R"({{"ours": {:.1f}, "peer": {:.1f}}})", ours, peer);
}

Task<std::string> tree(std::string image, std::string way, fs::path local, fs::path remote)
{
    CO_TRY(const auto client, co_await connect());
    core::SandboxSpec spec = spec_for(image);
    CO_TRY(const auto lease, co_await lease_of(client, std::move(spec)));
    auto begin = Clock::now();
    std::vector<core::PackRoot> roots(1);
    roots[0].local = way == "in" ? local : fs::path(std::getenv("BENCH_TREE"));
    roots[0].inside = remote.relative_path();
    const auto tar = core::pack(std::move(roots));
    CO_CHECK(co_await lease->put("/", tar));
    if (way == "out") { // scratch is empty when a lease begins, so it has just been put there
        begin = Clock::now();
        CO_TRY(auto back, co_await core::leased_files(lease)->get(remote));
        CO_CHECK(co_await core::unpack(std::move(back), local));
    }
    const double took = milliseconds_since(begin) / 1000;
    CO_CHECK(co_await lease->release());
    co_return fmt::format(R"({{"ours": {:.3f}, "road": "{}"}})", took, core::name(lease->road()));
}

Task<std::string> chosen(std::vector<std::string> args)
{
    const std::string& what = args[1];
    if (what == "tree") return tree(args[2], args[3], args[4], args[5]);
    const int count = std::atoi(args[3].c_str());
    if (what == "job") return one_job(args[2], count, args[4]);
    if (what == "compile") return compiles(args[2], count, args[4]);
    return parallel(args[2], count, args[4]);
}

} // namespace

int main(int argc, char** argv)
{
    std::vector<std::string> args(argv, argv + argc);
    if (args.size() < 5 || (args[1] == "tree" && args.size() != 6)) return 2;
    const auto report = test::run(chosen(std::move(args)));
    if (!report) {
        fmt::print(stderr, "{}\n", describe(report.error()));
        return 1;
    }
    fmt::print("{}\n", *report);
    return 0;
}
