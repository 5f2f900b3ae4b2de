#include "agent/worker_job.hpp"

#include "agent/first_words.hpp"
#include "agent/run_job.hpp"

#include <string>
#include <utility>
#include <variant>

namespace slipway::core {

namespace {

std::string how_it_ended(const agent::Exit& exit)
{
    const bool killed = exit.how == static_cast<std::uint8_t>(agent::Ending::signaled);
    std::string text = killed ? "the agent's worker was killed by signal "
                              : "the agent's worker ended with exit code ";
    text += std::to_string(exit.code);
    if ((exit.flags & agent::Exit::out_of_memory) != 0) text += ": out of memory";
    return text;
}

// By the exit code of a worker.
Errc code_of(std::uint8_t exit_code)
{
    switch (static_cast<agent::TreeEnd>(exit_code)) {
    case agent::TreeEnd::missing:
        return Errc::not_found;
    case agent::TreeEnd::broken:
        return Errc::protocol;
    case agent::TreeEnd::refused:
        return Errc::invalid_argument;
    case agent::TreeEnd::done:
    case agent::TreeEnd::failed:
        break;
    }
    return Errc::engine;
}

} // namespace

agent::Run tree_run(agent::What what, std::string place, AgentIds ids, agent::Encoding encoding)
{
    agent::Run run;
    run.what = static_cast<std::uint8_t>(what);
    run.argv.push_back(std::move(place));
    run.has_ids = true;
    run.uid = ids.uid;
    run.gid = ids.gid;
    run.tree.encoding = static_cast<std::uint8_t>(encoding);
    return run;
}

Task<> run_worker(std::shared_ptr<AgentLink> link, agent::Run run, JobIo io)
{
    FirstWords words;
    io.err = &words;
    CO_TRY(const JobEnd end, co_await run_job(link, run, io));
    if (const auto* const failed = std::get_if<agent::Failed>(&end)) {
        co_return fail(Errc::engine, failed->text);
    }
    const auto& exit = std::get<agent::Exit>(end);
    const bool exited = exit.how == static_cast<std::uint8_t>(agent::Ending::exited);
    if (exited && exit.code == 0) co_return ok();
    std::string text = words.all();
    if (text.empty()) text = how_it_ended(exit);
    co_return fail(exited ? code_of(exit.code) : Errc::engine, std::move(text));
}

} // namespace slipway::core
