#include "sandbox/by_exec/run_script.hpp"

#include "agent/first_words.hpp"

#include <fmt/format.h>

#include <utility>

namespace slipway::core::by_exec {

namespace {

constexpr int missing_code = 3;
constexpr int refused_code = 4;

} // namespace

Task<> run_script(
    std::shared_ptr<Sandbox> sandbox,
    std::string script,
    std::vector<std::string> words,
    engine::ByteSource* in,
    engine::ByteSink* out
)
{
    LeasedJob job;
    job.argv = {"sh", "-c", std::move(script), "sh"};
    job.argv.insert(job.argv.end(), words.begin(), words.end());
    job.cwd = "/";
    FirstWords said;
    JobStreams streams;
    streams.in = in;
    streams.out = out != nullptr ? out : &said;
    streams.err = &said;
    CO_TRY(const JobResult result, co_await run_by_exec(sandbox, std::move(job), streams));
    if (result.exit_code == 0) co_return ok();
    std::string text = result.not_run.empty() ? said.first_line() : result.not_run;
    if (text.empty()) text = fmt::format("exit code {}", result.exit_code);
    const Errc code = result.exit_code == missing_code   ? Errc::not_found
                      : result.exit_code == refused_code ? Errc::invalid_argument
                                                         : Errc::engine;
    co_return fail(code, std::move(text));
}

} // namespace slipway::core::by_exec
