#include "sandbox/pool/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

namespace slipway::core::pool {

namespace {

constexpr int no_program = 127; // as a shell has them
constexpr int not_executable = 126;
constexpr int by_signal = 128;
constexpr std::string_view engines_path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view name_of(std::string_view variable)
{
    return variable.substr(0, variable.find('='));
}

// Later ones win.
void set(std::vector<std::string>& env, std::string variable)
{
    const auto same = std::find_if(env.begin(), env.end(), [&](const std::string& other) {
        return name_of(other) == name_of(variable);
    });
    if (same != env.end()) {
        *same = std::move(variable);
    } else {
        env.push_back(std::move(variable));
    }
}

// As the engine would read it; of those that a program can be interrupted by.
int number_of(const std::string& signal)
{
    if (signal == "SIGTERM") return SIGTERM;
    if (signal == "SIGHUP") return SIGHUP;
    if (signal == "SIGQUIT") return SIGQUIT;
    return SIGINT;
}

JobResult failure(const agent::Failed& failed, const std::string& program)
{
    JobResult result;
    const bool missing = static_cast<agent::Step>(failed.step) == agent::Step::find;
    result.exit_code = missing ? no_program : not_executable;
    result.not_run =
        failed.text.empty()
            ? fmt::format("{}: {}", program, std::strerror(static_cast<int>(failed.error)))
            : failed.text;
    return result;
}

} // namespace

agent::Run run_message(const LeasedJob& job, const engine::ImageConfig& image, Ids ids)
{
    agent::Run run;
    run.argv = image.entrypoint;
    run.argv.insert(run.argv.end(), job.argv.begin(), job.argv.end());
    run.env.emplace_back(engines_path);
    run.env.emplace_back("HOME=/tmp"); // the image's is read-only
    add_variables(run.env, image.env);
    add_variables(run.env, job.env);
    run.cwd = job.cwd.empty() ? image.working_dir : job.cwd;
    run.has_ids = true;
    run.uid = ids.uid;
    run.gid = ids.gid;
    run.deadline_ms = static_cast<std::uint64_t>(job.deadline.count());
    run.terminal = job.terminal;
    return run;
}

void add_variables(std::vector<std::string>& env, const std::vector<std::string>& variables)
{
    for (const std::string& variable : variables) {
        set(env, variable);
    }
}

JobIo io_of(const JobStreams& streams)
{
    JobIo io;
    io.in = streams.in;
    io.out = streams.out;
    io.err = streams.err;
    io.on_terminal = streams.on_terminal;
    io.grace = interrupt_grace;
    if (streams.interrupt_signal) {
        io.stop_signal = [name = streams.interrupt_signal] { return number_of(name()); };
    } else {
        io.stop_signal = [] { return SIGINT; };
    }
    return io;
}

JobResult result_of(const JobEnd& end, const std::string& program)
{
    if (const auto* failed = std::get_if<agent::Failed>(&end)) return failure(*failed, program);
    const auto& exit = std::get<agent::Exit>(end);
    JobResult result;
    const bool signaled = static_cast<agent::Ending>(exit.how) == agent::Ending::signaled;
    result.exit_code = exit.code + (signaled ? by_signal : 0);
    result.out_of_memory = (exit.flags & agent::Exit::out_of_memory) != 0;
    return result;
}

} // namespace slipway::core::pool
